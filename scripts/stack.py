"""The embedded stack: broker, ClickHouse and workers of one data folder, started and stopped together.

DIR/clickhouse     what the views show; stays
DIR/topics         the topics as they were when the stack stopped (scripts/archive.py); stays
DIR/rates.toml     the rates that the results are made by; weights.toml likewise; stay
DIR/stack.json     addresses and process id while the stack runs
DIR/unfinished     from the first message counted until everything is kept
DIR/*.log          what the parts said
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from schemas.errors import Refused, Unavailable
from scripts import processes
from scripts.archive import archive_topics
from scripts.embedded_kafka import EmbeddedBroker
from scripts.interrupts import run_async
from scripts.kept_rules import keep_rules
from scripts.progress_of import Progress, end_offsets, progress_of
from scripts.supervisor import Supervisor
from sinks.client import connect, parse_url
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import COPY_S_MAX, migrate
from streams.config import Settings
from streams.topics import create_topics

STALL_S_MAX = 120.0
_UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Ports:
    """Fixed ports; None chooses a free one."""

    kafka: int | None = None
    clickhouse: int | None = None


class Stack:
    """A running stack; use as a context manager.

    Real servers, where given, take the place of the embedded ones.
    """

    def __init__(
        self,
        data: Path,
        settings: Settings,
        *,
        processes: int = 1,
        kafka: str | None = None,
        clickhouse: str | None = None,
        ports: Ports | None = None,
    ) -> None:
        self.data = data
        self._settings = settings
        self._processes = processes
        self._kafka = kafka
        self._clickhouse = clickhouse
        self._ports = ports or Ports()
        self._broker: EmbeddedBroker | None = None
        self._engine: EmbeddedClickHouse | None = None
        self._supervisor: Supervisor | None = None
        self._client: Any = None

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def settings(self) -> Settings:
        """Return the settings with the addresses of this stack."""
        return self._settings

    @property
    def supervisor(self) -> Supervisor:
        """Return the workers' supervisor."""
        assert self._supervisor is not None, "the stack is not started"
        return self._supervisor

    def start(self) -> None:
        """Start all parts; on failure none is left."""
        refuse_used(self.data)
        self.data.mkdir(parents=True, exist_ok=True)
        self._settings = keep_rules(self.data, self._settings)
        try:
            self._start()
        except BaseException:
            no_results = self._supervisor is None
            self.stop()
            if no_results:
                shutil.rmtree(self.data / "clickhouse", ignore_errors=True)
            raise

    def _start(self) -> None:
        kafka, clickhouse = self._kafka, self._clickhouse
        if kafka is None:
            log = self.data / "broker.log"
            self._broker = EmbeddedBroker(port=self._ports.kafka, log=log)
            kafka = self._broker.address
        if clickhouse is None:
            if self._ports.clickhouse is not None:
                processes.require_free(self._ports.clickhouse, what="the embedded ClickHouse")
            self._engine = EmbeddedClickHouse(
                self.data / "clickhouse", port=self._ports.clickhouse or 0
            )
            self._engine.start()
            clickhouse = self._engine.url
        self._settings = self._settings.with_(
            kafka=kafka,
            clickhouse=clickhouse,
        )
        if self._broker is not None:
            # no transactions there, and a join takes half the session
            self._settings = self._settings.with_(transactions=False, session_timeout_s=6)
        database = self._settings.database
        with closing(connect(clickhouse, database, request_timeout_s=COPY_S_MAX)) as client:
            migrate(client, database)
        self._client = connect(clickhouse, database)
        run_async(create_topics(self._settings))
        (self.data / _UNFINISHED).touch()
        self._supervisor = Supervisor(self._settings, self._processes, self.data / "worker.log")
        self._supervisor.start()
        self._say_where()

    def _say_where(self) -> None:
        where = {
            "pid": os.getpid(),
            "kafka": self._settings.kafka,
            "clickhouse": self._settings.clickhouse,
            "transactions": self._settings.transactions,
        }
        part = self.data / ".stack.json.part"
        part.touch(mode=0o600)
        part.write_text(json.dumps(where))
        part.replace(self.data / "stack.json")  # others read it: whole or not at all

    @property
    def reading_url(self) -> str:
        """Return where ClickHouse can be read; the address of a real server without its password."""
        if self._engine is not None:
            return self._engine.reading_url
        return str(parse_url(self._settings.clickhouse))

    @property
    def client(self) -> Any:
        """Return the ClickHouse client of this stack."""
        assert self._client is not None, "the stack is not started"
        return self._client

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return list(self._client.query(sql).result_rows)

    def wait_until_drained(self, tell: Callable[[Progress], None] | None = None) -> Progress:
        """Return when everything that is in the topics now is visible in ClickHouse.

        Raises:
            Unavailable: nothing moved for a long time; the workers' log is named.
        """
        ends = run_async(end_offsets(self._settings))
        last, moved_s = -1, time.monotonic()
        while True:
            self.check()
            progress = progress_of(self.client, ends)
            if tell is not None:
                tell(progress)
            if progress.drained:
                return progress
            if progress.done != last:
                last, moved_s = progress.done, time.monotonic()
            elif time.monotonic() - moved_s > STALL_S_MAX:
                raise Unavailable(
                    f"no progress for {STALL_S_MAX:.0f} s at {progress.done:,} of "
                    f"{progress.total:,} messages: see {self.data / 'worker.log'}"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Restart workers that ended; say so when the broker or ClickHouse has.

        Raises:
            Unavailable: an embedded server is gone, with the name of its log.
            Refused: a worker cannot run like this.
        """
        self.supervisor.check()
        if self._broker is not None and not self._broker.is_running():
            raise Unavailable(
                "the embedded broker ended, and what it held with it: see "
                f"{self.data / 'broker.log'}, then start again in another folder"
            )
        if self._engine is not None and not self._engine.is_running():
            raise Unavailable(f"the embedded ClickHouse ended; the results in {self.data} are kept")

    def stop_workers(self) -> None:
        """Let the workers flush and end."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None

    def finish(self) -> None:
        """Stop the workers and keep what the embedded broker holds, so that it can be audited."""
        self.stop_workers()
        if self._broker is not None:
            run_async(archive_topics(self._settings, self.data))
        (self.data / _UNFINISHED).unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop all parts, in the order of the data's way."""
        self.stop_workers()
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        if self._engine is not None:
            self._engine.stop()
            self._engine = None
        (self.data / "stack.json").unlink(missing_ok=True)


def refuse_used(data: Path) -> None:
    """Refuse a folder that holds results: adding to them could double them.

    Raises:
        Refused: the folder is used, with what to do instead.
    """
    if running_stack(data) is not None:
        raise Refused(f"a stack is running in {data}: use it, or stop it first")
    if (data / _UNFINISHED).exists():
        raise Refused(
            f"{data} holds a part of the results of a run that was stopped before its end: delete "
            f"it (rm -r {data}) and run again, or choose another folder"
        )
    if (data / "clickhouse").exists():
        raise Refused(
            f"{data} already holds results, and the embedded broker that made them is gone: "
            "look at them with `engage sql --data`, or choose another folder"
        )


def running_stack(data: Path) -> dict[str, Any] | None:
    """Return the addresses of the stack that runs in a folder, if one does."""
    path = data / "stack.json"
    if not path.exists():
        return None
    where: dict[str, Any] = json.loads(path.read_text())
    try:
        os.kill(int(where["pid"]), 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return where
