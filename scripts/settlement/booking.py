"""What is booked, and booking what is missing.

Explanations are written before their entries and a day is marked as settled after them: killed at any
instant, a settlement is finished by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.settlement.targets import EPOCH, Scope
from sinks.writer import Writer
from streams.programs.lines import Line, Refusal
from streams.settlement import (
    Account,
    Booked,
    SettledEntry,
    account_of,
    entries_to_book,
    held_lines,
)

# What is written has one content under its key, so its version only has to be the same each time.
_VERSION = 1
_NUMBERED = ":([0-9]+)-[0-9a-f]{16}$"
_BOOKED = """
SELECT
    replaceRegexpOne(entry_id, {numbered:String}, '') AS account,
    creator_id,
    currency,
    count(),
    sum(amount_micros),
    argMin(toUnixTimestamp64Milli(occurred_at), (number, entry_id)),
    argMin(reference, (number, entry_id)),
    argMax(rate_version, (number, entry_id))
FROM (
    SELECT *, toUInt64OrZero(extract(entry_id, {numbered:String})) AS number
    FROM ledger FINAL
    WHERE source = {source:String}
)
GROUP BY account, creator_id, currency
"""


@dataclass(slots=True)
class Settled:
    """What one settlement did, or would do."""

    entries: list[SettledEntry] = field(default_factory=list)
    held: list[Line] = field(
        default_factory=list
    )  # booked at another rate; only --restate books them
    refusals: list[Refusal] = field(default_factory=list)


def settle_scope(client: Any, writer: Writer | None, scope: Scope, *, restate: bool) -> Settled:
    """Book what a scope misses; without a writer only say what that would be."""
    booked = _in_scope(booked_accounts(client, scope.source), scope)
    lines, refusals = scope.result
    entries = entries_to_book(lines, booked, refusals=refusals, restate=restate)
    held = [] if restate else held_lines(lines, booked)
    if writer is not None:
        write_entries(writer, entries)
        if not any(refusal.is_whole for refusal in refusals):
            day = (scope.day - EPOCH).days
            writer.write("settlements", [[scope.source], [day], [0], [""], [_VERSION]])
    return Settled(entries, held, list(refusals))


def booked_accounts(client: Any, source: str) -> dict[Account, Booked]:
    """Return what each account of a program has."""
    parameters = {"source": source, "numbered": _NUMBERED}
    rows = client.query(_BOOKED, parameters=parameters).result_rows
    return {
        Account(*row[:3]): Booked(row[3], row[4], row[5], source, row[6], row[7]) for row in rows
    }


def _in_scope(booked: Mapping[Account, Booked], scope: Scope) -> dict[Account, Booked]:
    wanted = {account_of(line) for line in scope.result.lines}
    return {
        account: has
        for account, has in booked.items()
        if account in wanted or scope.start_ms <= has.occurred_at_ms < scope.end_ms
    }


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
