"""`engage` as a person runs it: a process of its own, and every process it starts accounted for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# Children inherit the environment, also those in sessions of their own: this finds them all.
MARK = "STARTED_BY_A_TEST"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command came to."""

    code: int
    output: str
    errors: str

    def ok(self) -> Finished:
        """Return itself; fail with what the command said when it did not end well."""
        assert self.code == 0, f"exit code {self.code}\n{self.output}\n{self.errors}"
        return self


class Engage:
    """Runs commands in a folder; all of them carry one mark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._started: list[Running] = []

    def __call__(self, *arguments: object, limit_s: float = 180, **env: str) -> Finished:
        """Run a command to its end."""
        return self.start(*arguments, **env).finish(limit_s)

    def start(self, *arguments: object, through: Sequence[str] = (), **env: str) -> Running:
        """Start a command in a session of its own; `through` is a program that starts programs."""
        number = len(self._started)
        output, errors = (self.folder / f"{number}.{kind}" for kind in ("out", "err"))
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [*through, sys.executable, "-m", "scripts.cli", *map(str, arguments)],
                cwd=self.folder,
                env=os.environ | self._environment() | env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                # a test run in the background ignores Ctrl-C, and children would inherit that
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        running = Running(process, output, errors)
        self._started.append(running)
        return running

    def rows(self, query: str, data: Path) -> list[dict[str, Any]]:
        """Return the rows that `engage sql` prints."""
        shown = self("sql", query, "--data", data, "--format", "JSONEachRow").ok()
        return [json.loads(line) for line in shown.output.splitlines()]

    def left(self) -> list[str]:
        """Return the command lines of processes that were started here and still live."""
        wanted = f"{MARK}={self._mark}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    text = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found.append(f"{folder.name} {text}")
            except OSError:  # it ended while we looked, or is not ours to see
                continue
        return found

    def nothing_left(self, within_s: float = 2.0) -> None:
        """Fail when a process is left behind."""
        wait_for(lambda: not self.left(), within_s, lambda: f"left behind: {self.left()}")

    def end(self) -> None:
        """Kill what a failed test left running."""
        for line in self.left():
            os.kill(int(line.split()[0]), signal.SIGKILL)
        for running in self._started:
            running.process.wait()

    def _environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", MARK: self._mark}


@dataclass(frozen=True, slots=True)
class Running:
    """A command that runs."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def finish(self, limit_s: float) -> Finished:
        """Wait for its end."""
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"still running after {limit_s:.0f} s: {self.said()}") from error
        return Finished(code, self.output.read_text(), self.errors.read_text())

    def until_it_says(self, text: str, limit_s: float = 60) -> None:
        """Wait until the command has printed this."""

        def said() -> bool:
            if text in self.said():
                return True
            assert self.process.poll() is None, f"ended with {self.process.poll()}: {self.said()}"
            return False

        wait_for(said, limit_s, lambda: f"not said: {text!r}, but: {self.said()}")

    def said(self) -> str:
        """Return everything it printed so far."""
        return self.output.read_text() + self.errors.read_text()

    def interrupt(self, *, group: bool) -> None:
        """Ctrl-C: a terminal sends it to the whole group, `kill -INT` to one process."""
        if group:
            os.killpg(self.process.pid, signal.SIGINT)
        else:
            self.process.send_signal(signal.SIGINT)


def wait_for(condition: Callable[[], bool], limit_s: float, why: Callable[[], str]) -> None:
    """Return when the condition holds; fail, saying why, when it never does."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, why()
        time.sleep(0.05)
