"""The topics of an embedded stack, kept in a folder after the broker is gone.

The embedded broker keeps everything in memory. So that results can be audited afterwards, `run` and
`up` write what the source topics hold into DIR/topics/<topic>-<partition>.msgpack.zst: a zstd stream
of msgpack arrays [offset, timestamp_ms, key | nil, value | nil], in offset order.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition

from scripts.progress_of import end_offsets
from streams.clients import kafka_options, stop_client
from streams.config import Settings

FOLDER = "topics"


async def archive_topics(
    settings: Settings, data: Path, tell: Callable[[int], None] | None = None
) -> int:
    """Write all source topics into the folder; return the number of records."""
    ends = await end_offsets(settings)
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for (topic, partition), end in ends.items():
        path = folder / f"{topic}-{partition}.msgpack.zst"
        written += await _archive(settings.kafka, TopicPartition(topic, partition), end, path)
        if tell is not None:
            tell(written)
    return written


async def _archive(kafka: str, tp: TopicPartition, end: int, path: Path) -> int:
    encode = msgspec.msgpack.Encoder().encode
    consumer = AIOKafkaConsumer(
        **kafka_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    written = 0
    try:
        consumer.assign([tp])
        consumer.seek(tp, 0)
        partial = path.with_suffix(".part")
        with (
            partial.open("wb") as file,
            zstandard.ZstdCompressor(level=3).stream_writer(file) as out,
        ):
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    for r in records:
                        out.write(encode([r.offset, r.timestamp, r.key, r.value]))
                    written += len(records)
        partial.replace(path)
    finally:
        await stop_client(consumer)
    return written
