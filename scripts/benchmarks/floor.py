"""The floor, for orientation: a plain consumer that decodes and counts, and keeps nothing.

aiokafka `getmany`, msgspec, one dictionary of counts per (video, type, minute). No deduplication, no
state, no output: what no pipeline on this client can beat.

    python -m scripts.benchmarks.floor HOST:PORT EVENTS FILE     leaves its samples in the file
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer

from scripts.benchmarks.child import tell
from scripts.benchmarks.measured import Sample
from streams.clients import kafka_options, stop_client
from streams.topics import ENGAGEMENT

MINUTE_MS = 60_000
SAMPLE_EVERY_S = 0.25


class _Seen(msgspec.Struct, gc=False):
    type: str
    event_time_ms: int
    video_id: str = ""


async def count(kafka: str, events: int) -> list[Sample]:
    """Count the engagement topic from its beginning."""
    consumer = AIOKafkaConsumer(
        ENGAGEMENT,
        **kafka_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        max_poll_records=20_000,
    )
    decode = msgspec.json.Decoder(_Seen).decode
    counts: Counter[tuple[str, str, int]] = Counter()
    await consumer.start()
    try:
        samples = [_sample(0)]
        done = 0
        while done < events:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    seen = decode(record.value)
                    counts[seen.video_id, seen.type, seen.event_time_ms // MINUTE_MS] += 1
                done += len(records)
            if done >= events or time.monotonic() - samples[-1].at_s > SAMPLE_EVERY_S:
                samples.append(_sample(done))
    finally:
        await stop_client(consumer)
    assert sum(counts.values()) == done
    return samples


def _sample(events: int) -> Sample:
    return Sample(time.monotonic(), events, time.process_time())


if __name__ == "__main__":
    tell(asyncio.run(count(sys.argv[1], int(sys.argv[2]))), Path(sys.argv[3]))
