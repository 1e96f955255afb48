"""The embedded ClickHouse: the real engine in its own small process, spoken to as a server.

    python -m sinks.embedded --path DIR --port 8123

`EmbeddedClickHouse` starts that process, waits until it is ready, and ends with its parent.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from schemas.errors import ConfigError, EngageError, Refused, Unavailable

TOKEN_VARIABLE = "ENGAGE_CLICKHOUSE_TOKEN"  # noqa: S105 - a name
READY = "embedded ClickHouse ready at "
MACHINE_MB = (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 20
MEMORY_MB_DEFAULT = min(4_096, MACHINE_MB // 2)
BODY_MB_DEFAULT = 256
UNPACKED_TO_BODY_MAX = 4
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
PARENT_POLL_S = 0.5
URL_LENGTH_MAX = 1 << 20


class EmbeddedClickHouse:
    """A ClickHouse on a directory, in a process that ends when this one does.

    Use it as a context manager, or call `stop`. `url` carries the token and may write;
    `reading_url` has no password and may only read.
    """

    def __init__(
        self,
        path: Path,
        *,
        port: int = 0,
        memory_mb: int = MEMORY_MB_DEFAULT,
        body_mb: int = BODY_MB_DEFAULT,
        fsync: bool = False,
    ) -> None:
        self.path = path
        self._port = port
        self._options = ["--memory-mb", str(memory_mb), "--body-mb", str(body_mb)]
        if fsync:
            self._options.append("--fsync")
        self._token = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    @property
    def url(self) -> str:
        """Where it answers, with user and password."""
        return f"http://default:{self._token}@{self._address}"

    @property
    def reading_url(self) -> str:
        """Where it answers those who only read."""
        return f"http://{self._address}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "not started"
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether its process still lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            EngageError: it cannot start; the message is its own.
        """
        assert self._process is None, "started already"
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sinks.embedded", "--path", str(self.path)),
                *("--port", str(self._port), "--with-parent", *self._options),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env=os.environ | {TOKEN_VARIABLE: self._token},
            start_new_session=True,
        )
        line = self._first_line(self._process)
        if not line.startswith(READY):
            self.stop()
            raise Refused(line.removeprefix("error: ").strip() or self._silence())
        self._address = line.removeprefix(READY).strip().removeprefix("http://")
        return self

    def stop(self) -> None:
        """End it: running queries are finished, the directory is free afterwards."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _first_line(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        return process.stdout.readline() if ready else ""

    def _silence(self) -> str:
        return f"the embedded ClickHouse on {self.path} did not start within {START_TIMEOUT_S} s"


async def serve(arguments: argparse.Namespace, token: str) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent; running queries are finished first."""
    os.environ["TZ"] = (
        "UTC"  # the engine reads it when it is loaded: its times mean the same everywhere
    )
    # The engine is half a gigabyte: only the process that serves it loads it.
    from sinks.engine import Engine, EngineError
    from sinks.http_front import Front, FrontLimits

    listener = _listen(arguments.host, arguments.port)
    stopping = _stop_event(with_parent=arguments.with_parent)
    try:
        engine = Engine(
            arguments.path.resolve(),
            memory_bytes_max=arguments.memory_mb << 20,
            fsync=arguments.fsync,
        )
    except EngineError as error:
        raise Unavailable(f"the engine cannot open {arguments.path}: {error}") from error
    body_bytes = arguments.body_mb << 20
    limits = FrontLimits(body_bytes, body_bytes * UNPACKED_TO_BODY_MAX)
    front = Front(engine, token, limits)
    runner = web.AppRunner(
        front.application(),
        access_log=None,
        auto_decompress=False,
        max_line_size=URL_LENGTH_MAX,
        shutdown_timeout=STOP_TIMEOUT_S / 2,
    )
    await runner.setup()
    await web.SockSite(runner, listener).start()
    host, port = listener.getsockname()[:2]
    print(f"{READY}http://{host}:{port}", flush=True)  # noqa: T201
    await stopping.wait()
    await runner.cleanup()
    engine.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Refused(
            f"port {port} on {host} cannot be used ({error.strerror}): choose another with --port"
        ) from error
    return listener


def _stop_event(*, with_parent: bool) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if with_parent:
        # The parent holds the other end of stdin, so its death is read at once; a process that it
        # forked may hold it too, so whose child we are is looked at as well.
        loop.add_reader(sys.stdin.fileno(), _parent_left, loop, stopping)
        _watch(loop, stopping, os.getppid())
    return stopping


def _parent_left(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        stopping.set()


def _watch(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event, parent: int) -> None:
    if os.getppid() != parent:
        stopping.set()
        return
    loop.call_later(PARENT_POLL_S, _watch, loop, stopping, parent)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sinks.embedded", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="directory of the data")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8123, help="0 takes a free one")
    parser.add_argument("--memory-mb", type=int, default=MEMORY_MB_DEFAULT, help="memory at most")
    parser.add_argument("--body-mb", type=int, default=BODY_MB_DEFAULT, help="request at most")
    parser.add_argument("--fsync", action="store_true", help="inserts survive a power cut")
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; gives the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise ConfigError(f"{TOKEN_VARIABLE} is not set: choose a token, writing takes it")
        asyncio.run(serve(arguments, token))
    except EngageError as error:
        stream = sys.stdout if arguments.with_parent else sys.stderr
        print(f"error: {error}", file=stream, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
