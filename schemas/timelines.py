"""Dated rows of one kind, found by event time: the row valid at an instant, or none."""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise
from typing import Generic, TypeVar

from schemas.rate_rows import EVERY_REGION, DatedRow

Row = TypeVar("Row", bound=DatedRow)
Key = TypeVar("Key", bound=Hashable)


class Timeline(Generic[Row]):
    """Rows whose periods do not overlap. Raises ValueError when they do."""

    __slots__ = ("_ends_ms", "_rows", "_starts_ms")

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: row.valid_from)
        for earlier, later in pairwise(self._rows):
            if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                raise ValueError(f"{later.version} begins before {earlier.version} ends")
        self._starts_ms = [row.valid_from_ms for row in self._rows]
        self._ends_ms = [row.valid_to_ms for row in self._rows]

    def at(self, time_ms: int) -> Row | None:
        """Return the row whose period holds the instant."""
        index = bisect_right(self._starts_ms, time_ms) - 1
        if index < 0:
            return None
        end_ms = self._ends_ms[index]
        return self._rows[index] if end_ms is None or time_ms < end_ms else None

    def changes_ms(self, first_ms: int, last_ms: int) -> list[int]:
        """Return the instants in [first, last] at which another row, or none, begins to be valid."""
        ends = [end for end in self._ends_ms if end is not None]
        return sorted({at for at in (*self._starts_ms, *ends) if first_ms <= at <= last_ms})


class Book(Generic[Key, Row]):
    """Timelines by key. Raises ValueError, naming kind and key, when rows of one key overlap.

    `kind` ends in what the key is: `creator_rewards, region`.
    """

    __slots__ = ("_timelines",)

    def __init__(self, kind: str, rows: Iterable[Row], key_of: Callable[[Row], Key]) -> None:
        by_key: dict[Key, list[Row]] = {}
        for row in rows:
            by_key.setdefault(key_of(row), []).append(row)
        self._timelines: dict[Key, Timeline[Row]] = {}
        for key, group in by_key.items():
            try:
                self._timelines[key] = Timeline(group)
            except ValueError as error:
                words = " ".join(key) if isinstance(key, tuple) else key
                raise ValueError(f"{kind} {words}: {error}") from error

    def timeline(self, key: Key) -> Timeline[Row]:
        """Return the rows of one key that has some."""
        return self._timelines[key]

    def __contains__(self, key: Key) -> bool:
        return key in self._timelines

    def __bool__(self) -> bool:
        return bool(self._timelines)

    def at(self, time_ms: int, *keys: Key) -> Row | None:
        """Return the valid row of the first key that has one."""
        for key in keys:
            timeline = self._timelines.get(key)
            row = None if timeline is None else timeline.at(time_ms)
            if row is not None:
                return row
        return None

    def changes_ms(self, first_ms: int, last_ms: int, *keys: Key) -> set[int]:
        """Return the instants in [first, last] at which the answer for these keys may change."""
        found: set[int] = set()
        for key in keys:
            timeline = self._timelines.get(key)
            if timeline is not None:
                found.update(timeline.changes_ms(first_ms, last_ms))
        return found


def regions(region: str) -> tuple[str, str]:
    """Return where to look, in this order: a region's own rows go first."""
    return region, EVERY_REGION
