"""Tables against the independent recount of the log, view by view and cell by cell."""

from collections.abc import Iterable

from scripts.recount import Expected, Record, Rules, recount
from scripts.recount.checks import all_checks
from scripts.recount.compare import Difference, Within, compare
from scripts.recount.settled import Settled
from tests.simulation.tables import Tables
from tests.simulation.views import VIEWS

SHOWN_MAX = 12


def differences(tables: Tables, records: Iterable[Record], rules: Rules) -> list[Difference]:
    """Return every cell that is not what the log says."""
    log = list(records)
    return against(tables, recount(log, rules), positions_of(log))


def against(
    tables: Tables, expected: Expected, positions: dict[tuple[str, int], Within]
) -> list[Difference]:
    """Return every cell that is not as expected."""
    found: list[Difference] = []
    for check in all_checks(expected, Settled(), positions):
        found += compare(check, VIEWS[check.view](tables)).differences
    return found


def positions_of(log: Iterable[Record]) -> dict[tuple[str, int], Within]:
    """Return the next offset of each partition."""
    ends = {(r.topic, r.partition): r.offset + 1 for r in log}
    return {tp: Within(end, end) for tp, end in ends.items()}


def in_words(found: list[Difference]) -> str:
    """Return the first differences as lines."""
    lines = [f"{d.view} {d.key} {d.column}: expected {d.expected}, is {d.found}" for d in found]
    more = len(lines) - SHOWN_MAX
    return "\n".join(lines[:SHOWN_MAX] + ([f"... and {more} more"] if more > 0 else []))
