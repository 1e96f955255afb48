"""The long form of the crash matrix: as many kills as asked for, and a report of what came of them.

    python -m tests.crash --kills 100 --seed 7 --brokers 3 --workers 3 --report docs/reliability

Every round something is killed, paused or ended at a random instant while messages come in; then
everything must be counted, exactly, and the group must know it. The same seed does the same
things; the instants also depend on the machine. Exit code 1: a round was not exact.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.crash import faults, scenarios
from tests.crash.report import Report, Round
from tests.crash.rig import Rig

# How often each happens, in a hundred, and how many kills (or pauses, or ends) it is.
_WEIGHTS: dict[str, tuple[int, int]] = {
    "kill_a_worker": (10, 1),
    "kill_workers": (10, 2),
    "pause_a_worker": (10, 1),
    "end_a_worker": (5, 1),
    "kill_clickhouse": (6, 1),
    "pause_clickhouse": (4, 1),
    "pause_clickhouse_and_kill_a_worker": (4, 2),
    "end_clickhouse": (3, 1),
    "kill_a_broker": (6, 1),
    "pause_a_broker": (4, 1),
    "end_a_broker": (4, 1),
    "exit at steps": (26, 3),
    "pause at a step": (8, 1),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run until there were enough kills, or one too many."""
    args = _parser().parse_args(argv)
    choice = random.Random(args.seed)
    report = Report(args.seed, args.workers, args.brokers)
    with tempfile.TemporaryDirectory(prefix="engage-crash-") as folder:
        rig = Rig(Path(folder), workers=args.workers, seed=args.seed, brokers=args.brokers)
        try:
            while report.kills < args.kills and report.exact:
                report.rounds.append(_round(rig, choice))
                print(report.rounds[-1].line(len(report.rounds)), file=sys.stderr, flush=True)
            report.finish(rig)
        finally:
            report.write(args.report)
            rig.close()
    return 0 if report.exact else 1


def _round(rig: Rig, choice: random.Random) -> Round:
    name, scenario, kills = _choose(choice)
    sent, restarts, started_s = rig.sent, rig.supervisor.restarts, time.monotonic()
    error = ""
    try:
        rig.survive(scenario)
    except AssertionError as failed:
        error = str(failed) or "an assertion failed"
    return Round(
        name,
        kills,
        rig.sent - sent,
        rig.supervisor.restarts - restarts,
        round(time.monotonic() - started_s, 1),
        error,
    )


def _choose(choice: random.Random) -> tuple[str, scenarios.Scenario, int]:
    """Return what happens next, and how many kills it is."""
    (name,) = choice.choices(list(_WEIGHTS), [weight for weight, _ in _WEIGHTS.values()])
    kills = _WEIGHTS[name][1]
    if name == "exit at steps":
        steps = choice.sample(faults.STEPS, kills)
        return f"exit at {', '.join(steps)}", scenarios.die_at(*steps), kills
    if name == "pause at a step":
        step = choice.choice([step for step in faults.STEPS if step not in faults.TAKE_OVER])
        return f"pause at {step}", scenarios.pause_at(step), kills
    scenario: scenarios.Scenario = getattr(scenarios, name)
    return name.replace("_", " "), scenario, kills


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=100, help="at least (default %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="default %(default)s")
    parser.add_argument("--workers", type=int, default=3, help="default %(default)s")
    parser.add_argument("--brokers", type=int, default=1, help="default %(default)s")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write the report here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
