"""Settlement: books what a day is worth less what is booked already.

Pure: takes the day's targets and the entries booked so far, returns the entries that are missing.
Run again it returns nothing; after a correction it returns adjustments. Entry ids follow from the
target and the number of entries before, so two settlements at once write the same rows.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Target(NamedTuple):
    """What one reference should have earned on one day."""

    entry_id: str
    occurred_at_ms: int
    creator_id: str
    source: str
    amount_micros: int
    currency: str
    reference: str
    rate_version: str


class Booked(NamedTuple):
    """The entries that a reference has on the day: how many, and their sum."""

    entries: int
    amount_micros: int


class SettledEntry(NamedTuple):
    """One entry to append to the ledger."""

    target: Target
    entry_id: str
    state: str
    amount_micros: int
    reason: str


def missing_entries(targets: Iterable[Target], booked: Mapping[str, Booked]) -> list[SettledEntry]:
    """Return the entries that bring the ledger to one day's targets.

    `booked` is by reference. The first entry of a target is `final`, later ones are `adjustment`s of the difference.
    """
    entries = []
    for target in sorted(targets):
        before = booked.get(target.reference, Booked(0, 0))
        difference = target.amount_micros - before.amount_micros
        if difference == 0:
            continue
        if before.entries == 0:
            entries.append(SettledEntry(target, target.entry_id, "final", difference, ""))
        else:
            entry_id = f"{target.entry_id}:{before.entries}"
            entries.append(
                SettledEntry(
                    target, entry_id, "adjustment", difference, "corrected after settlement"
                )
            )
    return entries
