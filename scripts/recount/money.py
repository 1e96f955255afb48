"""The ledger by day and by creator, and what settling changes about it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_STATE, _AMOUNT = 1 + LEDGER_COLUMNS.index("state"), 1 + LEDGER_COLUMNS.index("amount_micros")
# of all columns of a correction, these are its own (rate and creator: who and what stood then)
_OWN = ("state", "amount_micros", "creator_id", "rate_version")

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
        yield parts[0] if len(parts) == 1 and parts[0][0] == entry_id else _added(entry_id, parts)


def _added(entry_id: str, parts: Sequence[Row]) -> Row:
    """Return an entry and its corrections as one row."""
    parts = sorted(parts, key=lambda part: (len(part[0]), part[0]))
    cells = [entry_id, *parts[0][1:]]
    for column, name in enumerate(LEDGER_COLUMNS, start=1):
        values = {part[column] for part in parts}
        if name not in _OWN and len(values) > 1:
            cells[column] = f"not one value: {', '.join(sorted(map(str, values)))}"
    cells[_AMOUNT] = sum(part[_AMOUNT] for part in parts)
    said = [(part[0], part[_STATE]) for part in parts]
    rest = [(f"{entry_id}:{n}", "adjustment") for n in range(1, len(parts))]
    if said != [(entry_id, "final"), *rest]:
        cells[_STATE] = f"not an entry and its corrections: {said}"
    return tuple(cells)


def _day(entry: Entry) -> int:
    return entry.occurred_at_ms // DAY_MS * DAY_MS
