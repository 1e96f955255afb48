"""The parts together: broker, ClickHouse and workers, started for the test."""
