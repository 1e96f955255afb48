"""The product, measured: one worker process on one core, until everything is visible.

A message counts as done when the table `partitions` in ClickHouse says so. That row is written last
in its flush, after all other rows are acknowledged; checkpoints of the state and the commits of the
offsets follow every few seconds, several of them in a run of two million events.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import Unavailable
from scripts import processes
from scripts.benchmarks.cores import Cores, cpu_s, on, peak_rss_mb
from scripts.benchmarks.measured import Result, Sample, result_of
from scripts.benchmarks.source import Source
from scripts.progress import show_progress
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from streams.config import Settings
from streams.topics import create_topics

EXACT = "streams.worker"
INEXACT = "scripts.benchmarks.inexact_worker"
_ROOT = Path(__file__).resolve().parents[2]
_SAMPLE_EVERY_S = 0.1
_STALL_S_MAX = 60.0
_VISIBLE = "SELECT sum(messages) FROM partitions FINAL"


@dataclass(frozen=True, slots=True)
class Job:
    """A worker to measure: what it is called, the module of its process, its own consumer group."""

    name: str
    module: str
    app_id: str


def measure_full_path(
    source: Source,
    job: Job,
    cores: Cores,
    folder: Path,
    check: Callable[[str, Settings], None],
) -> Result:
    """Run a worker from nothing until it has counted the whole source.

    `check` gets ClickHouse's address after the last event, outside of what is timed; it raises
    where the numbers are wrong.

    Raises:
        Unavailable: the worker ended, or made no progress for a minute; its log is named.
    """
    with on(cores.rest), EmbeddedClickHouse(folder / "clickhouse") as engine:
        settings = source.settings.with_(clickhouse=engine.url, app_id=job.app_id)
        client = connect(engine.url, settings.database)
        migrate(client, database=settings.database)
        asyncio.run(create_topics(settings))
        with _worker(settings, job.module, cores, folder / "worker.log") as worker:
            samples = _watch(worker, client, source.messages, job.name, folder / "worker.log")
            peak_mb = peak_rss_mb(worker.pid)
        client.close()
        check(engine.url, settings)
    return result_of(job.name, "visible in ClickHouse", samples, peak_mb)


@contextmanager
def _worker(
    settings: Settings, module: str, cores: Cores, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    env = os.environ | settings.environment() | {"PYTHONPATH": str(_ROOT)}
    with on(cores.measured):
        process = processes.start([sys.executable, "-m", module], log=log, env=env)
    try:
        yield process
    finally:
        processes.stop(process, grace_s=20.0)


def _watch(
    worker: subprocess.Popen[bytes], client: Any, messages: int, name: str, log: Path
) -> list[Sample]:
    """Sample until all messages are visible."""
    started_s = moved_s = time.monotonic()
    samples = [Sample(0.0, 0, 0.0)]
    with show_progress(name, messages) as tell:
        while samples[-1].events < messages:
            if worker.poll() is not None:
                raise Unavailable(f"the worker ended: {processes.tail(log)}")
            visible = int(client.query(_VISIBLE).result_rows[0][0])
            now_s = time.monotonic()
            if visible > samples[-1].events:
                samples.append(Sample(now_s - started_s, visible, cpu_s(worker.pid)))
                moved_s = now_s
                tell(visible, visible)
            elif now_s - moved_s > _STALL_S_MAX:
                raise Unavailable(f"{name} stands at {visible:,} events: {processes.tail(log)}")
            time.sleep(_SAMPLE_EVERY_S)
    return samples
