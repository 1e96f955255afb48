"""Everything that ClickHouse shows against everything that the log says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from scripts.recount.checks import all_checks, ledger_check
from scripts.recount.compare import Check, Row, ViewReport, Within, compare
from scripts.recount.expected import Expected
from scripts.recount.ledger import Ledger
from scripts.recount.model import Rules
from scripts.recount.programs.told import targets_of
from scripts.recount.settled import Settled, check_payouts, compare_accounts

# (view, rows expected, rows) -> the same rows
Watched = Callable[[str, int, Iterable[Row]], Iterable[Row]]


# By which rates a commission might have been paid when it was booked.
CARDS = "SELECT entry_id, rate_card FROM ledger FINAL WHERE rate_card != ''"


class Readable(Protocol):
    """One database, as the audit reads it."""

    def rows(self, sql: str) -> Iterable[Row]:
        """Yield the rows of a query."""

    def settled(self) -> Settled:
        """Return the settled days."""


def compare_all(
    expected: Expected,
    rules: Rules,
    tables: Readable,
    positions: Mapping[tuple[str, int], Within],
    watched: Watched,
) -> list[ViewReport]:
    """Compare every view and every account; all rows that are read pass through `watched`.

    The ledger is read once, and first: sums of money must be those of the rows that were read.
    """
    settled, ledger = tables.settled(), Ledger()
    entries_check = ledger_check(expected, settled)

    def rows_of(check: Check) -> Iterable[Row]:
        return watched(check.view, len(check.expected), tables.rows(check.sql))

    entries = compare(entries_check, ledger.read(rows_of(entries_check)))
    reports = [
        entries,
        compare_accounts(
            ledger.accounts,
            targets_of(expected, settled.days, rules),
            rules,
            {str(entry): str(card) for entry, card in tables.rows(CARDS)},
        ),
        check_payouts(ledger.payouts, rules),
    ]
    others = all_checks(expected, settled, positions, ledger)
    return reports + [
        compare(one, rows_of(one)) for one in others if one.view != entries_check.view
    ]
