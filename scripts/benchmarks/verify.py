"""Whether a measured run was right: every public view, cell by cell, against the recount."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from schemas.errors import EngageError
from scripts.benchmarks.source import Source
from scripts.progress_of import end_offsets
from scripts.recount import rules_of
from scripts.recount.against import compare_all
from scripts.recount.compare import Row, ViewReport, Within
from scripts.recount.expected import Expected
from scripts.recount.report import as_text
from scripts.recount.tables import Tables
from streams.config import Settings


class WrongResult(EngageError):
    """The pipeline was fast and wrong."""

    exit_code = 1


@dataclass(slots=True)
class Checked:
    """How much was compared in all runs; none of it differed, or `check` had raised."""

    runs: int = 0
    cells: int = 0

    def take(self, reports: list[ViewReport]) -> None:
        """Add what one run came to.

        Raises:
            WrongResult: a cell differs.
        """
        if any(report.differing for report in reports):
            raise WrongResult(f"the results are wrong, so no figure counts:\n{as_text(reports)}")
        self.runs += 1
        self.cells += sum(report.cells for report in reports)


def checker(
    source: Source, expected: Expected, checked: Checked
) -> Callable[[str, Settings], None]:
    """Return what compares the ClickHouse at an address with the recount."""
    ends = asyncio.run(end_offsets(source.settings))
    positions = {position: Within(end, end) for position, end in ends.items()}

    def check(url: str, settings: Settings) -> None:
        tables = Tables(url, settings.database)
        try:
            rules = rules_of(settings)
            reports = compare_all(expected, rules, tables, positions, _unwatched)
        finally:
            tables.close()
        checked.take(reports)

    return check


def _unwatched(_view: str, _expected: int, rows: Iterable[Row]) -> Iterable[Row]:
    return rows
