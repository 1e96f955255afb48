"""Counts a log from start to end on the embedded stack and keeps the results in a folder.

Starts broker, ClickHouse and workers, replays the log, waits until every message is visible in
ClickHouse, settles the days that are over, and stops everything. Exit code 0 says exactly that.
Query the folder afterwards with `engage sql QUERY --data DIR`, check it with `engage audit --data DIR`.
A folder that already holds results is refused: nothing is ever counted twice.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from scripts.interrupts import run_async
from scripts.logs import ARRIVALS, FORMATS, Log, open_log
from scripts.options import clickhouse_option, data_option, kafka_option, processes_option
from scripts.progress import show_progress
from scripts.replay import ReplayReport, replay
from scripts.settle import settle_closed_days
from scripts.settlement.texts import refusal_line
from scripts.stack import Stack, refuse_used
from scripts.trends import find_bursts
from streams.agents import rules_of
from streams.config import Settings, load_settings

HELP = "count a log from start to end, keep the results in a folder"
EXAMPLES = """\
Examples:
  engage run --input events.jsonl.zst --data ./results
  engage run --input log.csv.gz --format kuairand --arrival log-hour --data ./real
  engage sql 'SELECT * FROM earnings_daily ORDER BY day' --data ./results
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--input",
        metavar="LOG",
        action="append",
        required=True,
        help="JSONL (also .gz, .zst), Parquet or KuaiRand CSV; given again, logs follow one another",
    )
    data_option(parser, required=True, note="must be new")
    add_log_arguments(parser)
    kafka_option(parser, note="default: the embedded broker")
    clickhouse_option(parser, note="default: the embedded ClickHouse")


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options about the log and the workers."""
    parser.add_argument("--format", choices=FORMATS, default="auto", help="default: look at it")
    parser.add_argument(
        "--arrival",
        choices=ARRIVALS,
        default="file",
        help="order of a KuaiRand log: as in the file, or by the hour each row was logged in",
    )
    processes_option(parser)
    parser.add_argument("--rates", metavar="FILE", help="dated rates (default: schemas/rates.toml)")
    parser.add_argument("--weights", metavar="FILE", help="dated score weights")


def run(args: argparse.Namespace) -> int:
    """Run the whole job once."""
    logs = [open_log(path, args.format, args.arrival) for path in args.input]
    settings = settings_of(args)
    refuse_used(args.data)
    started_s = time.monotonic()
    with Stack(
        args.data,
        settings,
        processes=args.processes,
        kafka=args.kafka,
        clickhouse=args.clickhouse,
    ) as stack:
        sent = sum(feed(stack, log).sent for log in logs)
        drain(stack)
        settle(stack)
        find_bursts(stack.client, stack.settings)
        stack.finish()
    seconds = time.monotonic() - started_s
    print(f"{sent:,} messages counted in {seconds:.1f} s; results in {args.data}", file=sys.stderr)
    return 0


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings with the flags applied; wrong rates or weights end here."""
    settings = load_settings().with_(rates=_absolute(args.rates), weights=_absolute(args.weights))
    rules_of(settings)
    return settings


def feed(stack: Stack, log: Log) -> ReplayReport:
    """Replay one log into the stack, with progress."""
    with show_progress(f"replay {log.path.name}", log.total) as tell:
        report = run_async(
            replay(
                log.records(),
                stack.settings.kafka,
                idempotent=stack.settings.transactions,
                progress=lambda events: tell(log.done, events),
            )
        )
        tell(log.total, report.sent)
    if report.refused:
        print(
            f"warning: {len(report.refused)} messages are larger than the broker takes, "
            f"for example number {report.refused[0]}",
            file=sys.stderr,
        )
    return report


def drain(stack: Stack) -> None:
    """Wait until everything is visible, with progress."""
    with show_progress("count", 1.0) as tell:
        stack.wait_until_drained(
            lambda progress: tell(progress.done / max(progress.total, 1), progress.done)
        )


def settle(stack: Stack) -> None:
    """Settle every day that is over in event time; what cannot be computed is said."""
    for refusal in settle_closed_days(stack.client, stack.settings).refusals:
        print(f"warning: not settled: {refusal_line(refusal)}", file=sys.stderr)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())
