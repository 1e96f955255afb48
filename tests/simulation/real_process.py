"""One worker process: the real Pipeline and the real stores, with everything outside simulated."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.errors import EngageError, Unavailable
from scripts.recount import Record
from sinks.results import Results
from streams import checkpoint
from streams.batches import FetchedRun
from streams.checkpoint import CheckpointStore
from streams.config import Settings
from streams.delivery import Delivery
from streams.pipeline import Pipeline
from streams.rows import Columns
from streams.topics import SOURCES, changelog, table_name
from tests.simulation.real_clients import Network, SimulatedConsumer, SimulatedProducer
from tests.simulation.services import Probe, Services

RUN_MAX = 9


class Died(BaseException):
    """The process is gone; nothing after this line happens."""


class KafkaRecord(NamedTuple):
    """A record as aiokafka gives it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None


class RealProbe(Probe):
    """Asks the simulated topics, after a turn."""

    def __init__(self, services: Services, network: Network) -> None:
        super().__init__(services.sources)
        self._network = network

    async def first_offset(self, tp: tuple[str, int], at_least: int) -> int:
        """Return the first offset that exists at or after one."""
        await self._network.turn()
        return await super().first_offset(tp, at_least)

    async def refuse_if_behind(self, tp: tuple[str, int], next_offset: int) -> None:
        """Simulated topics are never made anew."""
        await self._network.turn()

    async def close(self) -> None:
        """Nothing is open."""


class Process:
    """A worker. `generation` is the group generation that it knows of."""

    def __init__(self, number: int, services: Services, network: Network) -> None:
        self.number, self.services, self.network = number, services, network
        self.alive, self.generation, self.busy = True, -1, False
        self.dies_after_writes = -1
        self.joining: asyncio.Task[None] | None = None
        self._recovering: asyncio.Task[None] | None = None
        self.fetch_at: dict[TP, int] = {}
        self.queue: deque[FetchedRun] = deque()
        self.handling: set[str] = set()
        transactions = services.protocol.transactions
        settings = Settings(
            kafka=address(number), transactions=transactions, partitions=2, idle_tick_s=0
        )
        self.app = self._app()
        self.pipeline = Pipeline(self.app, settings, services.rules)
        self.pipeline._probe = RealProbe(services, network)
        mine: Any = self  # writes to the simulated tables
        self.pipeline._delivery = Delivery("", "", lambda *_: mine, lanes=1)
        self.stores = {source: self._store(settings, source) for source in SOURCES}

    def _app(self) -> Any:
        consumer = SimpleNamespace(
            _commit=self._commit_offsets,
            seek_wait=self._seek,
            position=self._position,
            assignment=lambda: set(self.pipeline.owned),
        )
        tables = SimpleNamespace(recovery=SimpleNamespace(active_offsets={}))
        return SimpleNamespace(consumer=consumer, rebalancing=False, tables=tables)

    def _store(self, settings: Settings, source: str) -> CheckpointStore:
        table: Any = SimpleNamespace(
            name=table_name(source), changelog_topic_name=changelog(settings.app_id, source)
        )
        store = CheckpointStore("checkpoint://own", self.app, table)
        store.settings, store.on_fatal = settings, self._fatal
        store.on_lost = lambda partition: self.pipeline.lose(TP(source, partition))
        store.on_ready = lambda partition, found: self.pipeline.start(
            store, source, partition, found
        )
        return store

    # ------------------------------------------------------------ dying

    def die(self) -> None:
        """Stop for ever, wherever it stands."""
        self.alive = False
        self.network.turns.forget(self.network)
        self.queue.clear()
        self.fetch_at = {}

    def _fatal(self, error: BaseException, what: str) -> None:
        self.services.note(f"exit: {type(error).__name__}")
        self.die()
        raise Died from error

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something as the worker does: what fails ends the process."""

        async def guarded() -> None:
            try:
                await work
            except (EngageError, KafkaError, OSError, TimeoutError) as error:
                self.services.note(f"exit: {type(error).__name__}")
                self.die()
            except Died:
                self.die()

        return asyncio.get_running_loop().create_task(guarded(), name=str(self.number))

    # ------------------------------------------------------------ the group

    async def revoke(self) -> None:
        """Flush what is owned before the partitions are assigned anew."""
        self.app.rebalancing = True
        await self.pipeline.flush_in_time()

    async def join(self, assigned: set[TP], generation: int) -> None:
        """Take a new assignment, as Faust does: claim, then let a recovery task begin.

        A recovery that is still going on is not waited for: it may reach the stores while they claim,
        and is told only afterwards. What it has called by then is never cancelled.
        """
        self.generation = generation
        self.queue.clear()
        for source, store in self.stores.items():
            topic = store.topic
            mine = {TP(topic, tp.partition) for tp in assigned if tp.topic == source}
            await store.on_rebalance(mine, set(), mine, generation)
        if self._recovering is not None:
            self._recovering.cancel()
        self._recovering = self.start(self._recover(assigned, generation))

    async def _recover(self, assigned: set[TP], generation: int) -> None:
        await self.network.turn()
        calls = [
            self.start(store.on_recovery_completed(set(), set())) for store in self.stores.values()
        ]
        await asyncio.wait(calls)
        if generation != self.generation:
            return
        committed = self.services.committed
        self.fetch_at = {tp: committed.get((tp.topic, tp.partition), 0) for tp in assigned}
        self.app.rebalancing = False

    async def _commit_offsets(self, offsets: dict[TP, int]) -> bool:
        await self.network.turn()
        if self.generation != self.services.generation:
            return False
        for tp, offset in offsets.items():
            self.services.commit(self.generation, (tp.topic, tp.partition), offset)
        await self.network.turn()
        return True

    async def _seek(self, offsets: dict[TP, int]) -> None:
        await self.network.turn()
        for tp, offset in offsets.items():
            if tp in self.fetch_at:
                self.fetch_at[tp] = offset

    async def _position(self, tp: TP) -> int | None:
        return self.fetch_at.get(tp)

    # ------------------------------------------------------------ runs and flushes

    def fetch(self, tp: TP) -> FetchedRun | None:
        """Fetch the next run of a partition."""
        source = self.services.sources[tp.topic, tp.partition]
        found = source.fetch(self.fetch_at[tp], self.services.rng.randrange(1, RUN_MAX))
        if not found:
            return None
        self.fetch_at[tp] = found[-1].offset + 1
        return FetchedRun(tp, as_kafka(found))

    def handle_next(self) -> None:
        """Let the agent of a topic take its next run, unless it is still busy."""
        if not self.queue or self.queue[0].topic in self.handling:
            return
        run = self.queue.popleft()
        self.handling.add(run.topic)

        async def handle() -> None:
            try:
                await self.pipeline.handle(run)
            finally:
                self.handling.discard(run.topic)

        self.start(handle())

    def flush(self) -> None:
        """Begin a regular flush, with or without a checkpoint, and watch after it."""
        if self.busy or self.app.rebalancing:
            return
        self.busy = True
        checkpoint = self.services.rng.random() < 0.5  # simulated time stands still

        async def regular() -> None:
            try:
                await self.pipeline.flush_or_lose(final=checkpoint)
                await self.pipeline.watch()
            finally:
                self.busy = False

        self.start(regular())

    def write(self, table: str, columns: Columns) -> None:
        """Store a block in ClickHouse, unless it is away or the process dies on the way."""
        if self.services.sink.is_away:
            raise Unavailable("ClickHouse is away")
        if self.dies_after_writes == 0:
            self.services.note("died between blocks")
            self.die()
            raise Died
        self.dies_after_writes -= 1
        self.services.sink.write(table, columns)

    def close(self) -> None:
        """Nothing is open."""

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is in flight or waiting to be written."""
        owned = self.pipeline.owned.values()
        saved = all(o.state.next_offset == o.flushed == o.saved for o in owned)
        return saved and not (self.queue or self.busy or self.handling)


def as_kafka(records: Sequence[Record]) -> list[KafkaRecord]:
    """Return records as aiokafka gives them."""
    return [KafkaRecord(r.offset, r.timestamp_ms, 0, r.key, r.value) for r in records]


def address(number: int) -> str:
    """Return what stands for a broker address in the settings of a process."""
    return f"process-{number}:9092"


@contextmanager
def simulated_services(networks: dict[str, Network]) -> Iterator[None]:
    """Put the simulated clients in the place of aiokafka's and ClickHouse's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            checkpoint,
            "AIOKafkaProducer",
            lambda **options: SimulatedProducer(networks[options["bootstrap_servers"][0]], options),
        )
        patch.setattr(
            checkpoint,
            "AIOKafkaConsumer",
            lambda **options: SimulatedConsumer(networks[options["bootstrap_servers"][0]]),
        )
        patch.setattr(Results, "refuse_unless_ours", lambda *_: None)
        yield
