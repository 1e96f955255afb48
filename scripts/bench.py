"""Measures the pipeline on one core: Kafka to visible in ClickHouse, against stock Faust.

It fills the topics of an empty broker with generated events and lets four programs read them, each
pinned to one core while broker and ClickHouse run on the others: the worker as it is, the worker
without checkpoints and commits, stock Faust with one windowed count per event, and a bare consumer
that keeps nothing. They take turns, round after round.

After every run of the worker, outside of what is timed, all public views are compared with the
independent recount of the topics, cell by cell; one wrong cell and the bench fails (exit code 1).

On a machine that others use, trust the CPU time per event before the events per second, and both
only as far as the printed load average and the speed of a plain loop allow.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from schemas.rates import load_rates
from scripts.benchmarks import full_path, report
from scripts.benchmarks.chart import svg
from scripts.benchmarks.child import measure_child
from scripts.benchmarks.cores import Cores, on, share_out
from scripts.benchmarks.full_path import Job, measure_full_path
from scripts.benchmarks.machine import load_average, loop_ns, machine
from scripts.benchmarks.measured import Result
from scripts.benchmarks.report import Run
from scripts.benchmarks.source import Source, default_broker, fill, open_broker, recount_source
from scripts.benchmarks.verify import Checked, checker
from streams.config import Settings, load_settings

HELP = "measure the pipeline on one core, against stock Faust"
EXAMPLES = """\
Examples:
  engage bench                                           two million events, two rounds, minutes
  engage bench --quick --kafka embedded                  does it run at all: figures mean little
  engage bench --output bench.json --chart bench.svg
"""
EVENTS_DEFAULT, EVENTS_QUICK, EVENTS_MIN = 2_000_000, 25_000, 20_000
ROUNDS_DEFAULT, ROUNDS_MAX = 2, 20
MINUTES = 10.0  # of event time, however many events
STOCK_EVENTS, STOCK_EVENTS_QUICK = 75_000, 5_000  # the first fifth warms up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--events", metavar="N", type=int, help=f"how many to send (default {EVENTS_DEFAULT})"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=7, help="default %(default)s")
    parser.add_argument(
        "--kafka",
        metavar="local|embedded|HOST:PORT",
        help="a real Kafka started for this (default where Java is), the embedded broker, or an "
        "empty one of yours",
    )
    parser.add_argument(
        "--rates", metavar="FILE", help="dated rates (default: those of ENGAGE_RATES, else ours)"
    )
    parser.add_argument("--rounds", metavar="R", type=int, help=f"default {ROUNDS_DEFAULT}")
    parser.add_argument("--quick", action="store_true", help="few events, one round")
    parser.add_argument("--output", metavar="FILE.json", type=Path, help="everything measured")
    parser.add_argument("--chart", metavar="FILE.svg", type=Path, help="a bar for each path")


def run(args: argparse.Namespace) -> int:
    """Measure, print the table and write the files."""
    events = args.events or (EVENTS_QUICK if args.quick else EVENTS_DEFAULT)
    rounds = args.rounds or (1 if args.quick else ROUNDS_DEFAULT)
    if events < EVENTS_MIN:
        raise ConfigError(f"--events {events}: at least {EVENTS_MIN:,}, fewer cannot be measured")
    if not 1 <= rounds <= ROUNDS_MAX:
        raise ConfigError(f"--rounds {rounds}: must be from 1 to {ROUNDS_MAX}")
    rates = load_settings().with_(rates=args.rates).rates
    load_rates(rates or None)  # before anything is started
    stock_events = STOCK_EVENTS_QUICK if args.quick else STOCK_EVENTS
    choice, reason = (args.kafka, "") if args.kafka else default_broker()
    cores, checked = share_out(), Checked()
    with (
        tempfile.TemporaryDirectory(prefix="engage-bench-") as scratch,
        open_broker(choice, cores) as (settings, broker),
    ):
        settings = settings.with_(rates=rates)
        source = fill(settings, broker, events=events, seed=args.seed, minutes=MINUTES)
        jobs = _jobs(source, cores, checked, min(stock_events, source.counted_in_engagement))
        runs = _measure(jobs, rounds, cores, Path(scratch))
    content = report.as_content(
        machine(),
        _source(source, args.seed),
        runs,
        _caveats(cores, runs, checked, reason),
    )
    print(report.as_markdown(content, runs))
    _write(args, content, runs)
    return 0


Measure = Callable[[Path, int], Result]


def _jobs(source: Source, cores: Cores, checked: Checked, stock_events: int) -> list[Measure]:
    """Return the four jobs in the order of a round, each with the recount where it has results."""
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as folder:
        expected = recount_source(source, Path(folder), processes=len(cores.measured | cores.rest))
    check: Callable[[str, Settings], None] = checker(source, expected, checked)
    kafka = source.settings.kafka

    def worker(name: str, module: str) -> Measure:
        def measure(folder: Path, number: int) -> Result:
            job = Job(name, module, f"bench-{name.replace(' ', '-')}-{number}")
            return measure_full_path(source, job, cores, folder, check)

        return measure

    def child(name: str, after: str, module: str, events: int) -> Measure:
        return lambda folder, _: measure_child(name, after, module, kafka, events, cores, folder)

    return [
        worker(report.EXACT, full_path.EXACT),
        worker(report.INEXACT, full_path.INEXACT),
        child(report.STOCK, "counted", "scripts.benchmarks.stock_faust", stock_events),
        child(report.FLOOR, "counted", "scripts.benchmarks.floor", source.counted_in_engagement),
    ]


def _measure(jobs: list[Measure], rounds: int, cores: Cores, scratch: Path) -> list[Run]:
    """Let the jobs take turns; what a run leaves on the disk goes with it."""
    runs: list[Run] = []
    for number in range(1, rounds + 1):
        for job in jobs:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                load = load_average()
                with on(cores.measured):
                    speed_ns = loop_ns()
                runs.append(Run(number, load, speed_ns, job(Path(folder), number)))
            _tell(runs[-1])
    return runs


def _tell(done: Run) -> None:
    steady = done.result.steady
    print(
        f"round {done.round}: {done.result.job}: {steady.events_per_s:,.0f} events/s, "
        f"{steady.cpu_us_per_event:.2f} us CPU per event",
        file=sys.stderr,
        flush=True,
    )


def _source(source: Source, seed: int) -> dict[str, Any]:
    return {
        "broker": source.broker,
        "messages": source.messages,
        "in_engagement_topic": source.counted_in_engagement,
        "bytes_per_event": source.bytes_per_event,
        "minutes_of_event_time": MINUTES,
        "seed": seed,
    }


def _caveats(cores: Cores, runs: list[Run], checked: Checked, reason: str) -> list[str]:
    loads = [run.load_average_1m for run in runs]
    loops = [run.loop_ns for run in runs]
    caveats = [
        "events/s and CPU are of the steady part, after the first fifth of the events; the whole "
        "run also has start-up and joining the group in it. Medians of the runs.",
        f"load average before the runs: {min(loads):.1f} to {max(loads):.1f}. CPU time per event is "
        "the figure to trust where a machine is shared, but it grows too when neighbours share caches "
        f"and pipelines: one turn of a plain Python loop took {min(loops):.0f} to {max(loops):.0f} ns "
        "of CPU on the measured core.",
        f"checked outside the timed part: {checked.cells:,} cells of the public views after "
        f"{checked.runs} runs against the independent recount of the topics, no difference.",
        f"generated events, none of them broken, over {MINUTES:.0f} min of event time; stock Faust "
        "reads the first of them only, and only counts; the bare consumer neither checks nor keeps.",
    ]
    if any(run.result.steady == run.result.whole for run in runs):
        caveats.append(
            "too few events: start-up is in the figures, they say that it runs, no more."
        )
    if cores.shared:
        caveats.append("one core for all: broker and ClickHouse took part of the worker's core.")
    if reason:
        caveats.append(f"the embedded broker, for {reason}")
    return caveats


def _write(args: argparse.Namespace, content: dict[str, Any], runs: list[Run]) -> None:
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(content, indent=2) + "\n")
    if args.chart:
        of = content["machine"]
        footer = f"{of['cpu']}; {content['source']['broker']}; commit {report.short(of['commit'])}"
        args.chart.parent.mkdir(parents=True, exist_ok=True)
        args.chart.write_text(svg(list(report.summaries(runs).values()), footer))
