"""The partitions of one worker: where state, ClickHouse and changelog meet.

A flush takes a snapshot of all owned partitions between two runs, then, while further runs are
applied, writes: 1. rows to ClickHouse, acknowledged; and when a checkpoint is due: 2. pages and
position to the changelog, one transaction a partition; 3. offsets to the group, as a hint. One flush is
in flight at a time.

Rows come every second, checkpoints less often: a page then carries what several seconds have
changed. That is as exact: after a crash the runs since the last checkpoint are applied again and give
the same rows, and a row that ClickHouse has already, of this or a later version, changes nothing.
If ClickHouse is away, step 1 is tried again with the same rows; the agents stop at a bound of
unflushed events, the member stays in its group, and everything goes on by itself.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec
from faust.types import TP

from schemas.errors import Unavailable
from sinks.results import Claim
from streams.batches import FetchedRun
from streams.changelog import Flush, Outgoing, PartitionLog, Position
from streams.checkpoint import CheckpointStore
from streams.config import Settings
from streams.decode import decode_run
from streams.delivery import Delivery
from streams.meter import Meter
from streams.outgoing import boost, dead_letter
from streams.pages import load_pages
from streams.partition import Partition
from streams.rows import Columns, RowBuilder
from streams.source import SourceProbe, Verdict, slice_run
from streams.sweep import PageWriter
from streams.values import Rules

log = logging.getLogger("engage.pipeline")

GIVE_UP_S = 5.0  # how long a revoked partition waits for ClickHouse


@dataclass(slots=True)
class Owned:
    """One partition that this worker owns."""

    tp: TP
    state: Partition
    store: CheckpointStore
    log: PartitionLog
    pages: PageWriter
    rows: RowBuilder
    incarnation: int
    flushed: int  # next_offset as of the last rows taken
    visible: int  # next_offset as of the last rows that ClickHouse acknowledged
    saved: int  # next_offset as of the last checkpoint
    committed: int = 0  # what the group was last told
    outgoing: list[Outgoing] = field(default_factory=list)  # since the last checkpoint
    idle: tuple[int, float] = (-1, 0.0)  # next_offset, and since when it has not moved
    told: Counter[str] = field(default_factory=Counter)  # counts that the meter has


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one flush writes for one partition."""

    owned: Owned
    next_offset: int
    rows: dict[str, Columns]
    checkpoint: Flush | None


class Pipeline:
    """All owned partitions, their runs and their flushes."""

    def __init__(self, app: Any, settings: Settings, rules: Rules) -> None:
        self._app = app
        self._settings = settings
        self._rules = rules
        self._probe = SourceProbe(settings)
        self._delivery = Delivery(settings.clickhouse, settings.database)
        self._flushing = asyncio.Lock()
        self._give_up = asyncio.Event()
        self._room = asyncio.Condition()
        self._unflushed = 0
        self._checkpoint_s = 0.0  # when the last one was taken
        self._suspects: dict[TP, tuple[int, int]] = {}
        self.meter = Meter()
        self.joined = False  # partitions, or none, were assigned
        self.owned: dict[TP, Owned] = {}

    # ---------------------------------------------------------------- take-over

    async def start(
        self, store: CheckpointStore, topic: str, partition: int, found: PartitionLog
    ) -> bool:
        """Begin with the state that the changelog holds; return False if it is no longer ours."""
        position = found.position
        assert position is not None, "the store makes the first position before it hands over"
        tp = TP(topic, partition)
        await self._probe.refuse_if_behind(tp, position.next_offset)
        if store.logs.get(partition) is not found:
            return False  # a rebalance took it away meanwhile
        state = Partition(self._rules, commerce=topic.startswith("commerce"))
        state.resume(position.next_offset, position.max_event_time_ms)
        state.counts.update(position.counts)
        state.by_type.update(position.by_type)
        pages = found.take_pages()
        load_pages(state, pages)
        self.owned[tp] = Owned(
            tp,
            state,
            store,
            found,
            PageWriter(position.first_page, position.next_page, sum(map(len, pages))),
            RowBuilder(topic, partition, position.incarnation),
            position.incarnation,
            position.next_offset,
            position.next_offset,
            position.next_offset,
            told=Counter(position.counts),
        )
        log.warning("%s-%s ready at offset %s", topic, partition, position.next_offset)
        return True

    def lose(self, tp: TP) -> None:
        """Drop a partition that is no longer ours, unflushed changes and all."""
        owned = self.owned.pop(tp, None)
        if owned is not None:
            owned.log.ready = False
            log.warning("%s-%s given up at offset %s", *tp, owned.state.next_offset)

    # ---------------------------------------------------------------- runs

    async def handle(self, fetched: FetchedRun) -> None:
        """Apply one fetched run, aligned with the position of the state."""
        tp = TP(fetched.topic, fetched.partition)
        owned = self.owned.get(tp)
        if owned is None:
            return
        run = slice_run(fetched.run, owned.state.next_offset)
        if run is None:
            return
        if run.offsets[0] > owned.state.next_offset:
            verdict = await self._probe.check_gap(tp, owned.state.next_offset, run.offsets[0])
            if self.owned.get(tp) is not owned:
                return
            if verdict is Verdict.SEEK:
                log.warning("%s-%s lost a run: seek to %s", *tp, owned.state.next_offset)
                await self._app.consumer.seek_wait({tp: owned.state.next_offset})
                return
        began_s = perf_counter()
        events, unknown_fields = decode_run(run.values)
        decoded_s = perf_counter()
        owned.state.apply(run, events, unknown_fields)
        self.meter.took("decode", decoded_s - began_s)
        self.meter.took("apply", perf_counter() - decoded_s)
        self.meter.stage_events[tp.topic, "applied"] += len(events)
        self._unflushed += len(events)
        if self._unflushed > self._settings.unflushed_events_max:
            async with self._room:
                await self._room.wait_for(self._has_room)
        else:
            await asyncio.sleep(0)

    def _has_room(self) -> bool:
        return self._unflushed <= self._settings.unflushed_events_max

    # ---------------------------------------------------------------- flushes

    async def flush_or_lose(self, *, final: bool = False) -> None:
        """Flush, `final` with a checkpoint in any case; if told to give up while ClickHouse is away, the partitions are lost, not the process."""
        try:
            await self._flush(final=final)
        except Unavailable as error:
            log.warning("partitions left unflushed, they will be counted again: %s", error)

    async def flush_in_time(self) -> None:
        """Flush for a revocation or a shutdown, within a bounded time."""
        timer = asyncio.get_running_loop().call_later(GIVE_UP_S, self._give_up.set)
        try:
            await self.flush_or_lose(final=True)
        finally:
            timer.cancel()
            self._give_up.clear()

    async def _flush(self, *, final: bool) -> None:
        """Flush all owned partitions that changed.

        Raises:
            Unavailable: asked to give up while ClickHouse was away; the partitions are lost.
            Fenced, KafkaError: the process must exit.
        """
        async with self._flushing:
            now_s = asyncio.get_running_loop().time()
            due_s = self._checkpoint_s + self._settings.checkpoint_interval_ms / 1000
            checkpoint = final or now_s >= due_s
            if checkpoint:
                self._checkpoint_s = now_s
            snapshots = [
                self._snapshot(owned, checkpoint=checkpoint)
                for owned in self.owned.values()
                if owned.state.next_offset != (owned.saved if checkpoint else owned.flushed)
            ]
            taken, self._unflushed = self._unflushed, 0
            try:
                if snapshots:
                    await self._write_and_save(snapshots)
                    self.meter.flushed(asyncio.get_running_loop().time() - now_s)
                    log.info("flushed %s events", taken)
                await self._commit()
            finally:
                async with self._room:
                    self._room.notify_all()

    async def _write_and_save(self, snapshots: Sequence[Snapshot]) -> None:
        """Write the snapshots; whatever ends it early, their partitions are lost.

        What a snapshot took is in no memory any more: a later flush would save a position without it.
        """
        done = False
        try:
            await self._write(snapshots)
            with self.meter.timed("save"):
                await asyncio.gather(*(self._save(snapshot) for snapshot in snapshots))
            done = True
        finally:
            for snapshot in () if done else snapshots:
                if self.owned.get(snapshot.owned.tp) is snapshot.owned:
                    self.lose(snapshot.owned.tp)

    async def _save(self, snapshot: Snapshot) -> None:
        if snapshot.checkpoint is not None:
            owned, before = snapshot.owned, snapshot.owned.saved
            await owned.store.flush(owned.log, snapshot.checkpoint)
            owned.saved = snapshot.next_offset
            self.meter.stage_events[owned.tp.topic, "saved"] += owned.saved - before

    async def _commit(self) -> None:
        """Tell the group the saved positions; what a crash or a rebalance swallowed is told again."""
        ours = self._app.consumer.assignment()
        untold = {
            o.tp: o.saved for o in self.owned.values() if o.committed != o.saved and o.tp in ours
        }
        if untold and await self._app.consumer._commit(untold):
            for tp, offset in untold.items():
                if tp in self.owned:
                    self.owned[tp].committed = offset

    def _snapshot(self, owned: Owned, *, checkpoint: bool) -> Snapshot:
        state = owned.state
        with self.meter.timed("rows"):
            rows = owned.rows.take(state)
        self.meter.fates(owned.tp.topic, owned.told, state.counts)
        self.meter.refused(owned.tp.topic, state.dead)
        owned.outgoing += (dead_letter(owned.tp, dead) for dead in state.dead)
        owned.outgoing += map(boost, state.for_you.decided)
        state.dead, state.for_you.decided = [], []
        owned.flushed = state.next_offset
        flush = self._checkpoint(owned) if checkpoint else None
        return Snapshot(owned, state.next_offset, rows, flush)

    def _checkpoint(self, owned: Owned) -> Flush:
        state = owned.state
        pages = owned.pages.take(state)
        outgoing, owned.outgoing = owned.outgoing, []
        position = Position(
            state.next_offset,
            owned.incarnation,
            owned.pages.first,
            owned.pages.next,
            state.max_event_time_ms,
            dict(state.counts),
            dict(state.by_type),
        )
        return Flush(pages.written, pages.obsolete, position, outgoing)

    async def _write(self, snapshots: Sequence[Snapshot]) -> None:
        claims = {
            (each.tp.topic, each.tp.partition): Claim(each.incarnation, each.visible)
            for each in (snapshot.owned for snapshot in snapshots)
        }
        tables = _merge(snapshots)
        with self.meter.timed("deliver"):
            await self._delivery.deliver(claims, tables, self._give_up)
        self.meter.rows.update({table: len(columns[0]) for table, columns in tables.items()})
        for snapshot in snapshots:
            owned = snapshot.owned
            visible = snapshot.next_offset - owned.visible
            self.meter.stage_events[owned.tp.topic, "visible"] += visible
            owned.visible = snapshot.next_offset

    # ---------------------------------------------------------------- watching

    async def watch(self) -> None:
        """Fetch again what was lost at the quiet end of a partition, where no later run shows it."""
        for tp, owned in list(self.owned.items()):
            want = owned.state.next_offset
            try:
                at = await self._app.consumer.position(tp)
            except RuntimeError:
                if self._app.should_stop:  # the consumer's thread has ended before us
                    return
                raise
            lost = at is not None and at > want and self._suspects.get(tp) == (want, at)
            if lost and not self._app.rebalancing and self.owned.get(tp) is owned:
                log.warning("%s-%s fetched up to %s but is at %s: seek", *tp, at, want)
                await self._app.consumer.seek_wait({tp: want})
            self._suspects[tp] = (want, at if at is not None else -1)

    async def tick_idle(self) -> None:
        """Let event time go on in partitions where nothing comes, as fast as the wall clock.

        A tick is written into the log, so that a replay sees the same, and only when it closes
        something. Event time never runs faster than the clock: a stopped replay of an old log does
        not jump to today.
        """
        now_s = asyncio.get_running_loop().time()
        for owned in list(self.owned.values()):
            at, since_s = owned.idle
            if at != owned.state.next_offset:
                owned.idle = (owned.state.next_offset, now_s)
            elif now_s - since_s >= self._settings.idle_tick_s > 0:
                idle_ms = int((now_s - since_s) * 1000)
                event_time_ms = owned.state.max_event_time_ms + idle_ms
                if owned.state.max_event_time_ms and owned.state.would_close(event_time_ms):
                    owned.idle = (-1, now_s)
                    await self._tick(owned, event_time_ms)

    async def _tick(self, owned: Owned, event_time_ms: int) -> None:
        writer = self._settings.app_id
        event = {
            "type": "tick",
            "id": f"{writer}-{owned.tp.partition}-{owned.state.next_offset}-{event_time_ms}",
            "event_time_ms": event_time_ms,
            "user_id": writer,
        }
        producer = await owned.store.plain_producer()
        await producer.send_and_wait(
            owned.tp.topic,
            key=writer.encode(),
            value=msgspec.json.encode(event),
            partition=owned.tp.partition,
        )

    @property
    def delivery_retries(self) -> int:
        """Return how often writing to ClickHouse failed."""
        return self._delivery.retries

    async def close(self) -> None:
        """Close connections."""
        await self._probe.close()
        self._delivery.close()


def _merge(snapshots: Sequence[Snapshot]) -> dict[str, Columns]:
    """Return the rows of all snapshots, one block a table."""
    tables: dict[str, Columns] = {}
    for snapshot in snapshots:
        for table, columns in snapshot.rows.items():
            found = tables.get(table)
            if found is None:
                tables[table] = [list(column) for column in columns]
            else:
                for merged, column in zip(found, columns, strict=True):
                    merged.extend(column)  # type: ignore[attr-defined]
    return tables
