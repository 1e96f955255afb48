"""A real Kafka, an embedded ClickHouse, a steady load and two workers of which one may die.

Nothing restarts a worker here but `start_worker`: a supervisor would hide what is measured.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from schemas.errors import Unavailable
from scripts import processes
from scripts.kafka_local import KafkaCluster
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from streams.config import Settings
from streams.topics import SOURCES, create_topics

ROOT = Path(__file__).resolve().parents[2]
SETTLE_S_MAX = 120.0
TICK_S = 0.1
_OWNERSHIP = re.compile(r" (\S+)-(\d+) (ready|given up) at offset")
_POSITIONS = "SELECT topic, partition, position FROM partitions FINAL"
Place = tuple[str, int]  # topic, partition


@dataclass(slots=True)
class Worker:
    """A worker process and what its log says."""

    process: subprocess.Popen[bytes]
    log: Path

    def owned(self) -> frozenset[Place]:
        """Return the partitions that it says it has begun and not given up."""
        owned: set[Place] = set()
        for topic, partition, what in _OWNERSHIP.findall(self.log.read_text(errors="replace")):
            (owned.add if what == "ready" else owned.discard)((topic, int(partition)))
        return frozenset(owned)

    @property
    def lives(self) -> bool:
        """Tell whether the process still runs."""
        return self.process.poll() is None


class TwoWorkers:
    """The parts, started together and stopped together; use as a context manager."""

    def __init__(self, settings: Settings, folder: Path, *, rate: float, before: int) -> None:
        self._settings = settings
        self._folder = folder
        self._load = [str(rate), str(before)]
        self._started = ExitStack()
        self._made = 0
        self._client: Any = None
        self.workers: list[Worker] = []

    def __enter__(self) -> TwoWorkers:
        with ExitStack() as started:
            kafka = started.enter_context(KafkaCluster(heap_mb=512, measured=True))
            engine = started.enter_context(EmbeddedClickHouse(self._folder / "clickhouse"))
            self._settings = self._settings.with_(kafka=kafka.address, clickhouse=engine.url)
            self._client = connect(engine.url, self._settings.database)
            started.callback(self._client.close)
            migrate(self._client, database=self._settings.database)
            asyncio.run(create_topics(self._settings))
            started.callback(self._stop_workers)
            command = [sys.executable, "-m", "scripts.benchmarks.steady_load", kafka.address]
            load = self._process([*command, *self._load], self._folder / "load.log")
            started.callback(processes.stop, load, grace_s=2.0)
            for _ in range(2):
                self.start_worker()
            self._started = started.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._started.close()

    def start_worker(self) -> Worker:
        """Start one more worker, with a log of its own."""
        self._made += 1
        log = self._folder / f"worker-{self._made}.log"
        worker = Worker(self._process([sys.executable, "-m", "streams.worker"], log), log)
        self.workers.append(worker)
        return worker

    def end(self, worker: Worker, number: signal.Signals) -> None:
        """Signal a worker and wait until it is gone."""
        worker.process.send_signal(number)
        worker.process.wait()
        self.workers.remove(worker)

    def positions(self) -> dict[Place, int]:
        """Return how far ClickHouse shows each partition."""
        return {(t, p): position for t, p, position in self._client.query(_POSITIONS).result_rows}

    def check(self) -> None:
        """Raise Unavailable, with its last words, when a worker ended that nobody has ended."""
        for worker in self.workers:
            if not worker.lives:
                words = processes.tail(worker.log)
                raise Unavailable(f"a worker ended with {worker.process.returncode}: {words}")

    def settle(self) -> None:
        """Return when two workers share all partitions and all of those move."""
        everything = {(t, p) for t in SOURCES for p in range(self._settings.partitions)}
        _wait(lambda: self._shared(everything), "two workers share the partitions")
        before = self.positions()
        _wait(lambda: self._all_moved(everything, before), "every partition moves")

    def _shared(self, everything: set[Place]) -> bool:
        self.check()
        parts = [worker.owned() for worker in self.workers]
        return all(parts) and sorted(p for part in parts for p in part) == sorted(everything)

    def _all_moved(self, everything: set[Place], before: dict[Place, int]) -> bool:
        now = self.positions()
        return all(now.get(place, 0) > before.get(place, 0) for place in everything)

    def _process(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        env = os.environ | self._settings.environment() | {"PYTHONPATH": str(ROOT)}
        return processes.start(command, log=log, env=env)

    def _stop_workers(self) -> None:
        for worker in self.workers:
            processes.stop(worker.process, grace_s=10.0)


def _wait(done: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + SETTLE_S_MAX
    while not done():
        if time.monotonic() > deadline_s:
            raise Unavailable(f"not within {SETTLE_S_MAX:.0f} s: {what}")
        time.sleep(TICK_S)
