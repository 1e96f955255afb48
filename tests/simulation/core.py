"""One partition's way from records to rows and pages, without network, clock or checkpoint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from scripts.recount import Record
from streams.decode import decode_run
from streams.pages import load_pages
from streams.partition import Partition
from streams.rows import Columns, RowBuilder
from streams.sweep import PageWriter
from streams.topics import COMMERCE, ENGAGEMENT
from streams.values import Rules, Run
from tests.oracle import records_from_lines
from tests.oracle.events import line_of

INCARNATION = 7
TP = tuple[str, int]


@dataclass(slots=True)
class Core:
    """State, its rows and its pages; `alive` is what a changelog would hold after each flush."""

    tp: TP
    rules: Rules
    state: Partition
    pages: PageWriter
    rows: RowBuilder
    alive: dict[int, bytes] = field(default_factory=dict)

    def apply(self, records: Sequence[Record]) -> None:
        """Apply one run."""
        run = run_of(records)
        events, unknown_fields = decode_run(run.values)
        self.state.apply(run, events, unknown_fields)

    def flush(self, *, checkpoint: bool = True) -> dict[str, Columns]:
        """Take rows and, at a checkpoint, pages, as a flush does; return the rows."""
        rows = self.rows.take(self.state)
        self.state.dead, self.state.for_you.decided = [], []
        if not checkpoint:
            return rows
        pages = self.pages.take(self.state)
        self.alive.update(pages.written)
        for sequence in pages.obsolete:
            del self.alive[sequence]
        return rows

    def recovered(self) -> "Core":
        """Return what another process reads; only right after a checkpoint."""
        return self._loaded(
            Core(
                self.tp,
                self.rules,
                Partition(self.rules, commerce=self.tp[0] == COMMERCE),
                PageWriter(self.pages.first, self.pages.next, sum(map(len, self.alive.values()))),
                RowBuilder(*self.tp, INCARNATION),
                dict(self.alive),
            )
        )

    def _loaded(self, other: "Core") -> "Core":
        state = other.state
        state.resume(self.state.next_offset, self.state.max_event_time_ms)
        state.counts.update(self.state.counts)
        state.by_type.update(self.state.by_type)
        load_pages(state, [self.alive[sequence] for sequence in sorted(self.alive)])
        return other


def new_core(tp: TP, rules: Rules) -> Core:
    """Return a partition before its first record."""
    state = Partition(rules, commerce=tp[0] == COMMERCE)
    return Core(tp, rules, state, PageWriter(0, 0, 0), RowBuilder(*tp, INCARNATION))


def core_of(*events: dict[str, Any], rules: Rules, topic: str = ENGAGEMENT) -> Core:
    """Return a partition that has applied hand-made events, and holds them to be flushed."""
    core = new_core((topic, 0), rules)
    records = records_from_lines(map(line_of, events), 1)
    for offset, record in enumerate(records):
        core.apply([record._replace(topic=topic, offset=offset)])
    return core


def run_of(records: Sequence[Record]) -> Run:
    """Return records as the columns of a run."""
    return Run(
        [r.offset for r in records],
        [r.timestamp_ms for r in records],
        [r.key for r in records],
        [r.value for r in records],
    )


def by_partition(records: Iterable[Record]) -> dict[TP, list[Record]]:
    """Return the log of each partition."""
    logs: dict[TP, list[Record]] = {}
    for record in records:
        logs.setdefault((record.topic, record.partition), []).append(record)
    return logs


def cut(records: Sequence[Record], rng: Random, runs_max: int = 30) -> list[Sequence[Record]]:
    """Cut a log into runs at random."""
    inner = range(1, len(records))
    cuts = sorted(rng.sample(inner, min(len(inner), rng.randrange(runs_max))))
    return [records[a:b] for a, b in pairwise([0, *cuts, len(records)]) if a < b]
