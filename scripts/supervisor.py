"""Keeps worker processes running: starts N, restarts what ends, stops them in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import EngageError, Refused
from scripts import processes
from streams.config import SECRETS, Settings, env_name

_COMMAND = (sys.executable, "-m", "streams.worker")
_ROOT = Path(__file__).resolve().parent.parent
_CANNOT_RUN = EngageError.exit_code  # what a worker exits with when starting again is no use
_BACKOFF_S = (0.2, 1.0, 2.0, 5.0, 10.0)
_HEALTHY_S = 60.0


@dataclass(slots=True)
class _Slot:
    number: int
    process: subprocess.Popen[bytes]
    started_s: float
    failures: int = 0
    restart_at_s: float | None = None


@dataclass
class Supervisor:
    """N worker processes; call `check` again and again from the thread that made it."""

    settings: Settings
    number: int
    log: Path | None
    command: Sequence[str] = _COMMAND
    backoff_s: Sequence[float] = _BACKOFF_S
    restarts: int = 0
    _slots: list[_Slot] = field(default_factory=list)

    def start(self) -> None:
        """Start all workers."""
        self._slots = [
            _Slot(number, self._spawn(number), time.monotonic()) for number in range(self.number)
        ]

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the workers that run now."""
        return [slot.process.pid for slot in self._slots if slot.process.poll() is None]

    def check(self) -> None:
        """Restart what has ended, after a pause that grows while it keeps ending.

        Raises:
            Refused: a worker says that it cannot run like this; its last words are in the message.
        """
        now_s = time.monotonic()
        for slot in self._slots:
            if slot.process.poll() is None:
                continue
            if slot.process.returncode == _CANNOT_RUN:
                words = processes.tail(self.log, lines=1) if self.log else "its log says why"
                raise Refused(f"a worker cannot run: {words}")
            if slot.restart_at_s is None:
                healthy = now_s - slot.started_s > _HEALTHY_S
                slot.failures = 0 if healthy else min(slot.failures + 1, len(self.backoff_s) - 1)
                slot.restart_at_s = now_s + self.backoff_s[slot.failures]
            elif now_s >= slot.restart_at_s:
                slot.process, slot.started_s, slot.restart_at_s = (
                    self._spawn(slot.number),
                    now_s,
                    None,
                )
                self.restarts += 1

    def stop(self, *, grace_s: float = 30.0) -> None:
        """Ask all workers to flush and end, together; kill what does not."""
        for slot in self._slots:
            if slot.process.poll() is None:
                slot.process.terminate()
        deadline_s = time.monotonic() + grace_s
        for slot in self._slots:
            processes.stop(slot.process, grace_s=max(0.1, deadline_s - time.monotonic()))

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        settings = self.settings
        if settings.metrics_port:  # each worker has a port of its own
            settings = settings.with_(metrics_port=settings.metrics_port + number)
        env = os.environ | settings.environment() | {"PYTHONPATH": str(_ROOT)}
        for name in SECRETS:  # their values are in the settings already
            env.pop(f"{env_name(name)}_FILE", None)
        return processes.start(self.command, log=self.log, env=env)
