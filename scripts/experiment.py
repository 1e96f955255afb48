"""Asks what a like is worth: plays simulated worlds through the real pipeline and compares them.

A world is a small platform: people with tastes, creators, a feed that obeys the pipeline's decisions.
Its events go through Kafka, Faust and ClickHouse in virtual time. Each seed is played with and without
a treatment, with the same luck, so what differs is the treatment's doing. The report says what
was assumed, what changed, and how sure that is. All of it is a simulation.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from schemas.errors import ConfigError
from scripts.benchmarks.machine import machine
from scripts.options import data_option, processes_option
from scripts.world.answer import answer
from scripts.world.assumptions import Assumptions
from scripts.world.estimates import SEEDS_MIN
from scripts.world.experiments import EXPERIMENTS
from scripts.world.playing import Worlds, play_experiment
from scripts.world.report import Report

HELP = "ask what a like is worth, in simulated worlds"
EXAMPLES = """\
Examples:
  engage experiment likes likes-without-weight --data ./worlds
  engage experiment all --data ./worlds --seeds 12 --report ./docs/experiments
  engage dashboard --data ./worlds/likes        the page Experiments, of what the first has kept
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
    worlds = Worlds(seeds, assumed, args.processes)
    played = [play_experiment(EXPERIMENTS[name], worlds, args.data / name) for name in names]
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


def _names() -> str:
    text = "; ".join(f"{one.name}: {one.question}" for one in EXPERIMENTS.values())
    return text.replace("%", "%%")  # argparse fills in what follows a single one


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
