"""A worker: takes partitions over, applies runs and flushes, one small step at a time.

The steps are those of streams/checkpoint.py and streams/pipeline.py, as generators: at every yield
the world may do something else, or let the worker die. State, pages, rows, the reading of
changelogs and the alignment of runs are the real code; the order of steps is this file.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.recount import Record
from streams.changelog import EPOCH, K_CLAIM, K_POSITION, PartitionLog, Position
from streams.decode import decode_run
from streams.outgoing import boost
from streams.pages import load_pages
from streams.partition import Partition
from streams.rows import INCARNATION_SHIFT, Columns, RowBuilder
from streams.source import Verdict, slice_run
from streams.sweep import Pages, PageWriter
from streams.topics import COMMERCE
from tests.simulation.broken import Deltas, HastyPageWriter, without_offsets
from tests.simulation.checkpoints import Checkpoint, Lease, Steps, write_checkpoint
from tests.simulation.core import TP, run_of
from tests.simulation.kafka import Changelog, Letter, named
from tests.simulation.services import Services, finished

RUN_MAX = 9
CHECKPOINT_CHANCE = 0.6  # of a flush; the others write rows alone


@dataclass(slots=True)
class Owned:
    """A partition whose state this worker has."""

    lease: Lease
    state: Partition
    pages: PageWriter
    rows: RowBuilder
    deltas: Deltas
    incarnation: int
    shown: int  # next_offset as of the last rows
    saved: int  # next_offset as of the last checkpoint
    buried: list[Letter] = field(default_factory=list)  # since the last checkpoint


@dataclass(slots=True)
class Snapshot:
    """What one flush writes for one partition."""

    tp: TP
    owned: Owned
    rows: dict[str, Columns]
    checkpoint: Checkpoint | None


class Worker:
    """One process. `member_of` is the group generation that it knows of."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.member_of = -1
        self.assigned: set[TP] = set()
        self.owned: dict[TP, Owned] = {}
        self.leases: dict[TP, Lease] = {}
        self.joining: Steps | None = None
        self.flushing: Steps | None = None
        self.queue: deque[tuple[TP, Sequence[Record]]] = deque()
        self.fetch_at: dict[TP, int] = {}

    def die(self) -> None:
        """Stop for ever, wherever it stands."""
        self.joining = self.flushing = None
        self.queue.clear()
        self.owned, self.leases, self.fetch_at = {}, {}, {}

    # ------------------------------------------------------------ take-over

    def join(self, assigned: set[TP], generation: int) -> None:
        """Begin with a new assignment: let partitions go, then claim and read step by step."""
        self.member_of, self.assigned = generation, assigned
        self.queue.clear()
        for tp in self.leases.keys() - assigned:
            self.lose(tp)
            del self.leases[tp]
        order = sorted(assigned)
        self.services.rng.shuffle(order)
        self.joining = self._take_over(order)

    def lose(self, tp: TP) -> None:
        """Drop a partition's state, unflushed changes and all."""
        self.owned.pop(tp, None)
        if tp in self.leases:
            self.leases[tp].log.ready = False

    def _take_over(self, order: list[TP]) -> Steps:
        for tp in order:
            yield from self._claim(tp)
        for tp in order:
            if not self.leases[tp].log.ready:
                yield from self._recover(tp)
            known = self.services.committed.get(tp, 0)
            self.fetch_at[tp] = known

    def _claim(self, tp: TP) -> Steps:
        broker, old = self.services.changelogs[tp], self.leases.pop(tp, None)
        new = Lease(broker, PartitionLog(tp[1]))
        if not self.services.protocol.claims_before_reading:
            self._read(new, broker.end)
            yield
        new.producer_epoch = old.producer_epoch if old else self._init_producer(broker)
        yield
        offset = broker.append(K_CLAIM, b"claim")
        yield
        if old and old.log.ready and self._is_next(old, offset):
            self.services.note("kept")
            old.log.epoch, old.log.end = offset, offset + 1
            self.leases[tp] = old
            return
        if old:
            self.lose(tp)
            if broker.transactions:
                new.producer_epoch = self._init_producer(broker)
                yield
                offset = broker.append(K_CLAIM, b"claim")
                yield
        new.log.epoch, new.log.end = offset, offset + 1
        self.leases[tp] = new

    def _is_next(self, old: Lease, offset: int) -> bool:
        return old.log.end == offset or not self.services.protocol.looks_at_claim

    def _init_producer(self, broker: Changelog) -> int:
        if not broker.transactions:
            return 0
        return broker.init_producer() if self.services.protocol.fences else broker.producer_epoch

    def _recover(self, tp: TP) -> Steps:
        lease = self.leases[tp]
        if self.services.protocol.claims_before_reading:
            self._read(lease, lease.log.epoch)
            yield
        log = lease.log
        if log.position is None:
            incarnation = 1 + log.epoch  # the product takes the claim's time
            log.position = Position(0, incarnation, 0, 0)
            if self.services.protocol.incarnation_first:
                first = Checkpoint(Pages([], range(0)), [], log.position)
                yield from write_checkpoint(self.services.protocol, lease, first)
        log.ready = True
        self.owned[tp] = self._loaded(tp, lease, log.position)

    def _read(self, lease: Lease, last: int) -> None:
        protocol, log = self.services.protocol, lease.log
        marked = not protocol.transactions
        for offset, key, value in lease.broker.read(last, uncommitted=not protocol.reads_committed):
            if marked and not protocol.honours_claims and key == K_CLAIM:
                continue
            if marked and not protocol.closes_flushes and key not in (K_CLAIM, K_POSITION):
                assert value is not None
                log.read(offset, key, value[EPOCH.size :] or None, marked=False)
                continue
            log.read(offset, key, value, marked=marked)

    def _loaded(self, tp: TP, lease: Lease, position: Position) -> Owned:
        protocol = self.services.protocol
        state = Partition(self.services.rules, commerce=tp[0] == COMMERCE)
        state.resume(position.next_offset, position.max_event_time_ms)
        state.counts.update(position.counts)
        state.by_type.update(position.by_type)
        pages = lease.log.take_pages()
        load_pages(state, pages)
        writer = PageWriter if protocol.sweep_deletes_last else HastyPageWriter
        alive_bytes = sum(map(len, pages))
        return Owned(
            lease,
            state,
            writer(position.first_page, position.next_page, alive_bytes),
            RowBuilder(*tp, position.incarnation),
            Deltas(state, position.incarnation << INCARNATION_SHIFT),
            position.incarnation,
            position.next_offset,
            position.next_offset,
        )

    # ------------------------------------------------------------ runs

    def fetch(self, tp: TP) -> Sequence[Record]:
        """Fetch the next run of a partition."""
        source = self.services.sources[tp]
        run = source.fetch(self.fetch_at[tp], self.services.rng.randrange(1, RUN_MAX))
        if run:
            self.fetch_at[tp] = run[-1].offset + 1
        return run

    def handle(self) -> None:
        """Apply the oldest fetched run, aligned with the position of the state."""
        protocol = self.services.protocol
        tp, records = self.queue.popleft()
        owned = self.owned.get(tp)
        if owned is None:
            return
        run, position = run_of(records), owned.state.next_offset
        if protocol.slices:
            sliced = slice_run(run, position)
            if sliced is None:
                self.services.note("sliced")
                return
            run = sliced
        if run.offsets[0] > position and protocol.asks_about_gaps:
            verdict = finished(self.services.probe.check_gap(tp, position, run.offsets[0]))
            self.services.note(verdict.value)
            if verdict is Verdict.SEEK:
                self.fetch_at[tp] = position
                return
        events, unknown_fields = decode_run(run.values)
        owned.state.apply(run, events, unknown_fields)

    def watch(self) -> None:
        """Fetch again what was lost at the quiet end of a partition."""
        queued = {tp for tp, _ in self.queue}
        for tp, owned in self.owned.items():
            if tp not in queued and self.fetch_at.get(tp, 0) > owned.state.next_offset:
                self.services.note("watched")
                self.fetch_at[tp] = owned.state.next_offset

    # ------------------------------------------------------------ flush

    @property
    def is_dirty(self) -> bool:
        """Tell whether anything was applied since the last checkpoint."""
        return any(o.state.next_offset != o.saved for o in self.owned.values())

    def begin_flush(self, *, final: bool = False) -> None:
        """Begin a flush if there is anything to write and none is in flight."""
        if self.flushing is None and self.joining is None and self.is_dirty:
            saves = final or self.services.rng.random() < CHECKPOINT_CHANCE
            self.flushing = self._flush(saves=saves)

    def _flush(self, *, saves: bool) -> Steps:
        """Write everything that changed: rows and, at a checkpoint, state and offsets."""
        protocol, generation = self.services.protocol, self.member_of
        snapshots = [
            self._snapshot(tp, owned, saves=saves)
            for tp, owned in self.owned.items()
            if owned.state.next_offset != (owned.saved if saves else owned.shown)
        ]
        if not protocol.offsets_last:
            self._commit_offsets(snapshots, generation)
            yield
        if protocol.rows_first:
            yield from self._write_rows(snapshots)
        writes = [self._write_snapshot(s.owned, s.checkpoint) for s in snapshots if s.checkpoint]
        while writes:
            one = self.services.rng.choice(writes)
            if next(one, one) is one:
                writes.remove(one)
            yield
        if not protocol.rows_first:
            yield from self._write_rows(snapshots)
        if protocol.offsets_last:
            self._commit_offsets(snapshots, generation)

    def _snapshot(self, tp: TP, owned: Owned, *, saves: bool) -> Snapshot:
        state = owned.state
        rows = owned.rows.take(state)
        owned.buried += [(b"%d" % dead.offset, dead.raw or b"") for dead in state.dead]
        told = [boost(decided).value for decided in state.for_you.decided]
        owned.buried += [(named(value), value) for value in told]
        state.dead, state.for_you.decided = [], []
        owned.shown = state.next_offset
        return Snapshot(tp, owned, rows, self._checkpoint(owned) if saves else None)

    def _checkpoint(self, owned: Owned) -> Checkpoint:
        pages = owned.pages.take(owned.state)
        letters, owned.buried = owned.buried, []
        owned.saved = owned.state.next_offset
        return Checkpoint(pages, letters, self._position(owned))

    def _position(self, owned: Owned) -> Position:
        state = owned.state
        return Position(
            state.next_offset,
            owned.incarnation,
            owned.pages.first,
            owned.pages.next,
            state.max_event_time_ms,
            dict(state.counts),
            dict(state.by_type),
        )

    def _write_rows(self, snapshots: list[Snapshot]) -> Steps:
        protocol = self.services.protocol
        for snapshot in snapshots:
            base = snapshot.owned.rows.base
            for table, rows in snapshot.rows.items():
                columns = rows
                if not protocol.cumulative and table == "windows_1m":
                    columns = snapshot.owned.deltas.of(columns)
                if not protocol.versioned:
                    columns = without_offsets(columns, base)
                self.services.sink.write(table, columns)
                if table in ("windows_1m", "ledger"):
                    yield
        yield

    def _write_snapshot(self, owned: Owned, checkpoint: Checkpoint) -> Steps:
        protocol, lease = self.services.protocol, owned.lease
        if not protocol.dead_letters_with_state:
            for letter in checkpoint.letters:
                lease.broker.bury(letter)
            checkpoint.letters = []
            yield
        if not protocol.position_of_snapshot:
            yield
            checkpoint.position = self._position(owned)
        yield from write_checkpoint(protocol, lease, checkpoint)
        lease.log.position = checkpoint.position

    def _commit_offsets(self, snapshots: list[Snapshot], generation: int) -> None:
        for snapshot in snapshots:
            if snapshot.checkpoint:
                offset = snapshot.checkpoint.position.next_offset
                self.services.commit(generation, snapshot.tp, offset)
