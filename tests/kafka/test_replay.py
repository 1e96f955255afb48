"""Replays on a real Kafka: the idempotent producer, and messages that a topic refuses."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from random import Random
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from schemas.errors import Refused
from scripts.kafka_local import KafkaCluster
from scripts.records import LogRecord
from scripts.sending import open_sender

LIMIT_BYTES = 100_000


@pytest.fixture
async def topic(kafka: KafkaCluster) -> AsyncIterator[str]:
    """A topic of the test's own, of one partition, that takes batches up to LIMIT_BYTES."""
    name = f"replay.{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        limit = {"max.message.bytes": str(LIMIT_BYTES)}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=limit)])
        yield name
        await admin.delete_topics([name])
    finally:
        await admin.close()


def now_ms() -> int:
    """Not long ago: the broker of these tests looks every second for what retention has passed."""
    return time.time_ns() // 1_000_000


def records(topic: str, values: list[bytes]) -> list[LogRecord]:
    return [LogRecord(topic, b"k", value, None) for value in values]


async def values_of(kafka: KafkaCluster, topic: str, count: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.address, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        while len(found) < count:
            fetched = await consumer.getmany(timeout_ms=5_000)
            found += [record.value for batch in fetched.values() for record in batch]
    return found


@pytest.mark.parametrize("idempotent", [True, False])
async def test_order_holds(kafka: KafkaCluster, topic: str, *, idempotent: bool) -> None:
    values = [b"%d" % number * 50 for number in range(20_000)]
    async with open_sender(kafka.address, idempotent=idempotent, topics=[topic]) as sender:
        await sender.send(records(topic, values), now_ms())
        await sender.flush()
        assert sender.acknowledged == sender.sent == len(values)
    assert await values_of(kafka, topic, len(values)) == values


async def test_a_message_too_large_is_told_and_the_rest_arrives(
    kafka: KafkaCluster, topic: str
) -> None:
    noise = bytes(range(256)) * 4_000  # compresses below the limit
    stubborn = Random(1).randbytes(300_000)
    values = [b"a", noise, stubborn, b"b", noise, b"c"]
    async with open_sender(kafka.address, idempotent=True, topics=[topic]) as sender:
        await sender.send(records(topic, values), now_ms())
        await sender.flush()
        assert sender.refused == [2]
        assert sender.acknowledged == len(values), "passed, though one is not stored"
        assert sender.ends == {(topic, 0): len(values) - 1}
    assert await values_of(kafka, topic, 5) == [b"a", noise, b"b", noise, b"c"]


async def test_a_topic_too_small_for_batches_is_refused(kafka: KafkaCluster, topic: str) -> None:
    values = [Random(number).randbytes(40) for number in range(20_000)]
    async with open_sender(kafka.address, idempotent=True, topics=[topic]) as sender:
        with pytest.raises(Refused, match=r"max\.message\.bytes"):
            await sender.send(records(topic, values), now_ms())
            await sender.flush()
