"""Recounts everything from the topics and compares it with ClickHouse, cell by cell.

The recount is independent of the workers: plain code that reads the source topics from their first
message and follows the counting rules one by one. It waits until the workers have caught up, so the
input must be quiet meanwhile; then every public view must hold exactly what the log says, and every
account that was settled what the programs' rules make of it. Money booked before its data came is a
difference, until it is settled again.

Memory grows with the log: this process holds the cells of every minute (0.6 kB each), a counting
process the ids of one partition (0.4 kB each); ClickHouse streams its rows within its own bound.

Exit code 0 says that nothing differs. 1: something does; the table says how much, and the first
differing cells are printed. 2: the audit could not be made.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.errors import InputError, Unavailable
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, kafka_option
from scripts.progress import show_progress
from scripts.recount import rules_of
from scripts.recount.against import compare_all
from scripts.recount.archive import Archive, find_archives, read_archive
from scripts.recount.compare import Row, ViewReport, Within
from scripts.recount.expected import Expected
from scripts.recount.model import Rules
from scripts.recount.parallel import recount_archives
from scripts.recount.report import as_json, as_text
from scripts.recount.tables import Tables
from scripts.recount.topics import Position, TopicReader, open_topics
from scripts.stack import running_stack
from sinks.embedded import EmbeddedClickHouse
from streams.config import Settings
from streams.topics import SOURCES

HELP = "recount everything from the topics and compare it with ClickHouse"
EXAMPLES = """\
Examples:
  engage audit --data ./results                                   after `run`, or while `up` runs
  engage audit --kafka kafka:9092 --clickhouse http://user:password@clickhouse:8123
  engage audit --input-topics-archive ./results/topics --clickhouse http://127.0.0.1:8123
"""
ATTEMPTS_MAX = 5
POLL_S = 0.5
TELL_EVERY_ROWS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    data_option(parser, note="its running stack, else its kept topics and results are audited")
    kafka_option(parser)
    clickhouse_option(parser)
    parser.add_argument(
        "--input-topics-archive",
        metavar="DIR",
        type=Path,
        help="read the topics from files TOPIC-PARTITION.msgpack.zst instead of from Kafka",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=120.0,
        help="how long the workers may make no progress while we wait (default 120)",
    )
    parser.add_argument(
        "--processes",
        metavar="N",
        type=int,
        default=os.cpu_count() or 1,
        help="counting processes, one partition each at a time (default: one per core)",
    )
    parser.add_argument("--rates", metavar="FILE", help="default: the folder's dated rates")
    parser.add_argument("--weights", metavar="FILE", help="default: the folder's score weights")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Audit once; return 1 when anything differs."""
    if args.processes < 1:
        raise InputError(f"--processes {args.processes}: must be at least 1")
    settings = settings_of_folder(args.data, rates=args.rates, weights=args.weights)
    rules = rules_of(settings)
    with _database(args, settings) as (tables, kafka):
        if kafka is None:
            folder = args.input_topics_archive or args.data / "topics"
            reports = _audit_archives(find_archives(folder, SOURCES), rules, tables, args)
        else:
            reports = asyncio.run(_audit_topics(kafka, rules, tables, args))
    print(as_json(reports) if args.json else as_text(reports))
    return 1 if any(report.differing for report in reports) else 0


@contextlib.contextmanager
def _database(args: argparse.Namespace, settings: Settings) -> Iterator[tuple[Tables, str | None]]:
    """Open what is to be audited: ClickHouse, and the broker's address unless files are read."""
    kafka, clickhouse = args.kafka, args.clickhouse
    stack = None if args.data is None else running_stack(args.data)
    if stack is not None:
        kafka, clickhouse = str(stack["kafka"]), str(stack["clickhouse"])
    elif args.data is not None:
        clickhouse = None
        if (args.data / "topics").is_dir():  # a run on a real Kafka keeps none
            kafka = None
    if args.input_topics_archive is not None:
        kafka = None
    elif kafka is None and args.data is None:
        raise InputError("say what to audit: --data DIR, or --kafka and --clickhouse")
    with contextlib.ExitStack() as opened:
        if clickhouse is None:
            clickhouse = opened.enter_context(_embedded(args.data)).reading_url
        tables = Tables(clickhouse, settings.database)
        opened.callback(tables.close)
        yield tables, kafka


def _embedded(data: Path | None) -> EmbeddedClickHouse:
    if data is None:
        raise InputError("say where ClickHouse is: --clickhouse URL, or --data DIR")
    if not (data / "clickhouse").is_dir():
        raise InputError(f"{data} holds no results: `engage run --data` makes them")
    return EmbeddedClickHouse(data / "clickhouse")


def _audit_archives(
    archives: list[Archive], rules: Rules, tables: Tables, args: argparse.Namespace
) -> list[ViewReport]:
    records: dict[Position, int] = {}
    positions: dict[Position, Within] = {}
    sizes = [archive.path.stat().st_size for archive in archives]
    with show_progress("read topics", sum(sizes)) as tell:
        for number, archive in enumerate(archives, start=1):
            position = (archive.topic, archive.partition)
            records[position] = end = 0
            for record in read_archive(archive):
                records[position] += 1
                end = record.offset + 1
            positions[position] = Within(end, end)
            tell(sum(sizes[:number]), sum(records.values()))
    expected = _recount(archives, sum(records.values()), rules, args)
    return compare_all(expected, rules, tables, positions, _watched)


async def _audit_topics(
    kafka: str, rules: Rules, tables: Tables, args: argparse.Namespace
) -> list[ViewReport]:
    """Audit live topics; begins again when messages came while ClickHouse was read."""
    with tempfile.TemporaryDirectory(prefix="engage-audit-") as folder:
        async with open_topics(kafka, Path(folder)) as reader:
            for _ in range(ATTEMPTS_MAX):
                await _read_topics(reader)
                before = await _wait_for_workers(reader, tables, args.timeout)
                if _are_beyond(before, reader):
                    continue
                positions = {
                    position: Within(offset, max(offset, reader.ends[position]))
                    for position, offset in reader.next_offsets.items()
                }
                expected = _recount(reader.archives, reader.records, rules, args)
                reports = compare_all(expected, rules, tables, positions, _watched)
                if tables.positions() == before:
                    return reports
    raise Unavailable(
        f"new messages came during each of {ATTEMPTS_MAX} attempts: pause the producers, "
        "for only a quiet pipeline can be compared"
    )


async def _read_topics(reader: TopicReader) -> None:
    with show_progress("read topics", 1.0) as tell:
        await reader.read_on(lambda done, total: tell(done / max(total, 1), reader.records))


async def _wait_for_workers(
    reader: TopicReader, tables: Tables, timeout_s: float
) -> dict[Position, int]:
    """Return the positions in ClickHouse when they have reached all that was read."""
    wanted = reader.next_offsets
    total = sum(wanted.values())
    last, moved_s = -1, time.monotonic()
    with show_progress("wait for the workers", max(total, 1)) as tell:
        while True:
            positions = tables.positions()
            behind = [tp for tp, end in wanted.items() if positions.get(tp, 0) < end]
            done = sum(min(positions.get(tp, 0), end) for tp, end in wanted.items())
            tell(done, done)
            if not behind:
                return positions
            if done != last:
                last, moved_s = done, time.monotonic()
            elif time.monotonic() - moved_s > timeout_s:
                topic, partition = behind[0]
                raise Unavailable(
                    f"{topic} partition {partition} is counted up to offset "
                    f"{positions.get(behind[0], 0)} of {wanted[behind[0]]} and nothing moved for "
                    f"{timeout_s:.0f} s: is a worker running?"
                )
            await asyncio.sleep(POLL_S)


def _are_beyond(positions: dict[Position, int], reader: TopicReader) -> bool:
    """Tell whether ClickHouse shows messages that were not read yet."""
    return any(positions.get(tp, 0) > end for tp, end in reader.ends.items())


def _recount(
    archives: list[Archive], records: int, rules: Rules, args: argparse.Namespace
) -> Expected:
    with show_progress("recount", max(records, 1)) as tell:
        return recount_archives(
            archives, rules, processes=args.processes, tell=lambda done: tell(done, done)
        )


def _watched(view: str, expected: int, rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows of a view, with progress."""
    with show_progress(f"compare {view}", max(expected, 1), "rows") as tell:
        for number, row in enumerate(rows, start=1):
            yield row
            if number % TELL_EVERY_ROWS == 0:
                tell(number, number)
