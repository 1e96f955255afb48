"""Rows of a view against what the recount expects, cell by cell."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = tuple[Any, ...]
Row = Sequence[Any]
DIFFERENCES_KEPT_MAX = 1_000
FLOAT_SLACK = 1e-300  # not far below it a float loses bits, and some programs take it for zero
NO_ROW = "no row"
ROW = "(row)"


class Difference(NamedTuple):
    """One cell that is not what it should be; for a whole row the column is "(row)"."""

    view: str
    key: Key
    column: str
    expected: object
    found: object


@dataclass(slots=True)
class ViewReport:
    """What comparing one view came to.

    `hint` says what to do about differences. What is noted, by its reason, is no difference.
    """

    view: str
    rows: int = 0
    cells: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    hint: str = ""
    noted: Counter[str] = field(default_factory=Counter)
    notes: dict[str, list[Difference]] = field(default_factory=dict)

    def differ(self, key: Key, column: str, expected: object, found: object) -> None:
        """Note a cell that differs; of very many only the number."""
        self.differing += 1
        if len(self.differences) < DIFFERENCES_KEPT_MAX:
            self.differences.append(Difference(self.view, key, column, expected, found))

    def note(self, reason: str, key: Key, column: str, expected: object, found: object) -> None:
        """Note a cell that is as it should be for a reason that people should know."""
        self.noted[reason] += 1
        notes = self.notes.setdefault(reason, [])
        if len(notes) < DIFFERENCES_KEPT_MAX:
            notes.append(Difference(self.view, key, column, expected, found))


@dataclass(frozen=True, slots=True)
class OneOf:
    """Accepts any of several values."""

    values: frozenset[Any]

    def accepts(self, found: object) -> bool:
        """Tell whether `found` is one of them."""
        return found in self.values

    def __str__(self) -> str:
        return " or ".join(sorted(map(str, self.values)))


@dataclass(frozen=True, slots=True)
class Within:
    """Accepts a number from a range, both ends included."""

    low: float
    high: float

    def accepts(self, found: object) -> bool:
        """Tell whether `found` is in the range."""
        return isinstance(found, int | float) and self.low <= found <= self.high

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Anything:
    """Accepts everything."""

    def accepts(self, found: object) -> bool:
        """Tell that it is fine."""
        return True


def near(value: float, relative: float = 1e-12, absolute: float = 0.0) -> Within:
    """Return what accepts a floating-point number that may be rounded otherwise."""
    slack = max(abs(value) * relative, absolute, FLOAT_SLACK)
    return Within(value - slack, value + slack)


@dataclass(frozen=True, slots=True)
class Check:
    """One view: how to read it, and what must stand in it.

    `row_of` gives the expected values of one key, in the order of `columns`: a plain value, or
    something with `accepts`. A row that `is_blank` says nothing, so it may be there or not.
    """

    view: str
    sql: str
    keys: int
    columns: tuple[str, ...]
    expected: Mapping[Key, Any]
    row_of: Callable[[Key, Any], Row]
    is_blank: Callable[[Row], bool] = lambda _: False
    hint: str = ""


def compare(check: Check, found: Iterable[Row]) -> ViewReport:
    """Compare every row that was found with every row that is expected."""
    report = ViewReport(check.view, hint=check.hint)
    missing = dict(check.expected)
    for row in found:
        key, values = tuple(row[: check.keys]), tuple(row[check.keys :])
        report.rows += 1
        report.cells += len(values)
        if key in missing:
            _compare_row(report, check, key, check.row_of(key, missing.pop(key)), values)
        elif key in check.expected:
            report.differ(key, ROW, "one row", "another")
        elif not check.is_blank(values):
            report.differ(key, ROW, NO_ROW, _short(check.columns, values))
    for key, item in missing.items():
        wanted = check.row_of(key, item)
        if not check.is_blank(wanted):
            report.cells += len(wanted)
            report.differ(key, ROW, _short(check.columns, wanted), NO_ROW)
    return report


def _compare_row(report: ViewReport, check: Check, key: Key, wanted: Row, values: Row) -> None:
    if wanted == values:  # most rows, at once
        return
    for column, want, value in zip(check.columns, wanted, values, strict=True):
        if not is_same(want, value):
            report.differ(key, column, want, value)


def is_same(wanted: Any, found: object) -> bool:
    """Tell whether a cell is as it should be."""
    if hasattr(wanted, "accepts"):
        return bool(wanted.accepts(found))
    if isinstance(wanted, float) and isinstance(found, float):
        return wanted == found or (math.isnan(wanted) and math.isnan(found))
    return bool(wanted == found)


def _short(columns: Sequence[str], values: Row) -> str:
    """Return the cells of a row that say something."""
    said = [f"{name}={value}" for name, value in zip(columns, values, strict=True) if value]
    return ", ".join(said) or "only zeros"
