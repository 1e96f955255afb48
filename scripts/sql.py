"""Asks ClickHouse a question in SQL and prints the answer as ClickHouse writes it.

With --data the results of `engage run` are read: through the stack that runs on that folder, else
through an engine started for this one question. With --clickhouse, or without either, a server.
Names mean the database `engagement`: engagement_1m, engagement_1h, engagement_1d, videos, lives,
trending_now, trending_windows, top_windows, bursts, creators, audience, follower_growth,
collaborations, trend_lift, boosts, earnings_ledger, earnings_daily, balances, content_performance, dead_letters,
late_events.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from schemas.errors import InputError
from scripts.options import clickhouse_option, data_option
from sinks.client import answering, connect
from sinks.embedded import EmbeddedClickHouse
from streams.config import load_settings

CHUNK_BYTES = 1 << 20
# Numbers are numbers, and bytes that are no text (of raw messages) do not make the line no JSON.
_JSON_SETTINGS = {
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_validate_utf8": 1,
}

HELP = "ask ClickHouse a question in SQL"
EXAMPLES = """\
examples:
  engage sql "SELECT * FROM trending_now WHERE kind = 'video' LIMIT 10" --data ./results
  engage sql "SELECT creator_id, amount_micros FROM balances" --data ./results --format JSONEachRow
  engage sql - --data ./results < question.sql

Formats are ClickHouse's own (JSONEachRow, CSVWithNames, Pretty, Vertical, Parquet, ...). Numbers in
JSON are numbers, also those of 64 bits; times are UTC. Bytes that are no UTF-8 come out of JSON as
U+FFFD: ask for hex(raw) to get them all.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `engage sql`."""
    parser.add_argument("query", help="one statement, or - to read it from standard input")
    data_option(parser, note="made by `engage run` or `engage up`")
    clickhouse_option(parser)
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        default="PrettyCompact" if sys.stdout.isatty() else "TSVWithNames",
        help="output format of ClickHouse (PrettyCompact on a terminal, else TSVWithNames); "
        "FORMAT in the query wins",
    )


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    query = sys.stdin.read() if args.query == "-" else args.query
    if not query.strip():
        raise InputError("the query is empty")
    settings = load_settings()
    with _server(args.data, args.clickhouse or settings.clickhouse) as url:
        ask(url, settings.database, query, args.format)
    return 0


def ask(url: str, database: str, query: str, output_format: str) -> None:
    """Copy ClickHouse's answer to standard output as it comes."""
    with closing(connect(url, database)) as client:
        with answering(url):
            answer: Any = client.raw_stream(
                query,
                settings=_JSON_SETTINGS,
                transport_settings={"X-ClickHouse-Format": output_format},
            )
        with closing(answer):
            # Reading and printing may both fail, and must not be taken for one another.
            while chunk := _next(answer, url):
                sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def _next(answer: Any, url: str) -> bytes:
    with answering(url):
        return bytes(answer.read(CHUNK_BYTES))


@contextmanager
def _server(data: Path | None, url: str) -> Iterator[str]:
    if data is None:
        yield url
        return
    running = _running(data)
    if running is not None:
        yield running
        return
    folder = data / "clickhouse"
    if not folder.is_dir():
        raise InputError(f"{data} holds no results: make some with `engage run --data {data}`")
    with EmbeddedClickHouse(folder) as engine:
        yield engine.url


def _running(data: Path) -> str | None:
    if not (data / "stack.json").exists():
        return None
    # Only a folder with a stack needs the stack's code, which takes a while to load.
    from scripts.stack import running_stack

    where = running_stack(data)
    return None if where is None else str(where["clickhouse"])
