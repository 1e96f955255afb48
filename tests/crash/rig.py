"""A whole pipeline of real processes, to be broken while it works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from scripts import cli
from scripts.generator.model import Spec, generate
from scripts.kafka_local import KafkaCluster
from scripts.progress_of import end_offsets, progress_of
from scripts.supervisor import Supervisor
from sinks.client import connect
from sinks.migrate import migrate
from streams.clients import stop_client
from streams.config import Settings
from streams.topics import SOURCES, changelog, create_topics
from tests.crash.services import ClickHouse, Feeder
from tests.stack.known import known_end, last_minute_ms

# Segments close after a moment and the cleaner never rests: what a checkpoint leaves to
# compaction is gone by the next recovery.
BROKER_OPTIONS = {
    "log.roll.ms": "300",
    "log.cleaner.backoff.ms": "100",
    "log.cleaner.min.cleanable.ratio": "0.001",
    "log.cleaner.max.compaction.lag.ms": "500",
    "log.cleaner.delete.retention.ms": "100",
    "log.cleaner.threads": "1",
    "group.initial.rebalance.delay.ms": "0",
}
SESSION_S = 6
DRAIN_S_MAX = 90.0
LAG_S_MAX = 30.0


class Rig:
    """Kafka, ClickHouse, workers and a log that is fed to them piece by piece.

    Everything is done from one thread: while waiting, it keeps the supervisor at work.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int,
        seed: int,
        brokers: int = 1,
        kafka_folder: Path | None = None,
    ) -> None:
        self.rng = random.Random(f"{seed}/{workers}/{brokers}")
        self.faults = folder / "faults"
        self.faults.mkdir(parents=True)
        self._log = folder / "worker.log"
        self._lines = _endless_log(seed)
        self._stack = contextlib.ExitStack()
        self.sent = 0
        self.exact = True
        with contextlib.ExitStack() as opened:
            self.kafka = opened.enter_context(
                KafkaCluster(brokers, folder=kafka_folder, options=BROKER_OPTIONS, heap_mb=384)
            )
            self.clickhouse = ClickHouse(folder)
            opened.callback(self.clickhouse.stop)
            self.settings = _settings(self.kafka, self.clickhouse, min(3, brokers))
            self.migrate()
            self.supervisor = Supervisor(
                self.settings,
                workers,
                self._log,
                command=(sys.executable, "-m", "tests.crash.worker_main", str(self.faults)),
                backoff_s=(0.2,),  # here every end is our doing
            )
            opened.callback(self.supervisor.stop, grace_s=10.0)
            self.supervisor.start()
            self.wait_until(self._all_ready, 60, "all partitions have a worker")
            self._stack = opened.pop_all()

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()

    def survive(self, scenario: Callable[[Rig], None]) -> None:
        """Let something happen; afterwards everything must be counted, exactly."""
        self.exact = False
        scenario(self)
        self.check()
        self.exact = True

    def migrate(self) -> None:
        """Make tables and topics that are missing."""
        with contextlib.closing(connect(self.clickhouse.url)) as client:
            migrate(client, self.settings.database)
        asyncio.run(create_topics(self.settings))

    def said(self) -> str:
        """Return what all workers have said so far."""
        return self._log.read_text()

    def _all_ready(self) -> bool:
        return self.said().count("ready at offset") >= len(SOURCES) * self.settings.partitions

    # ---------------------------------------------------------------- time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            self.supervisor.check()
            time.sleep(min(0.05, left_s))

    def wait_until(self, done: Callable[[], bool], limit_s: float, what: str) -> None:
        """Let time pass until something holds."""
        deadline_s = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < deadline_s, f"not within {limit_s:.0f} s: {what}"
            self.wait(0.1)

    def moment(self, seconds_max: float) -> None:
        """Wait for a random instant."""
        self.wait(self.rng.uniform(0, seconds_max))

    # ---------------------------------------------------------------- input and answers

    @contextlib.contextmanager
    def feeding(self, rate: float = 400) -> Iterator[Feeder]:
        """Send the log's next messages meanwhile; on leaving they are all acknowledged."""
        feeder = Feeder(self.settings.kafka, self._lines, rate)
        feeder.start()
        try:
            yield feeder
        finally:
            feeder.stop()
            feeder.join(120)  # workers that cannot run are no reason to leave it alone
            assert not feeder.is_alive(), f"not all messages sent: {feeder.failures}"
            self.sent += feeder.sent

    def check(self) -> None:
        """Everything is counted, exactly, and the group knows it."""
        ends = asyncio.run(end_offsets(self.settings))
        with contextlib.closing(connect(self.clickhouse.url)) as client:
            self.wait_until(
                lambda: progress_of(client, ends).drained, DRAIN_S_MAX, f"drained to {ends}"
            )
        audit = ["audit", "--kafka", self.settings.kafka, "--clickhouse", self.clickhouse.url]
        code = cli.dispatch([*audit, "--processes", "1"])
        assert code == 0, "the audit found differences"
        self.wait_until(lambda: self.lag() == 0, LAG_S_MAX, f"no lag, but {self.lag()}")

    def lag(self) -> int:
        """Return how many messages the group's offsets are behind the topics."""
        ends = asyncio.run(end_offsets(self.settings))
        committed = asyncio.run(committed_offsets(self.settings))
        return sum(max(0, end - committed.get(tp, 0)) for tp, end in ends.items())

    def compacted(self) -> tuple[int, int]:
        """Return how many records the changelogs hold, and how many offsets were given out."""
        return asyncio.run(_records_and_offsets(self.settings))

    # ---------------------------------------------------------------- processes

    def worker(self) -> int:
        """Return the process id of some worker that runs."""
        self.wait_until(lambda: bool(self.supervisor.pids), 30, "a worker runs")
        return self.rng.choice(self.supervisor.pids)

    def signal_worker(self, number: signal.Signals) -> int:
        """Send a signal to some worker and return its process id."""
        pid = self.worker()
        os.kill(pid, number)
        return pid

    def broker(self) -> int:
        """Return the number of some broker."""
        return self.rng.randrange(len(self.kafka.endpoints())) + 1

    @contextlib.contextmanager
    def stopped(self, pid: int) -> Iterator[None]:
        """Stop a process meanwhile; it goes on afterwards in any case."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def continue_workers(self) -> None:
        """Wake every worker that was stopped."""
        for pid in self.supervisor.pids:
            os.kill(pid, signal.SIGCONT)


def _settings(kafka: KafkaCluster, clickhouse: ClickHouse, replication: int) -> Settings:
    return Settings(
        kafka=kafka.address,
        clickhouse=clickhouse.url,
        transactions=True,
        replication=replication,
        flush_interval_ms=200,
        checkpoint_interval_ms=1_000,
        session_timeout_s=SESSION_S,
        idle_tick_s=2,
    )


def _endless_log(seed: int) -> Iterator[bytes]:
    """Yield the messages of one log after another, with much that is late, twice or broken."""
    day = 0
    while True:
        spec = Spec(
            seed=seed + day,
            events=20_000,
            start_ms=Spec().start_ms + day * 36 * 3_600_000,
            hours=36,
            duplicates=0.1,
            late=0.05,
            broken=0.01,
        )
        lines = [message.value for message in generate(spec)]
        yield from lines
        yield from known_end(last_minute_ms(lines))
        day += 1


async def committed_offsets(settings: Settings) -> dict[tuple[str, int], int]:
    """Return what the group has committed, for each partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(settings.app_id)
    finally:
        await admin.close()
    return {(tp.topic, tp.partition): found.offset for tp, found in offsets.items()}


async def _records_and_offsets(settings: Settings) -> tuple[int, int]:
    topics = [changelog(settings.app_id, source) for source in SOURCES]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(settings.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records = 0
        while fetched := await consumer.getmany(timeout_ms=2_000):
            records += sum(map(len, fetched.values()))
        return records, sum(ends.values())
    finally:
        await stop_client(consumer)
