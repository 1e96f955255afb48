"""Makes a realistic log of events from a seed: into a file, or onto Kafka at a rate.

Into a file (--output): the same options always give the same bytes. Popularity, hours of the
day, watch times, likes and what is taken back follow figures of real short-video logs; every
event type occurs, with duplicates, late, broken and unknown messages at the stated shares.

Onto Kafka (--kafka): an endless stream of the same world for load tests. Every record's send time
is fixed beforehand by --rate; the rate offered and the rate achieved are reported.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from scripts.compression import open_output
from scripts.generator.figures import HOUR_MS
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import START_MS, Spec, generate
from scripts.generator.offer import OfferReport, Plan, offer
from scripts.progress import show_progress
from streams.config import load_settings

HELP = "Make a realistic log from a seed, or load on Kafka at a rate"
EXAMPLES = """\
Examples:
  engage generate --output day.jsonl.zst
  engage generate --seed 11 --events 1000000 --hours 72 --output big.jsonl.gz
  engage generate --kafka 127.0.0.1:9092 --rate 50000 --duration 60
"""
_SHARES = ("duplicates", "late", "broken", "unknown")
_SIZES = ("users", "videos", "creators")
_HELD = 0.97  # the last records are on their way when their time is over
_WRITTEN_AT_ONCE = 10_000
_DEFAULT = Spec()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `engage generate`."""
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--output", metavar="FILE", type=Path, help="a log: .jsonl, .jsonl.gz, .zst"
    )
    target.add_argument("--kafka", metavar="HOST:PORT[,...]", help="send it to this Kafka")
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed, help="default %(default)s")
    parser.add_argument(
        "--events",
        metavar="N",
        type=int,
        help=f"messages in all; default {_DEFAULT.events:,} for a file, no end for Kafka",
    )
    parser.add_argument(
        "--start",
        metavar="ISO",
        type=_time_ms,
        help=f"time of the first event, UTC; default {_text(START_MS)} for a file, now for Kafka",
    )
    parser.add_argument(
        "--hours", type=float, help=f"time the log spans; default {_DEFAULT.hours:g}"
    )
    for name in _SIZES:
        parser.add_argument(f"--{name}", metavar="N", type=int, help="default: by --events")
    for name in _SHARES:
        share = getattr(_DEFAULT, name)
        parser.add_argument(f"--{name}", metavar="SHARE", type=float, help=f"default {share:g}")
    load = parser.add_argument_group("onto Kafka")
    load.add_argument(
        "--rate", metavar="R", type=float, help="events per second; default: all it takes"
    )
    load.add_argument("--duration", metavar="S", type=float, help="seconds; default: no end")
    load.add_argument(
        "--plain", action="store_true", help="no idempotent producer: for the embedded broker"
    )


def run(args: argparse.Namespace) -> int:
    """Generate what the command line asks for."""
    return _to_file(args) if args.output else _to_kafka(args)


def _to_file(args: argparse.Namespace) -> int:
    if args.rate is not None or args.duration is not None:
        raise ConfigError("--rate and --duration go with --kafka, not with --output")
    names = ("seed", "events", "hours", *_SIZES, *_SHARES)
    spec = replace(_DEFAULT, **_given(args, names))
    if args.start is not None:
        spec = replace(spec, start_ms=args.start)
    if spec.end_ms > time.time_ns() // 1_000_000:
        raise ConfigError(
            f"--start {_text(spec.start_ms)} --hours {spec.hours:g} ends in the future: events "
            "ahead of their time are refused"
        )
    started_s = time.monotonic()
    with show_progress("generate", spec.events) as update:
        messages = generate(spec, lambda made: update(made, made))
    label = f"write {args.output.name}"
    with show_progress(label, len(messages)) as update, open_output(args.output) as file:
        for first in range(0, len(messages), _WRITTEN_AT_ONCE):
            part = messages[first : first + _WRITTEN_AT_ONCE]
            file.write(b"".join(message.value + b"\n" for message in part))
            update(first + len(part), first + len(part))
    seconds = time.monotonic() - started_s
    size_mb = args.output.stat().st_size / 1e6
    print(
        f"{len(messages):,} messages from {_text(spec.start_ms)} to {_text(spec.end_ms)}, seed "
        f"{spec.seed}: {args.output}, {size_mb:.2f} MB in {seconds:.1f} s"
    )
    return 0


def _to_kafka(args: argparse.Namespace) -> int:
    if args.rate is not None and not 0 < args.rate <= 1e8:
        raise ConfigError(f"--rate {args.rate:g}: must be above 0")
    if args.hours is not None and (args.events is None or args.rate is not None):
        raise ConfigError("--hours goes with --events and without --rate: it spreads event times")
    settings = load_settings()
    run_name = "" if args.start is not None else f".{time.time_ns() // 1_000_000:x}"
    names = ("seed", *_SIZES, *_SHARES)
    model = LoadModel(replace(LoadSpec(run=run_name), **_given(args, names)))
    plan = Plan(
        rate=args.rate,
        events=args.events,
        duration_s=args.duration,
        start_ms=args.start,
        span_ms=None if args.hours is None else int(args.hours * HOUR_MS),
    )
    idempotent = settings.transactions and not args.plain
    report = asyncio.run(_offer(model, args.kafka, plan, idempotent=idempotent))
    print(_report_text(report))
    return 0


async def _offer(model: LoadModel, kafka: str, plan: Plan, *, idempotent: bool) -> OfferReport:
    by_time = plan.events is None
    total = plan.duration_s if by_time else plan.events
    with show_progress("generate", total) as update:
        return await offer(
            model,
            kafka,
            plan,
            idempotent=idempotent,
            progress=lambda made, seconds: update(seconds if by_time else made, made),
        )


def _report_text(report: OfferReport) -> str:
    done = f"{report.sent:,} events in {report.seconds:.1f} s: {report.rate:,.0f}/s"
    if report.offered_rate is None:
        return done
    held = "held" if report.rate >= report.offered_rate * _HELD else "NOT held"
    return (
        f"{done} of {report.offered_rate:,.0f}/s offered ({held}), at most "
        f"{report.behind_s_max * 1000:,.0f} ms behind"
    )


def _given(args: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _time_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: write 2025-03-10T00:00") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _text(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
