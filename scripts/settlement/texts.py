"""Entries, lines and refusals in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from streams.programs.lines import Line, Refusal, Step, step_in_words
from streams.programs.money import in_words
from streams.settlement import SettledEntry


def entry_line(entry: SettledEntry) -> str:
    """Return an entry in one line."""
    amount = in_words(entry.amount_micros, entry.currency)
    reason = f" ({entry.reason})" if entry.reason else ""
    return f"{entry.entry_id} {entry.state} {entry.creator_id} {amount}{reason}"


def line_line(line: Line) -> str:
    """Return a target in one line."""
    amount = in_words(line.amount_micros, line.currency)
    return f"{line.key} {line.creator_id} {amount} by rate {line.rate_version}"


def refusal_line(refusal: Refusal) -> str:
    """Return a refusal in one line."""
    return f"{refusal.key}: {refusal.reason}: {refusal.detail}"


def explanation_lines(text: str) -> list[str]:
    """Return the arithmetic of an entry as it is stored, a line a step."""
    return [step_in_words(Step(*step)) for step in json.loads(text)]


def time_text(time_ms: int) -> str:
    """Return an event time as people read it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
