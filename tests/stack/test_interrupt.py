"""Ctrl-C at any moment: everything ends soon, nothing stays behind, and the next start works."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.processes import free_port
from scripts.stack import refuse_used
from tests.stack import known
from tests.stack.command import Engage, Running, wait_for

EVENTS = 20_000
END_S_MAX = 15.0

Wait = Callable[[Running, Path], None]


def in_start(_: Running, data: Path) -> None:
    """While libraries are loaded and servers start."""


def in_replay(running: Running, data: Path) -> None:
    wait_for((data / "stack.json").exists, 60, running.said)


def in_count(running: Running, data: Path) -> None:
    log = data / "worker.log"
    wait_for(lambda: log.exists() and "ready at offset" in log.read_text(), 60, running.said)


# The longest pause after the moment, in seconds: together they cover the whole life of a run.
MOMENTS: dict[Wait, float] = {in_start: 4.0, in_replay: 3.0, in_count: 2.0}


@pytest.fixture
def log(tmp_path: Path, seed: int) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(known.make_log(seed, EVENTS)) + b"\n")
    return path


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("command", ["run", "up", "demo"])
def test_ctrl_c(
    command: str,
    moment: Wait,
    log: Path,
    engage: Engage,
    tmp_path: Path,
    rng: random.Random,
) -> None:
    """A terminal tells the whole group, `kill -INT` only the main process: one of the two."""
    data = tmp_path / "results"
    pause_s, group = rng.uniform(0, MOMENTS[moment]), rng.random() < 0.5
    running = engage.start(command, "--data", data, *_options(command, log))
    moment(running, data)
    time.sleep(pause_s)
    running.interrupt(group=group)
    done = running.finish(END_S_MAX)
    if data.exists():  # before that, Python itself may still be starting
        assert done.code in (0, 130), (pause_s, group, done)
        assert "Traceback" not in done.errors, (pause_s, group, done.errors)
    engage.nothing_left(1.0)
    if not (data / "unfinished").exists() and not (data / "topics").exists():
        refuse_used(data)  # nothing was counted: the same folder can be used


def _options(command: str, log: Path) -> list[object]:
    if command == "up":
        return []
    if command == "demo":
        return ["--input", log, "--port", free_port()]
    return ["--input", log]


def test_twice_in_a_row_and_the_next_start(log: Path, engage: Engage, tmp_path: Path) -> None:
    """Impatience changes nothing, and what it left does not stand in the way."""
    data = tmp_path / "results"
    options = ("demo", "--once", "--data", data, "--input", log)
    running = engage.start(*options)
    in_count(running, data)
    for _ in range(3):
        running.interrupt(group=True)
        time.sleep(0.3)
    assert running.finish(END_S_MAX).code in (0, 130)
    engage.nothing_left(1.0)
    assert "Trending videos" in engage(*options).ok().output
