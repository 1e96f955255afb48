"""The way of the data, one stage a file; agents.py wires them."""
