"""Raises the offered rate in steps until the backlog grows, then kills a worker, and tells what it saw.

Every event has its time before anything is sent, and how long it took counts from that time: when the
sender or Kafka falls behind, the waiting is in the figures. A rate is sustainable when the backlog
does not grow over the second half of its step and the sender kept its schedule; a rate that could not
be offered is said to be that. Seen is seen in ClickHouse, by looks 50 ms apart.

Broker, ClickHouse and workers are started for this in a folder of their own; with --kafka and
--clickhouse the workers run against those servers and count the made-up events there: give it servers
without other data. The profiles make one thing hard each:
even; skew (twenty videos take all); disorder (a fifth comes minutes late); duplicates (a fifth are
copies); bursts (a celebrity's post every ten seconds, a live with 100,000 gifts).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from schemas.errors import ConfigError
from scripts.benchmarks.machine import machine
from scripts.kafka_local import KafkaCluster, kafka_version
from scripts.loadtest.plot import svg
from scripts.loadtest.profiles import PROFILES
from scripts.loadtest.report import Found, as_markdown, recovery_line
from scripts.loadtest.steps import Recovery, Runner, Step
from scripts.options import clickhouse_option, processes_option
from scripts.progress import show_progress
from scripts.stack import Stack
from streams.config import Settings, load_settings

HELP = "find the rate that is kept up with, and what a killed worker costs"
EXAMPLES = """\
Examples:
  engage load-test                                        the embedded stack, some minutes
  engage load-test --kafka local --processes 2 --output report
  engage load-test --profile bursts --from 5000 --to 5000 --step-s 60
"""
FROM_DEFAULT, TO_DEFAULT, STEP_S_DEFAULT = 2_000, 500_000, 20.0
FACTOR = 1.5
REFINEMENTS = 2
RECOVERY_SHARE, RECOVERY_STEPS = 0.5, 9.0  # of the sustainable rate; times as long as a step
STEP_S_MIN = 3.0
WARM_UP_RATE = 2_000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--profile", choices=PROFILES, default="even", help="default %(default)s")
    parser.add_argument(
        "--from",
        dest="first",
        metavar="RATE",
        type=_rate,
        default=FROM_DEFAULT,
        help="events per second of the first step (default %(default)s)",
    )
    parser.add_argument(
        "--to",
        dest="last",
        metavar="RATE",
        type=_rate,
        default=TO_DEFAULT,
        help="of the last one at most (default %(default)s)",
    )
    parser.add_argument(
        "--step-s",
        metavar="S",
        type=float,
        default=STEP_S_DEFAULT,
        help="seconds of a step (default %(default)s)",
    )
    processes_option(parser)
    parser.add_argument(
        "--kafka",
        metavar="embedded|local|HOST:PORT",
        default="embedded",
        help="the embedded broker (default), a real Kafka started for this, or one of yours",
    )
    clickhouse_option(parser, note="default: the embedded ClickHouse")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="write load_test.md, .json and .svg here"
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    if args.step_s < STEP_S_MIN:
        raise ConfigError(f"--step-s {args.step_s:g}: at least {STEP_S_MIN:g}")
    if args.last < args.first:
        raise ConfigError("--to is below --from")
    with (
        tempfile.TemporaryDirectory(prefix="engage-load-") as folder,
        _stack(args, Path(folder)) as (stack, servers),
    ):
        runner = Runner(stack, args.profile, Path(folder))
        with show_progress("warm up", 1.0) as tell:  # workers join their group meanwhile
            runner.step(min(args.first, WARM_UP_RATE), STEP_S_MIN, lambda share: tell(share, 0))
        steps = list(_ramp(runner, args.first, args.last, args.step_s))
        recovery = _recovery(runner, steps, args.step_s)
        stack.stop_workers()
    found = Found(args.profile, args.processes, servers, args.step_s, steps, recovery, machine())
    print(as_markdown(found))
    if args.output is not None:
        write(found, args.output)
    return 0


def write(found: Found, folder: Path) -> None:
    """Write the report's files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load_test.md").write_text(as_markdown(found))
    (folder / "load_test.json").write_text(json.dumps(found.as_json(), indent=2) + "\n")
    (folder / "load_test.svg").write_text(svg(found))


def _ramp(runner: Runner, first: float, last: float, step_s: float) -> Iterator[Step]:
    """Yield steps: up until one is not sustained or offered, then between the last two."""
    rate, kept, broken = first, 0.0, 0.0
    while not broken:
        step = _shown(runner, rate, step_s)
        yield step
        if step.sustained:
            kept = rate
            if rate >= last:
                return
            rate = min(rate * FACTOR, last)
        else:
            broken = rate
    for _ in range(REFINEMENTS if kept else 0):
        step = _shown(runner, round((kept * broken) ** 0.5), step_s)
        yield step
        kept, broken = (step.rate, broken) if step.sustained else (kept, step.rate)


def _shown(runner: Runner, rate: float, step_s: float) -> Step:
    with show_progress(f"{rate:,.0f}/s", 1.0) as tell:
        step = runner.step(rate, step_s, lambda share: tell(share, round(share * rate * step_s)))
    verdict = "kept up" if step.sustained else "backlog grows" if step.offered else "not offered"
    print(
        f"{rate:>10,.0f}/s  {verdict:<14} p50 {step.p50_ms:,.0f} ms, p95 {step.p95_ms:,.0f} ms, "
        f"p99 {step.p99_ms:,.0f} ms",
        flush=True,
    )
    return step


def _recovery(runner: Runner, steps: list[Step], step_s: float) -> Recovery | None:
    kept = [step.rate for step in steps if step.sustained]
    if not kept:
        return None
    rate = round(max(kept) * RECOVERY_SHARE)
    duration_s = step_s * RECOVERY_STEPS
    with show_progress(f"kill -9 at {rate:,}/s", 1.0) as tell:
        recovery = runner.recovery(
            rate, duration_s, lambda share: tell(share, round(share * rate * duration_s))
        )
    print(recovery_line(recovery), flush=True)
    return recovery


@contextmanager
def _stack(args: argparse.Namespace, folder: Path) -> Iterator[tuple[Stack, str]]:
    settings: Settings = load_settings()
    with ExitStack() as started:
        address: str | None = None
        if args.kafka == "local":
            cluster = started.enter_context(KafkaCluster(heap_mb=1_024, measured=True))
            address, servers = cluster.address, f"Apache Kafka {kafka_version()}, local"
        elif args.kafka == "embedded":
            servers = "embedded broker"
        else:
            address, servers = args.kafka, f"Kafka at {args.kafka}"
        servers += ", embedded ClickHouse" if args.clickhouse is None else ", ClickHouse server"
        stack = started.enter_context(
            Stack(
                folder / "results",
                settings,
                processes=args.processes,
                kafka=address,
                clickhouse=args.clickhouse,
            )
        )
        yield stack, servers


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no number") from error
    if not 1 <= rate <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to 10,000,000 events per second")
    return rate
