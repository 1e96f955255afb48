"""Everything that ClickHouse shows against everything that the log says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from scripts.recount.checks import all_checks, ledger_check
from scripts.recount.compare import Row, ViewReport, Within, compare
from scripts.recount.expected import Expected
from scripts.recount.ledger import Ledger
from scripts.recount.model import Rules
from scripts.recount.programs.told import targets_of
from scripts.recount.settled import Settled, check_payouts, compare_accounts


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
    tell: Callable[[str], None],
) -> list[ViewReport]:
    """Compare every view and every account; `tell` is called with what is compared next.

    The ledger is read once, and first: sums of money must be those of the rows that were read.
    """
    settled, ledger = tables.settled(), Ledger()
    entries_check = ledger_check(expected, settled)
    tell(entries_check.view)
    entries = compare(entries_check, ledger.read(tables.rows(entries_check.sql)))
    tell("settled accounts and payouts")
    reports = [
        entries,
        compare_accounts(ledger.accounts, targets_of(expected, settled.days, rules)),
        check_payouts(ledger.payouts, rules),
    ]
    for check in all_checks(expected, settled, positions, ledger):
        if check.view != entries_check.view:
            tell(check.view)
            reports.append(compare(check, tables.rows(check.sql)))
    return reports
