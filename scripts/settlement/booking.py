"""What is booked, and booking what is missing.

Explanations are written before their entries and a day is marked as settled after them: killed at any
instant, a settlement is finished by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scripts.settlement.targets import EPOCH, Scope
from sinks.writer import Writer
from streams.programs.lines import Line, Refusal
from streams.settlement import SettledEntry

# What is written has one content under its key, so its version only has to be the same each time.
_VERSION = 1


@dataclass(slots=True)
class Settled:
    """What one settlement did, or would do."""

    entries: list[SettledEntry] = field(default_factory=list)
    held: list[Line] = field(
        default_factory=list
    )  # booked at another rate; only --restate books them
    refusals: list[Refusal] = field(default_factory=list)


def settle_scope(writer: Writer | None, scope: Scope, *, restate: bool) -> Settled:
    """Book what a scope misses; without a writer only say what that would be."""
    entries = scope.missing(restate=restate)
    held = [] if restate else scope.held()
    refusals = scope.result.refusals
    if writer is not None:
        write_entries(writer, entries)
        if not any(refusal.is_whole for refusal in refusals):
            day = (scope.day - EPOCH).days
            writer.write("settlements", [[scope.source], [day], [0], [""], [_VERSION]])
    return Settled(entries, held, list(refusals))


def write_entries(writer: Writer, entries: Iterable[SettledEntry]) -> None:
    """Append entries to the ledger; writing them again changes nothing."""
    entries = list(entries)
    if not entries:
        return
    writer.write(
        "explanations",
        _columns((e.entry_id, json.dumps(e.explanation), _VERSION) for e in entries),
    )
    writer.write("ledger", _columns((*e[:-1], _VERSION) for e in entries))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
