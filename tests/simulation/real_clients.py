"""aiokafka's producer and consumer as far as streams/checkpoint.py uses them, on simulated topics."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from schemas.errors import Fenced
from streams.topics import BOOSTS, ENGAGEMENT
from tests.simulation.kafka import Changelog, named
from tests.simulation.real_loop import Turns

BATCH_RECORDS_MAX = 3
FETCH_RECORDS_MAX = 5
CLAIMED_AT_MS = 1_700_000_000_000
MINUTE_MS = 60_000


class Landed(NamedTuple):
    """Where a record landed."""

    offset: int
    timestamp: int


class Fetched(NamedTuple):
    """One record that a consumer gets."""

    offset: int
    key: bytes
    value: bytes | None


class Network:
    """What the clients of one process talk to."""

    def __init__(self, turns: Turns, changelogs: dict[tuple[str, int], Changelog]) -> None:
        self.turns = turns
        self.changelogs = changelogs

    def changelog(self, topic: str, partition: int) -> Changelog:
        """Return a changelog partition."""
        return self.changelogs[topic, partition]

    async def turn(self) -> None:
        """Let the world do something else first."""
        await self.turns.wait(self)


class Batch:
    """A record batch that is full soon."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []

    def append(self, *, key: bytes, value: bytes | None, timestamp: None) -> object | None:
        """Add a record; None when the batch is full."""
        if len(self.records) >= BATCH_RECORDS_MAX:
            return None
        self.records.append((key, value))
        return self

    def record_count(self) -> int:
        """Return the number of records."""
        return len(self.records)

    def close(self) -> None:
        """Nothing is kept open."""


class SimulatedProducer:
    """A producer, with transactions when it has a transactional id."""

    def __init__(self, network: Network, options: dict[str, Any]) -> None:
        self._network = network
        self._transactional_id: str | None = options.get("transactional_id")
        self._epoch: int | None = None
        self._stopped = False

    async def start(self) -> None:
        """Initialise the transactional id, which fences its last user."""
        await self._network.turn()
        if self._transactional_id is not None:
            topic, _, partition = self._transactional_id.rpartition("-")
            self._changelog = self._network.changelog(topic, int(partition))
            self._epoch = self._changelog.init_producer()
            await self._network.turn()

    async def stop(self) -> None:
        """Stop; an open transaction stays open until somebody fences it or it times out."""
        self._stopped = True

    async def begin_transaction(self) -> None:
        """Begin, which is no message to the broker."""
        assert not self._stopped
        assert self._epoch is not None

    async def commit_transaction(self) -> None:
        """Commit what was sent since the beginning."""
        await self._network.turn()
        assert self._epoch is not None
        try:
            self._changelog.commit(self._epoch)
        except Fenced as error:
            raise ProducerFenced from error
        await self._network.turn()

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int
    ) -> "asyncio.Future[Landed]":
        """Send a batch; its records land next to one another."""
        await self._network.turn()
        return self._acknowledged(topic, partition, batch.records)

    async def send(
        self, topic: str, *, key: bytes, value: bytes, partition: int
    ) -> "asyncio.Future[None]":
        """Send a dead letter or a decision."""
        await self._network.turn()
        source = key.decode().rpartition("-")[0].rpartition("-")[0]
        letter = (key.rpartition(b"-")[2], value)
        if topic == BOOSTS:
            source, letter = ENGAGEMENT, (named(value), value)
        changelog = self._network.changelog(
            f"engage-{source.partition('.')[0]}-changelog", partition
        )
        done = asyncio.get_running_loop().create_future()
        try:
            changelog.bury(letter, self._epoch)
        except Fenced as error:
            raise ProducerFenced from error
        done.set_result(None)
        return done

    async def send_and_wait(
        self, topic: str, *, key: bytes, value: bytes, partition: int
    ) -> Landed:
        """Send one record and wait for its acknowledgement."""
        await self._network.turn()
        landed = await self._acknowledged(topic, partition, [(key, value)])
        await self._network.turn()
        return landed

    def _acknowledged(
        self, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
    ) -> "asyncio.Future[Landed]":
        changelog = self._network.changelog(topic, partition)
        try:
            offsets = [changelog.append(key, value, self._epoch) for key, value in records]
        except Fenced as error:
            raise ProducerFenced from error
        done = asyncio.get_running_loop().create_future()
        claimed_at_ms = CLAIMED_AT_MS + offsets[0] * MINUTE_MS  # another minute each time
        done.set_result(Landed(offsets[0], claimed_at_ms))
        return done


class SimulatedConsumer:
    """A consumer without a group, as recovery uses it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._next: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect."""
        await self._network.turn()

    async def stop(self) -> None:
        """Disconnect."""

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Choose what to read."""
        self._next = dict.fromkeys(partitions, 0)

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Read from the start, as `assign` does here anyway."""

    def pause(self, partition: TopicPartition) -> None:
        """Read no more of a partition."""
        del self._next[partition]

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[Fetched]]:
        """Return some records of each partition, committed ones only."""
        await self._network.turn()
        found = {}
        for partition, start in self._next.items():
            changelog = self._network.changelog(*partition)
            records = [Fetched(*r) for r in changelog.fetch(start, FETCH_RECORDS_MAX)]
            if records:
                found[partition] = records
                self._next[partition] = records[-1].offset + 1
        return found
