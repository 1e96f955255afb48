"""Worked examples: small facts, and the ledger they must give, written by hand from the rules."""
