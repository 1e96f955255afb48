"""One module at a time, no services."""
