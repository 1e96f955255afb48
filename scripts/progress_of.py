"""How far the pipeline is: what the topics hold against what ClickHouse shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from streams.clients import stop_client
from streams.config import Settings
from streams.topics import SOURCES

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


async def progress_of(settings: Settings, client: Any) -> Progress:  # clickhouse_connect client
    """Compare the topics' ends with the positions in ClickHouse, partition by partition.

    Offsets may have holes (transaction markers), so positions are compared, not counts.
    """
    ends = await end_offsets(settings)
    rows = client.query(_POSITIONS).result_rows
    positions = {(row[0], row[1]): row[2] for row in rows}
    done = sum(min(positions.get(tp, 0), end) for tp, end in ends.items())
    messages, duplicates, late, dead = (sum(row[i] for row in rows) for i in range(3, 7))
    drained = all(positions.get(tp, 0) >= end for tp, end in ends.items())
    return Progress(sum(ends.values()), done, messages, duplicates, late, dead, drained)


async def end_offsets(settings: Settings) -> dict[tuple[str, int], int]:
    """Return the end offset of each partition of the source topics."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=None, enable_auto_commit=False
    )
    partitions = [
        TopicPartition(topic, partition)
        for topic in SOURCES
        for partition in range(settings.partitions)
    ]
    try:
        await consumer.start()
        ends = await consumer.end_offsets(partitions)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no Kafka broker answers at {settings.kafka}: {error}") from error
    finally:
        await stop_client(consumer)
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}
