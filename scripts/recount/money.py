"""The ledger by day and by creator, and what settling changes about it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scripts.recount.compare import Anything, OneOf, Row
from scripts.recount.gifts import Entry
from scripts.recount.model import CURRENCY_OF_SUMS, DAY_MS

REWARDS = "creator_rewards"
LEDGER_COLUMNS = (
    "occurred_at",
    "creator_id",
    "source",
    "state",
    "amount_micros",
    "currency",
    "reference",
    "rate_version",
)
# An entry of a reward is named by video and day; what follows names a correction.
_REWARD = re.compile(r"(creator_rewards:.*:\d{4}-\d\d-\d\d)(:.*)?", re.DOTALL)

DayKey = tuple[int, str, str]  # start of the day in ms, creator, source


@dataclass(frozen=True, slots=True)
class Settled:
    """What ClickHouse says that the log does not: which days are settled, by whom."""

    days: frozenset[tuple[str, int]] = frozenset()  # source, start of the day in ms

    def holds(self, entry: Entry) -> bool:
        """Tell whether an estimate's day is settled, so that it must be booked."""
        return (entry.source, _day(entry)) in self.days


def booked(ledger: Mapping[str, Entry], settled: Settled) -> dict[tuple[str, str], int]:
    """Return the balances by creator and currency: what is final, adjusted or settled."""
    balances: dict[tuple[str, str], int] = {}
    for entry in ledger.values():
        if entry.state != "estimated" or settled.holds(entry):
            owner = (entry.creator_id, entry.currency)
            balances[owner] = balances.get(owner, 0) + entry.amount_micros
    return balances


def daily(ledger: Mapping[str, Entry], settled: Settled) -> dict[DayKey, tuple[int, object]]:
    """Return amount and number of the entries in the currency of sums, by day, creator, source.

    A settled day may have corrections beside its entries, so their number is left open.
    """
    sums: dict[DayKey, tuple[int, int]] = {}
    for entry in ledger.values():
        if entry.currency != CURRENCY_OF_SUMS:
            continue
        key = (_day(entry), entry.creator_id, entry.source)
        amount, entries = sums.get(key, (0, 0))
        sums[key] = (amount + entry.amount_micros, entries + 1)
    return {
        key: (amount, Anything() if (key[2], key[0]) in settled.days else entries)
        for key, (amount, entries) in sums.items()
    }


def ledger_row(entry: Entry, settled: Settled) -> Row:
    """Return what an entry must be, in `LEDGER_COLUMNS`; one of a settled day must be booked."""
    states = frozenset({"estimated", "final"})
    state: object = OneOf(states) if entry.source == REWARDS else entry.state
    if settled.holds(entry):
        state = "final"
    return (
        entry.occurred_at_ms,
        entry.creator_id,
        entry.source,
        state,
        entry.amount_micros,
        entry.currency,
        entry.reference,
        entry.rate_version,
    )


def with_corrections(rows: Iterable[Row]) -> Iterator[Row]:
    """Add corrections of rewards to the entries they correct; other rows pass.

    A row is (entry id, *LEDGER_COLUMNS). Where corrections contradict their entry, or are not
    named and marked as corrections, the cell that comes out says so and equals nothing expected.
    """
    rewards: dict[str, list[Row]] = {}
    for row in rows:
        match = _REWARD.fullmatch(row[0]) if row[3] == REWARDS else None
        if match is None:
            yield row
        else:
            rewards.setdefault(match[1], []).append(row)
    for entry_id, parts in rewards.items():
        # money that moved to another creator was taken back from the one who had it
        sums: dict[object, int] = {}
        for part in parts:
            sums[part[2]] = sums.get(part[2], 0) + part[5]
        standing = [creator for creator, amount in sums.items() if amount] or [parts[0][2]]
        for creator in standing:
            own = (part for part in parts if part[2] == creator)
            first = min(own, key=lambda part: str(part[0]))
            yield (entry_id, *first[1:5], sums[creator], *first[6:])


def _day(entry: Entry) -> int:
    return entry.occurred_at_ms // DAY_MS * DAY_MS
