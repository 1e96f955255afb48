"""Asks what a like is worth: plays simulated worlds through the real pipeline and compares them.

A world is a small platform: people with tastes, creators, a feed that obeys the pipeline's decisions.
Its events go through Kafka, Faust and ClickHouse in virtual time. Each seed is played with and without
a treatment, with the same luck, so what differs is the treatment's doing. The report says what
was assumed, what changed, and how sure that is. All of it is a simulation.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from schemas.errors import ConfigError
from scripts.benchmarks.machine import machine
from scripts.options import data_option, processes_option
from scripts.progress import show_progress
from scripts.reading import open_results
from scripts.world.answer import answer
from scripts.world.assumptions import Assumptions
from scripts.world.estimates import SEEDS_MIN
from scripts.world.experiments import EXPERIMENTS, Experiment
from scripts.world.findings import findings
from scripts.world.reality import Likeness, likenesses
from scripts.world.report import Report, Section
from scripts.world.sitting import Plan, plan, play
from scripts.world.weights import world_weights
from sinks.client import connect
from streams.config import load_settings

HELP = "ask what a like is worth, in simulated worlds"
EXAMPLES = """\
Examples:
  engage experiment likes likes-without-weight --data ./worlds
  engage experiment all --data ./worlds --seeds 12 --report ./docs/experiments
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    default = Assumptions()
    parser.add_argument(
        "names", nargs="+", choices=(*EXPERIMENTS, "all"), metavar="NAME", help=_names()
    )
    data_option(parser, required=True, note="one folder in it for each experiment; must be new")
    parser.add_argument("--report", metavar="DIR", type=Path, help="default: the data folder")
    parser.add_argument("--seeds", type=int, default=8, help="worlds of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first of them (%(default)s)")
    parser.add_argument("--users", type=int, default=default.users, help="(default %(default)s)")
    parser.add_argument("--creators", type=int, default=default.creators, help="(%(default)s)")
    parser.add_argument("--days", type=int, default=default.days, help="virtual (%(default)s)")
    processes_option(parser)


def run(args: argparse.Namespace) -> int:
    """Play, compare, write the report."""
    if args.seeds < SEEDS_MIN:
        raise ConfigError(f"--seeds {args.seeds}: an interval needs at least {SEEDS_MIN}")
    for name in ("users", "creators", "days"):
        if getattr(args, name) < 1:
            raise ConfigError(f"--{name} {getattr(args, name)}: must be at least 1")
    names = tuple(EXPERIMENTS) if "all" in args.names else tuple(dict.fromkeys(args.names))
    assumed = replace(Assumptions(), users=args.users, creators=args.creators, days=args.days)
    seeds = range(args.seed, args.seed + args.seeds)
    played = [_play(EXPERIMENTS[name], seeds, assumed, args) for name in names]
    sections, (alike, *_) = (list(part) for part in zip(*played, strict=True))
    report = Report(
        sections, assumed, alike, answer(sections), _command(args, names), _where(args.processes)
    )
    folder = args.report or args.data
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(report.as_markdown())
    (folder / "report.html").write_text(report.as_html())
    print(report.answer)
    print(f"the report: {folder / 'report.html'}", file=sys.stderr)
    return 0


def _play(
    experiment: Experiment, seeds: range, assumed: Assumptions, args: argparse.Namespace
) -> tuple[Section, list[Likeness]]:
    weights = world_weights(likes_count=experiment.weights != "no likes")
    planned = plan(seeds, experiment.arms, assumed, weights)
    data = args.data / experiment.name
    started_s = time.monotonic()
    with show_progress(f"play {experiment.name}", planned.minutes) as tell:
        played = play(data, planned, tell, processes=args.processes)
    found = findings(played.outcomes, [one.name for one in experiment.treatments])
    seconds = time.monotonic() - started_s
    section = Section(
        experiment, list(seeds), found, played.messages, seconds, played.ledger_digest
    )
    return section, _compare(data, planned)


def _compare(data: Path, planned: Plan) -> list[Likeness]:
    with open_results(data, None) as url:
        client = connect(url, load_settings().database)
        try:
            return likenesses(client, sum(arm.first_follows for arm in planned.arms))
        finally:
            client.close()


def _names() -> str:
    return "; ".join(f"{one.name}: {one.question}" for one in EXPERIMENTS.values())


def _command(args: argparse.Namespace, names: tuple[str, ...]) -> str:
    return (
        f"./scripts/engage experiment {' '.join(names)} --data DIR --seeds {args.seeds} "
        f"--seed {args.seed} --users {args.users} --creators {args.creators} --days {args.days}"
    )


def _where(processes: int) -> str:
    found = machine()
    return (
        f"{found['cores']} cores of {found['cpu']}, Python {found['python']}, commit "
        f"{found['commit']}, {processes} worker(s), {found['measured_at']}"
    )
