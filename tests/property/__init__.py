"""What must hold for every input: tests by hypothesis."""
