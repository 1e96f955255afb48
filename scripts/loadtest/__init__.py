"""The load test: rates in steps until the backlog grows, and what a killed worker costs."""
