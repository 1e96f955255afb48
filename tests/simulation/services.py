"""What workers share: source topics, ClickHouse with rows that come late, the consumer group."""

from bisect import bisect_left
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from scripts.recount import Record
from streams.rows import Columns
from streams.source import SourceProbe
from streams.values import Rules
from tests.simulation.core import TP
from tests.simulation.kafka import Changelog
from tests.simulation.protocol import Protocol
from tests.simulation.tables import Tables

LATE_COPY_CHANCE = 0.1

T = TypeVar("T")


class Source:
    """One partition of a source topic; records become visible one after the other."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._offsets = [record.offset for record in records]
        self._visible = 0

    def grow(self) -> None:
        """Make one more record visible."""
        self._visible = min(self._visible + 1, len(self._records))

    def grow_to_end(self) -> None:
        """Make all records visible."""
        self._visible = len(self._records)

    def fetch(self, offset: int, limit: int) -> Sequence[Record]:
        """Return at most `limit` visible records at or after an offset."""
        start = bisect_left(self._offsets, offset)
        return self._records[start : min(start + limit, self._visible)]

    @property
    def next_offset(self) -> int:
        """Return the offset after the last record of all."""
        return self._offsets[-1] + 1


class Sink:
    """ClickHouse. Some blocks are written once more later, as retries and zombies would."""

    def __init__(self, tables: Tables, rng: Random) -> None:
        self.tables = tables
        self._rng = rng
        self.is_away = False
        self._late: list[tuple[str, Columns]] = []

    def write(self, table: str, columns: Columns) -> None:
        """Store a block."""
        self.tables.write(table, columns)
        if self._rng.random() < LATE_COPY_CHANCE:
            self._late.append((table, columns))

    def write_late(self) -> None:
        """Store one of the delayed copies."""
        if self._late:
            self.tables.write(*self._late.pop(self._rng.randrange(len(self._late))))

    def write_all_late(self) -> None:
        """Store everything that is still on its way."""
        while self._late:
            self.write_late()


class Probe(SourceProbe):
    """The real reader of the source, its network replaced by the simulated topics."""

    def __init__(self, sources: dict[TP, Source]) -> None:
        self._sources = sources

    async def first_offset(self, tp: TP, at_least: int) -> int:
        """Return the first offset that exists at or after one."""
        return self._sources[tp].fetch(at_least, 1)[0].offset


@dataclass(slots=True)
class Services:
    """Everything outside the workers."""

    rng: Random
    protocol: Protocol
    rules: Rules
    sources: dict[TP, Source]
    changelogs: dict[TP, Changelog]
    sink: Sink
    probe: Probe
    committed: dict[TP, int] = field(default_factory=dict)
    generation: int = 0
    problems: list[str] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)

    def note(self, event: str) -> None:
        """Count something that happened, so that tests can tell that it does."""
        self.happened[event] = self.happened.get(event, 0) + 1

    def commit(self, generation: int, tp: TP, offset: int) -> None:
        """Commit a group offset; one of an older generation is refused by the group."""
        if generation != self.generation:
            return
        if offset > self.changelogs[tp].position:
            text = f"{tp}: offset {offset} committed, state is at {self.changelogs[tp].position}"
            self.problems.append(text)
        self.committed[tp] = offset


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits, without an event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the coroutine waits for something")
