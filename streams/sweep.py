"""Which pages a flush writes, and which it makes obsolete (the rule is in streams/pages.py)."""

from collections.abc import Iterator
from typing import NamedTuple

from streams.pages import all_records, changed_records, pack
from streams.partition import Partition

SWEEP_BYTES_MIN = 16 << 20  # below this much journal a sweep is not worth its bytes
SLICE_BYTES_MIN = 64 << 10


class Pages(NamedTuple):
    """What one flush writes to the changelog."""

    written: list[tuple[int, bytes]]  # (sequence number, page)
    obsolete: range  # sequence numbers to delete


class PageWriter:
    """Numbers pages and carries the sweep on; pages in [first, next) are alive."""

    def __init__(self, first: int, following: int, alive_bytes: int) -> None:
        self.first = first
        self.next = following
        self._journal_bytes = alive_bytes  # written as changes since the last sweep began
        self._swept_bytes = 0  # size of the last sweep
        self._sweep: Iterator[bytes] | None = None
        self._sweep_from = 0
        self._sweep_bytes = 0
        self._alive_before = 0  # bytes that the running sweep makes obsolete
        self.alive_bytes = alive_bytes  # of the pages in [first, next)

    def take(self, state: Partition) -> Pages:
        """Return the pages of all changes and of the next slice of a sweep."""
        pages = list(pack(changed_records(state)))
        changed_bytes = sum(map(len, pages))
        self._journal_bytes += changed_bytes
        if self._sweep is None and self._journal_bytes > SWEEP_BYTES_MIN + 2 * self._swept_bytes:
            self._sweep = all_records(state)
            self._sweep_from, self._sweep_bytes = self.next, 0
            self._journal_bytes = changed_bytes
            self._alive_before = self.alive_bytes
        obsolete = range(0)
        if self._sweep is not None:
            budget = max(SLICE_BYTES_MIN, changed_bytes)
            pages += pack(self._slice(self._sweep, budget))
            if self._sweep_bytes < 0:
                obsolete, self.first = range(self.first, self._sweep_from), self._sweep_from
                self.alive_bytes -= self._alive_before
                self._sweep = None
        written = list(enumerate(pages, self.next))
        self.next += len(written)
        self.alive_bytes += sum(map(len, pages))
        return Pages(written, obsolete)

    def _slice(self, sweep: Iterator[bytes], budget: int) -> Iterator[bytes]:
        for record in sweep:
            yield record
            self._sweep_bytes += len(record)
            budget -= len(record)
            if budget <= 0:
                return
        self._swept_bytes = self._sweep_bytes
        self._sweep_bytes = -1  # complete
