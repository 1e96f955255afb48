"""How far the pipeline is: what the topics hold against what ClickHouse shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from streams.clients import kafka_options, stop_client
from streams.config import Settings
from streams.topics import SOURCES

Position = tuple[str, int]  # topic, partition
_FETCH_S_MAX = 30.0
_POSITIONS = """
SELECT topic, partition, position, messages, duplicates + suppressed, late, dead_letters
FROM partitions FINAL
"""


class Progress(NamedTuple):
    """Messages in all source topics, and of those what is visible in ClickHouse."""

    total: int
    done: int
    messages: int
    duplicates: int
    late: int
    dead_letters: int
    drained: bool


def progress_of(client: Any, ends: Mapping[Position, int]) -> Progress:  # clickhouse_connect
    """Compare ends of the topics with the positions in ClickHouse, partition by partition.

    Offsets may have holes (transaction markers), so positions are compared, not counts.
    """
    rows = client.query(_POSITIONS).result_rows
    positions = {(row[0], row[1]): row[2] for row in rows}
    done = sum(min(positions.get(tp, 0), end) for tp, end in ends.items())
    messages, duplicates, late, dead = (sum(row[i] for row in rows) for i in range(3, 7))
    drained = all(positions.get(tp, 0) >= end for tp, end in ends.items())
    return Progress(sum(ends.values()), done, messages, duplicates, late, dead, drained)


async def end_offsets(settings: Settings) -> dict[Position, int]:
    """Return the offset after the last record of each partition of the source topics.

    Raises:
        Unavailable: no broker answers, or it stops answering.
    """
    consumer = AIOKafkaConsumer(
        **kafka_options(settings.kafka, settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=100,
    )
    partitions = [
        TopicPartition(topic, partition)
        for topic in SOURCES
        for partition in range(settings.partitions)
    ]
    try:
        await consumer.start()
        ends = await consumer.end_offsets(partitions)
        if not settings.transactions:
            ends |= await _fetched_ends(consumer, {tp: end for tp, end in ends.items() if end})
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no Kafka broker answers at {settings.kafka}: {error}") from error
    finally:
        await stop_client(consumer)
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}


async def _fetched_ends(
    consumer: AIOKafkaConsumer, asked: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return the ends that a fetch tells.

    Asked for its last offset, the embedded broker leaves out all but the first record of its last
    batch: who believed it would stop up to a batch too early.
    """
    consumer.assign(list(asked))
    for tp, end in asked.items():
        consumer.seek(tp, end)
    deadline_s = time.monotonic() + _FETCH_S_MAX
    while unknown := [tp for tp in asked if consumer.highwater(tp) is None]:
        if time.monotonic() > deadline_s:
            raise Unavailable(f"the broker gives nothing of {unknown[0]} for {_FETCH_S_MAX:.0f} s")
        await consumer.getmany(timeout_ms=100)
    return {tp: int(consumer.highwater(tp)) for tp in asked}
