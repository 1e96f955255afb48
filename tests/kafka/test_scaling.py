"""One log, counted by 1, 2 and 5 workers in turn, is what one worker makes of it straight through.

Both ways read the same topics, each with a state and a database of its own, so every cell of every
view must be the same, offsets of dead letters included.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scripts import cli
from scripts.kafka_local import KafkaCluster
from scripts.progress_of import Progress, end_offsets, progress_of
from scripts.supervisor import Supervisor
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from streams.config import Settings, env_name
from streams.topics import create_topics
from tests.stack import known
from tests.stack.views import Answers, ask_all

pytestmark = pytest.mark.slow

EVENTS = 30_000
NUMBERS = (1, 2, 5)
STOPS = ((0.05, 0.35), (0.4, 0.6))  # where the next number takes over, as parts of the log
COUNT_S_MAX = 180.0


@pytest.fixture
def servers(kafka_possible: None, run_seed: int, tmp_path: Path) -> Iterator[Settings]:
    """A broker that holds the log, a ClickHouse, and workers slow enough to be stopped in the middle."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(known.make_log(run_seed, EVENTS)) + b"\n")
    with KafkaCluster() as kafka, EmbeddedClickHouse(tmp_path / "clickhouse") as clickhouse:
        settings = Settings(
            kafka=kafka.address,
            clickhouse=clickhouse.url,
            flush_interval_ms=200,
            checkpoint_interval_ms=500,
            run_messages_max=100,
            unflushed_events_max=1_000,
            session_timeout_s=6,
            idle_tick_s=0,  # a tick would be in the log of one way and not of the other
        )
        asyncio.run(create_topics(settings))
        assert cli.dispatch(["replay", str(log), "--kafka", kafka.address]) == 0
        yield settings


def test_as_one_worker_straight_through(
    servers: Settings, rng: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = Way(servers, "straight", tmp_path)
    straight.count(workers=1)
    scaled = Way(servers, "scaled", tmp_path)
    for workers, (low, high) in zip(NUMBERS[:-1], STOPS, strict=True):
        scaled.count(workers, part=rng.uniform(low, high), kill=rng.random() < 0.5)
    scaled.count(NUMBERS[-1])

    for way in (straight, scaled):
        way.audit(monkeypatch)
    one, other = straight.answers(), scaled.answers()
    for view in one:
        assert other[view] == one[view], view


class Way:
    """A state and a database of its own on the shared topics."""

    def __init__(self, servers: Settings, name: str, folder: Path) -> None:
        self.settings = servers.with_(app_id=f"engage-{name}", database=name)
        self.log = folder / f"{name}.log"
        asyncio.run(create_topics(self.settings))
        with closing(connect(servers.clickhouse, name)) as client:
            migrate(client, name)

    def count(self, workers: int, *, part: float = 1.0, kill: bool = False) -> None:
        """Let some workers count until a part of the log is visible, then stop or kill them."""
        supervisor = Supervisor(self.settings, workers, self.log)
        supervisor.start()
        try:
            progress = self._wait(supervisor, part)
            if kill:
                for pid in supervisor.pids:
                    os.kill(pid, signal.SIGKILL)
        finally:
            supervisor.stop()
        print(f"{workers} workers until {progress.done} of {progress.total}, killed: {kill}")
        assert progress.drained == (part == 1.0), "stopped in the middle, unless it was the last"

    def _wait(self, supervisor: Supervisor, part: float) -> Progress:
        ends = asyncio.run(end_offsets(self.settings))
        deadline_s = time.monotonic() + COUNT_S_MAX
        with closing(connect(self.settings.clickhouse, self.settings.database)) as client:
            while True:
                supervisor.check()
                progress = progress_of(client, ends)
                if progress.drained or (progress.done >= part * progress.total and part < 1.0):
                    return progress
                assert time.monotonic() < deadline_s, (part, progress, self.log.read_text()[-2000:])
                time.sleep(0.05)

    def audit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The recount finds no difference."""
        monkeypatch.setenv(env_name("database"), self.settings.database)
        servers = ("--kafka", self.settings.kafka, "--clickhouse", self.settings.clickhouse)
        assert cli.dispatch(["audit", *servers, "--processes", "1"]) == 0

    def answers(self) -> Answers:
        """Return the rows of every public view."""
        return ask_all(self.settings.clickhouse, self.settings.database)
