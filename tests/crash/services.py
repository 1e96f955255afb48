"""The parts of a pipeline that can be killed: ClickHouse, and the producer that goes on anyway."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from schemas.errors import EngageError
from scripts import processes
from scripts.records import LogRecord, address
from scripts.sending import open_sender
from sinks.client import connect
from sinks.embedded import TOKEN_VARIABLE

ROOT = Path(__file__).resolve().parent.parent.parent
TICK_S = 0.05


class ClickHouse:
    """The embedded ClickHouse on a folder and a port that stay the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = processes.free_port()
        self._token = secrets.token_urlsafe(16)
        self.url = f"http://default:{self._token}@127.0.0.1:{self._port}"
        self.start()

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    def start(self) -> None:
        """Start it, again after a kill, and wait until it answers."""
        command = [sys.executable, "-m", "sinks.embedded", "--path", str(self._folder / "data")]
        log = self._folder / "clickhouse.log"
        self._process = processes.start(
            [*command, "--port", str(self._port)],
            log=log,
            env=os.environ | {TOKEN_VARIABLE: self._token, "PYTHONPATH": str(ROOT)},
        )
        processes.wait_until(
            self._answers, what="ClickHouse", process=self._process, log=log, limit_s=60
        )

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        """Throw its disk away; it must not run."""
        shutil.rmtree(self._folder / "data")

    def stop(self) -> None:
        """End it in good order."""
        processes.stop(self._process)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        connect(self.url).close()
        return True


class Feeder(threading.Thread):
    """Sends a log at a rate until it is told to stop, whatever happens to the broker meanwhile.

    Where the broker's answer was lost, messages are sent again: duplicates, as from any producer.
    """

    def __init__(self, kafka: str, lines: Iterator[bytes], rate: float) -> None:
        super().__init__(name="feeder", daemon=True)
        self._kafka = kafka
        self._lines = lines
        self._per_tick = max(1, round(rate * TICK_S))
        self._unsent: list[LogRecord] = []
        self._stopping = threading.Event()
        self.sent = 0
        self.failures: list[str] = []

    def stop(self) -> None:
        """Let it send what it has begun, and end."""
        self._stopping.set()

    def run(self) -> None:
        """Send until told to stop, and then what was not acknowledged."""
        while not self._stopping.is_set() or self._unsent:
            try:
                asyncio.run(self._send())
            except EngageError as error:
                self.failures.append(str(error))
                time.sleep(0.5)

    async def _send(self) -> None:
        given = self._unsent
        async with open_sender(self._kafka, idempotent=True) as sender:
            try:
                await sender.send(given, _now_ms())
                while not self._stopping.is_set():
                    chunk = [address(line) for line in islice(self._lines, self._per_tick)]
                    given += chunk
                    await sender.send(chunk, _now_ms())
                    await sender.push()
                    await asyncio.sleep(TICK_S)
                await sender.flush()
            finally:
                self.sent += sender.acknowledged
                self._unsent = given[sender.acknowledged :]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
