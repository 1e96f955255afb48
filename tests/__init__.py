"""Tests: unit mirrors the source; then properties, contracts, crash, kafka."""
