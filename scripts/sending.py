"""Records to Kafka, fast: whole batches per partition, filled here, one in flight at a time.

The producer's own `send` costs a future per record; a batch costs one. Records of one key go to
the partition every Kafka client would choose (murmur2), and stay in the order they were given:
a partition's next batch waits until the one before it is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from schemas.errors import Refused, Unavailable
from scripts.message_limits import MessageLimits
from scripts.records import LogRecord
from streams.clients import kafka_options
from streams.topics import SOURCES

# What goes wrong is raised, in one line; the client would print it as well, in its own words.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

BATCH_BYTES = 256 << 10
_ROUTES_MAX = 1 << 20
_REQUEST_TIMEOUT_MS = 30_000
_NEW_TOPIC_S_MAX = 2.0  # a topic that was just made is not known everywhere at once


class Ack(NamedTuple):
    """Some `records` that the brokers have, all below offset `end`, the oldest is number `first`."""

    topic: str
    partition: int
    end: int
    first: int
    records: int


class _Lane:
    """The batches of one partition; `first` is the number of the open batch's first record."""

    __slots__ = ("append", "batch", "end", "first", "partition", "topic", "waiting")

    def __init__(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        self.topic = topic
        self.partition = partition
        self.end: int | None = None
        self.waiting: deque[tuple[int, int, asyncio.Future[RecordMetadata]]] = deque()
        self.open(batch)

    def open(self, batch: BatchBuilder) -> None:
        self.batch = batch
        self.append: Callable[..., object | None] = batch.append
        self.first = -1

    def oldest(self, nothing: int) -> int:
        """Return the number of the first record not yet acknowledged."""
        for first, _, future in self.waiting:
            if not future.done() or future.cancelled() or future.exception():
                return first
        return self.first if self.first >= 0 else nothing


class BatchSender:
    """Sends records; made by `open_sender`. Not for use by several tasks at once."""

    def __init__(
        self, producer: AIOKafkaProducer, partitions: Mapping[str, int], limits: MessageLimits
    ) -> None:
        self._producer = producer
        self._limits = limits
        self._lanes = {
            topic: [_Lane(topic, number, producer.create_batch()) for number in range(count)]
            for topic, count in partitions.items()
        }
        self._routes: dict[str, dict[bytes, _Lane]] = {topic: {} for topic in partitions}
        self.sent = 0
        self.sent_bytes = 0
        self.refused: list[int] = []
        self.acks: list[Ack] | None = None  # kept for who sets a list

    @property
    def acknowledged(self) -> int:
        """How many records from the first on the brokers have, without a gap."""
        return min(lane.oldest(self.sent) for lanes in self._lanes.values() for lane in lanes)

    @property
    def ends(self) -> dict[tuple[str, int], int]:
        """The offset after the last acknowledged record, for each (topic, partition) written to.

        Known from the acknowledgements themselves: the embedded broker's answer to "what is your
        last offset" leaves out all but the first record of the last batch.
        """
        lanes = (lane for lanes in self._lanes.values() for lane in lanes)
        return {(lane.topic, lane.partition): lane.end for lane in lanes if lane.end is not None}

    async def send(self, records: Iterable[LogRecord], now_ms: int) -> None:
        """Put records into batches and send those that are full.

        `refused` gets the numbers of records that are too large for their topic.

        Raises:
            Unavailable: Kafka does not take them; what is acknowledged is known.
        """
        routes = self._routes
        for record in records:
            topic, key, value, _ = record
            if len(value) > BATCH_BYTES and not await self._limits.fits(record):
                self.refused.append(self.sent)
                self.sent += 1
                continue
            lane = routes[topic].get(key) or self._route(topic, key)
            if lane.append(timestamp=now_ms, key=key, value=value) is None:
                await self._ship(lane)
                lane.append(timestamp=now_ms, key=key, value=value)
            if lane.first < 0:
                lane.first = self.sent
            self.sent += 1
            self.sent_bytes += len(value)

    async def push(self) -> None:
        """Send what is in open batches, without waiting for it to arrive."""
        for lanes in self._lanes.values():
            for lane in lanes:
                if lane.first >= 0:
                    await self._ship(lane)

    async def flush(self) -> None:
        """Send everything and return when the brokers have it; raises Unavailable."""
        await self.push()
        waiting = [w[2] for lanes in self._lanes.values() for lane in lanes for w in lane.waiting]
        await asyncio.gather(*waiting, return_exceptions=True)
        for lanes in self._lanes.values():
            for lane in lanes:
                self._settle_lane(lane)

    def _route(self, topic: str, key: bytes) -> _Lane:
        routes = self._routes[topic]
        if len(routes) >= _ROUTES_MAX:
            routes.clear()
        lanes = self._lanes[topic]
        number = int(murmur2(key)) & 0x7FFFFFFF
        lane = routes[key] = lanes[number % len(lanes)]
        return lane

    async def _ship(self, lane: _Lane) -> None:
        count = lane.batch.record_count()
        try:
            future = await self._producer.send_batch(
                lane.batch, lane.topic, partition=lane.partition
            )
        except KafkaError as error:
            raise Unavailable(f"Kafka takes no more events: {error!r}") from error
        lane.waiting.append((lane.first, count, future))
        lane.open(self._producer.create_batch())
        self._settle_lane(lane)

    def _settle_lane(self, lane: _Lane) -> None:
        while lane.waiting and lane.waiting[0][2].done():
            first, count, future = lane.waiting[0]
            error = future.exception()
            if isinstance(error, MessageSizeTooLargeError):
                raise Refused(
                    f"topic {lane.topic} takes no batch of 256 KiB: raise its max.message.bytes"
                ) from error
            if error is not None:
                raise Unavailable(f"Kafka did not take events: {error!r}") from error
            lane.end = future.result().offset + count
            if self.acks is not None:
                self.acks.append(Ack(lane.topic, lane.partition, lane.end, first, count))
            lane.waiting.popleft()


@asynccontextmanager
async def open_sender(
    kafka: str, *, idempotent: bool, topics: Iterable[str] = SOURCES
) -> AsyncIterator[BatchSender]:
    """Connect; on leaving, what was handed to the producer is still sent.

    `idempotent` needs a broker that knows idempotent producers (the embedded one does not).

    Raises:
        Unavailable: no broker answers.
        Refused: a topic does not exist; topics are never made by accident.
    """
    producer = AIOKafkaProducer(
        **kafka_options(kafka),
        acks="all",
        enable_idempotence=idempotent,
        compression_type="snappy",  # the lz4 of aiokafka is level 9: 18 times slower to write
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    try:
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(
                f"no Kafka answers at {kafka}: start it, or name another with --kafka"
            ) from error
        counts = await _partition_counts(producer, kafka, topics)
        yield BatchSender(producer, counts, MessageLimits(kafka))
    finally:
        await producer.stop()


async def _partition_counts(
    producer: AIOKafkaProducer, kafka: str, topics: Iterable[str]
) -> dict[str, int]:
    deadline_s = time.monotonic() + _NEW_TOPIC_S_MAX
    while True:
        # Asking for one topic by name would make it on some brokers; asking for all never does.
        cluster = await producer.client.fetch_all_metadata()
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        missing = [topic for topic, count in counts.items() if not count]
        if not missing:
            return counts
        if time.monotonic() > deadline_s:
            raise Refused(
                f"Kafka at {kafka} has no topic {', '.join(missing)}: make it with 'engage migrate'"
            )
        await asyncio.sleep(0.2)
