"""The ledger as it was read, added up in plain Python: what every sum of money must be made of.

What the log says entry by entry (gifts, estimates) is compared entry by entry. What settlement books
is added up by account, to be compared with the targets of `programs`; payouts are added up to be
held against their bounds. An entry that is neither, or that is not named and marked as what it says
it is, is left to the comparison, which expects no such row.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from schemas.entries import entry_id
from scripts.recount.compare import Row
from scripts.recount.gifts import Entry
from scripts.recount.model import CURRENCY_OF_SUMS, DAY_MS
from scripts.recount.programs.targets import DATED, PROGRAMS, Account
from scripts.recount.rewards import day_name

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
PAYOUT = "payout"
ESTIMATED = "estimated"
_NAME = re.compile(r"(.*):(\d+)-[0-9a-f]{16}", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_VIEWS = re.compile(r"\d+")

_Key = TypeVar("_Key")
DayKey = tuple[int, str, str]  # start of the day in ms, creator, source or currency


@dataclass(slots=True)
class Booked:
    """What one account has; the rate is that of its entry with the greatest (number, id)."""

    amount_micros: int = 0
    occurred_at_ms: int = 0
    rate_version: str = ""
    last: tuple[int, str] = (-1, "")  # number and id of that entry


@dataclass(slots=True)
class Ledger:
    """Sums of the rows of `earnings_ledger`; a row is (entry id, *LEDGER_COLUMNS)."""

    accounts: dict[Account, Booked] = field(default_factory=dict)
    payouts: dict[Account, Booked] = field(default_factory=dict)
    creators: set[str] = field(default_factory=set)
    daily: dict[DayKey, tuple[int, int]] = field(default_factory=dict)
    programs: dict[DayKey, tuple[int, int]] = field(default_factory=dict)  # day, source, currency
    paid: dict[DayKey, tuple[int, int]] = field(default_factory=dict)  # day, creator, currency
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    earnings: dict[str, int] = field(default_factory=dict)  # booked, by creator
    by_reference: dict[str, int] = field(default_factory=dict)
    by_source: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # of references
    videos: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # booked, currency

    def read(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Add up all rows; yield those that the log must say one by one, or that nothing explains."""
        for row in rows:
            self._sum_up(entry_of(row))
            found = account_of(row)
            if found is None:
                yield row
            else:
                accounts = self.payouts if row[3] == PAYOUT else self.accounts
                _book(accounts.setdefault(found[0], Booked()), found[1], row)

    def _sum_up(self, entry: Entry) -> None:
        amount, owner = entry.amount_micros, (entry.creator_id, entry.currency)
        is_booked = entry.state in ("final", "adjustment")
        self.creators.add(entry.creator_id)
        if is_booked:
            self.balances[owner] = self.balances.get(owner, 0) + amount
        day_ms = entry.occurred_at_ms // DAY_MS * DAY_MS
        if entry.source == PAYOUT:
            _add(self.paid, (day_ms, *owner), -amount)
        else:
            _add(self.programs, (day_ms, entry.source, entry.currency), amount)
            if is_booked and entry.reference.startswith("video:"):
                _add(self.videos, (entry.reference.removeprefix("video:"), entry.currency), amount)
        if entry.currency != CURRENCY_OF_SUMS:
            return
        if entry.reference.startswith("video:"):
            self.by_reference[entry.reference] = self.by_reference.get(entry.reference, 0) + amount
        if entry.source == PAYOUT:
            return
        if is_booked:
            self.earnings[entry.creator_id] = self.earnings.get(entry.creator_id, 0) + amount
        _add(self.daily, (day_ms, entry.creator_id, entry.source), amount)
        _add(self.by_source, (entry.reference, entry.source), amount)


def ledger_of(entries: Iterable[Entry]) -> Ledger:
    """Return the sums of these entries."""
    ledger = Ledger()
    for _ in ledger.read(map(row_of, entries)):
        pass
    return ledger


def account_of(row: Row) -> tuple[Account, int] | None:
    """Return the account of an entry that settlement or a payout books, and the entry's number.

    None where the entry's id, state, time, reference or sign is not that of such an entry.
    """
    entry = entry_of(row)
    name = _NAME.fullmatch(entry.entry_id)
    if name is None or entry.source not in (*PROGRAMS, PAYOUT):
        return None
    key, number = name[1], int(name[2])
    is_named = key == _key_of(entry, key.split(":"))
    if not is_named or entry.state != ("adjustment" if number else "final"):
        return None
    if entry.amount_micros == 0 or (entry.source == PAYOUT and entry.amount_micros > 0):
        return None
    return Account(key, entry.creator_id, entry.currency), number


def entry_of(row: Row) -> Entry:
    """Return the entry that a row holds."""
    return Entry(*row)


def row_of(entry: Entry) -> Row:
    """Return the row that holds an entry."""
    return (entry.entry_id, *(getattr(entry, _FIELDS.get(name, name)) for name in LEDGER_COLUMNS))


_FIELDS = {"occurred_at": "occurred_at_ms"}


def _key_of(entry: Entry, parts: list[str]) -> str | None:
    """Return the key that an entry must have by what it refers to; its last part is its own."""
    kind, _, subject = entry.reference.partition(":")
    last = parts[-1]
    if entry.source in DATED and kind == "video" and _DAY.fullmatch(last):
        return entry_id(entry.source, subject, last) if _is_dated(entry, last) else None
    if entry.source in ("affiliate", "sale") and kind == "order":
        return entry_id(entry.source, subject)
    if entry.source == "brand_deal" and kind == "video" and _VIEWS.fullmatch(last):
        deal = entry.rate_version.removeprefix("deal:")
        return entry_id(entry.source, deal, last)
    if entry.source == PAYOUT and kind == "day" and _DAY.fullmatch(subject):
        return entry_id(PAYOUT, entry.creator_id, entry.currency, subject)
    return None


def _is_dated(entry: Entry, day: str) -> bool:
    """Tell whether an entry has the time of its day's start; that of a pay day is its zone's."""
    at_ms = entry.occurred_at_ms
    return entry.source != "creator_rewards" or (at_ms % DAY_MS == 0 and day_name(at_ms) == day)


def _add(sums: dict[_Key, tuple[int, int]], key: _Key, amount_micros: int) -> None:
    """Add an entry to an amount and a number of entries."""
    before, entries = sums.get(key, (0, 0))
    sums[key] = (before + amount_micros, entries + 1)


def _book(account: Booked, number: int, row: Row) -> None:
    entry = entry_of(row)
    account.amount_micros += entry.amount_micros
    if (number, entry.entry_id) > account.last:
        account.last = (number, entry.entry_id)
        account.rate_version = entry.rate_version
        account.occurred_at_ms = entry.occurred_at_ms
