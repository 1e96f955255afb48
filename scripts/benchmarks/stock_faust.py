"""What Faust does by itself with the same topic: an agent, a windowed table, one count per event.

The plainest program of Faust's own manual: its records, its JSON, its table in memory with a
changelog, its commits. It counts views per video and minute and nothing else: no deduplication, no
money, no ClickHouse. It stops after some events, or some seconds, whichever comes first.

    python -m scripts.benchmarks.stock_faust HOST:PORT EVENTS FILE     leaves its samples in the file
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import faust
from aiokafka.admin import NewTopic

from scripts.benchmarks.child import tell
from scripts.benchmarks.measured import Sample
from streams.config import Settings, load_settings
from streams.topics import ENGAGEMENT, admin_client

APP_ID = "engage-bench-stock"
SECONDS_MAX = 40.0
SAMPLE_EVERY = 250


class Seen(faust.Record, serializer="json"):
    """What is counted."""

    type: str
    event_time_ms: int
    video_id: str = ""


class Progress:
    """Notes how far the agent is; tells its samples at the end."""

    def __init__(self, events: int, path: Path) -> None:
        self._events = events
        self._path = path
        self._count = 0
        self._samples: list[Sample] = []
        self._done = False

    def step(self) -> None:
        """Count one event."""
        if self._count % SAMPLE_EVERY == 0 and not self._done:
            self._samples.append(Sample(time.monotonic(), self._count, time.process_time()))
            took_s = self._samples[-1].at_s - self._samples[0].at_s
            if self._count >= self._events or took_s > SECONDS_MAX:
                self._done = True
                tell(self._samples, self._path)
        self._count += 1


def build_app(settings: Settings, progress: Progress) -> Any:
    """Return the program."""
    app = faust.App(
        APP_ID,
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        autodiscover=False,
        datadir=f"/tmp/{APP_ID}-faust",  # noqa: S108 - nothing is ever written there
    )
    topic = app.topic(ENGAGEMENT, value_type=Seen)
    counts = app.Table("counts", default=int, partitions=settings.partitions).tumbling(60.0)

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for event in stream:
            counts[event.video_id] += 1
            progress.step()

    return app


async def make_changelog(settings: Settings) -> None:
    """Make the table's changelog; where Faust makes it itself, its first join may miss it."""
    name = f"{APP_ID}-counts-changelog"
    async with admin_client(settings) as admin:
        if name not in await admin.list_topics():
            config = {"cleanup.policy": "compact,delete"}
            topic = NewTopic(name, settings.partitions, settings.replication, topic_configs=config)
            await admin.create_topics([topic])


def main() -> None:
    """Run until the parent ends this process."""
    kafka, events, path = sys.argv[1:]
    settings = load_settings().with_(kafka=kafka)
    asyncio.run(make_changelog(settings))
    app = build_app(settings, Progress(int(events), Path(path)))
    worker = faust.Worker(app, loglevel="warning", redirect_stdouts=False, quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
