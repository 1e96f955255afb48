"""Parts that mutations put in the place of the real ones."""

from collections.abc import Sequence
from typing import Any

from schemas.rows import COLUMNS, COUNTERS
from streams.partition import Partition
from streams.rows import Columns
from streams.sweep import Pages, PageWriter
from tests.simulation.tables import Tables

_FIRST = COLUMNS["windows_1m"].index(COUNTERS[0])
_LAST = _FIRST + len(COUNTERS)
_VERSION = COLUMNS["windows_1m"].index("version")


class HastyPageWriter(PageWriter):
    """Deletes old pages when a sweep begins, not when it is complete."""

    def take(self, state: Partition) -> Pages:
        """Return the pages of a flush."""
        pages = super().take(state)
        if self._sweep is None or self.first >= self._sweep_from:
            return pages
        obsolete, self.first = range(self.first, self._sweep_from), self._sweep_from
        return Pages(pages.written, obsolete)


class AddingTables(Tables):
    """Adds up the counters of windows instead of replacing rows."""

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Insert columns; of windows they are differences."""
        if table != "windows_1m":
            super().write(table, columns)
            return
        known = self._rows[table]
        for row in zip(*columns, strict=True):
            key = tuple(row[at] for at, _ in self._key_columns[table])
            before = known.get(key)
            added = row if before is None else _changed(before, row, 1)
            known[key] = added


class Deltas:
    """Turns cumulative window rows into what changed since an owner wrote them last."""

    def __init__(self, state: Partition, base: int) -> None:
        self._sent: dict[tuple[str, str, int], Sequence[int]] = {
            (subject.kind, subject.id, base + pane.opened): tuple(pane.counters)
            for subject in (*state.videos.values(), *state.lives.values())
            for pane in subject.panes.values()
        }

    def of(self, columns: Columns) -> Columns:
        """Return the same rows with differences for counters."""
        rows = []
        for row in zip(*columns, strict=True):
            key = (row[1], row[2], row[_FIRST - 1])
            counters = row[_FIRST:_LAST]
            sent = self._sent.get(key, (0,) * len(COUNTERS))
            self._sent[key] = counters
            changes = [now - before for now, before in zip(counters, sent, strict=True)]
            rows.append((*row[:_FIRST], *changes, *row[_LAST:]))
        return list(zip(*rows, strict=True))


def without_offsets(columns: Columns, base: int) -> Columns:
    """Return rows whose version says the incarnation alone."""
    return [*columns[:-1], [base] * len(columns[-1])]


def _changed(row: tuple[Any, ...], change: tuple[Any, ...], sign: int) -> tuple[Any, ...]:
    pairs = zip(row[_FIRST:_LAST], change[_FIRST:_LAST], strict=True)
    counters = [value + sign * part for value, part in pairs]
    return (*row[:_FIRST], *counters, *row[_LAST:])
