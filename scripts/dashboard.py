"""Shows what is in ClickHouse, live, in a browser: counts, trends, earnings, content, lives.

It only reads. Looks at the stack that runs in a folder, at the results that a run has left there,
or at a ClickHouse server; a password is best given in ENGAGE_CLICKHOUSE, and a user that may only
read is enough. Nobody else reaches the page unless --host says so.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from dashboard.server import Dashboard
from schemas.errors import ConfigError
from scripts.options import CLICKHOUSE_ENV, clickhouse_option, data_option
from scripts.stack import running_stack
from sinks.client import parse_url
from sinks.embedded import EmbeddedClickHouse
from sinks.http_access import Access, is_loopback
from streams.config import load_settings

HELP = "look at everything, live, in a browser"
EXAMPLES = """\
Examples:
  engage dashboard --data ./results                  what `engage run` or `engage up` keeps there
  engage dashboard --clickhouse http://clickhouse:8123 --port 9000
"""
PORT_DEFAULT = 8080
READY = "dashboard  "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser, note="running or not; goes before --clickhouse")
    clickhouse_option(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (this machine); any other needs ENGAGE_HTTP_TOKEN",
    )
    parser.add_argument(
        "--port", type=int, default=PORT_DEFAULT, help="0 takes a free one (default %(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also answer by this name, for a proxy in front of it; may be given again",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if not 0 <= args.port <= 65_535:
        raise ConfigError(f"--port {args.port}: must be from 0 to 65535")
    settings = load_settings()
    Access(args.host, settings.http_token)  # refuses before anything is started
    with _clickhouse(args.data, args.clickhouse) as url:
        dashboard = Dashboard(
            url,
            database=settings.database,
            host=args.host,
            port=args.port,
            hosts=tuple(args.allow_host),
            token=settings.http_token,
        )
        asyncio.run(serve(dashboard))
    return 0


async def serve(dashboard: Dashboard) -> None:
    """Serve until SIGINT or SIGTERM; prints where as soon as a browser may come."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with dashboard:
        print(f"{READY}{dashboard.url}   Ctrl-C stops it", flush=True)
        if not is_loopback(dashboard.host):
            print("the token, ENGAGE_HTTP_TOKEN, is the password; any user name", file=sys.stderr)
        await stopping.wait()


@contextlib.contextmanager
def _clickhouse(data: Path | None, url: str | None) -> Iterator[str]:
    """Where to read: a running stack, a server, or the engine started on a folder's results."""
    if data is None:
        if url is None:
            raise ConfigError(
                f"nothing to look at: give --data DIR, --clickhouse URL or {CLICKHOUSE_ENV}"
            )
        parse_url(url)
        yield url
        return
    stack = running_stack(data)
    if stack is not None:
        yield _reading(data, stack["clickhouse"])
        return
    if not (data / "clickhouse").is_dir():
        raise ConfigError(f"{data} holds no results: make some with `engage run --data`")
    with EmbeddedClickHouse(data / "clickhouse") as engine:
        yield engine.reading_url


def _reading(data: Path, url: str) -> str:
    """The address without its password where the embedded ClickHouse answers: readers need none."""
    return str(parse_url(url)) if (data / "clickhouse").is_dir() else url
