"""What crosses a boundary: events, failures, rows, dated rates."""
