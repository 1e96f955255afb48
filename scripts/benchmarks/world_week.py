"""A virtual week of 20,000 people through the real pipeline: how long it takes, and what takes it.

    python -m scripts.benchmarks.world_week --output docs/bench/world_week.md

One world without a treatment, played as `engage experiment` plays it, on the embedded stack, from an empty
folder to the settled ledger. Exit code 1: it took longer than promised.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from scripts.benchmarks.cores import cpu_s, peak_rss_mb
from scripts.benchmarks.machine import load_average, machine
from scripts.benchmarks.tables import markdown
from scripts.progress import ProgressUpdate, show_progress
from scripts.world.assumptions import CONTROL, Assumptions
from scripts.world.sitting import Played, plan, play
from scripts.world.weights import world_weights

SECONDS_MAX = 600.0  # the bound: ten minutes on two cores
_LOOK_EVERY_S = 2.0
_ROLES = {"streams.worker": "worker", "sinks.embedded": "ClickHouse", "broker": "broker"}


class Parts:
    """CPU time and memory of this process and those it has started, as of the last look."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}  # role: CPU seconds, peak MB
        self._looked_s = 0.0

    def watching(self, tell: ProgressUpdate) -> ProgressUpdate:
        """Return a `tell` that looks now and then."""

        def told(done: float, events: int) -> None:
            tell(done, events)
            if time.monotonic() - self._looked_s > _LOOK_EVERY_S:
                self._looked_s = time.monotonic()
                self._look()

        return told

    def _look(self) -> None:
        self.found["world"] = cpu_s(os.getpid()), peak_rss_mb(os.getpid())
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        for pid in map(int, children):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                role = next((name for word, name in _ROLES.items() if word in words), None)
                if role is not None:
                    self.found[role] = cpu_s(pid), peak_rss_mb(pid)


def main() -> int:
    """Play the week and write down what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--creators", type=int, default=800)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", metavar="FILE.md", type=Path)
    args = parser.parse_args()
    assumed = replace(Assumptions(), users=args.users, creators=args.creators, days=args.days)
    parts, load_before, started_s = Parts(), load_average(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="engage-world-") as folder:
        planned = plan([args.seed], (CONTROL,), assumed, world_weights())
        with show_progress("play a week", planned.minutes) as tell:
            played = play(Path(folder) / "world", planned, parts.watching(tell))
    seconds = time.monotonic() - started_s
    text = report_of(assumed, args.seed, played, seconds, parts, load_before)
    print(text)
    if args.output:
        args.output.write_text(text)
    return 0 if seconds <= SECONDS_MAX else 1


def report_of(
    assumed: Assumptions, seed: int, played: Played, seconds: float, parts: Parts, load: float
) -> str:
    """Return the Markdown of a week that took some seconds; `load` is the load average before it."""
    where = machine()
    rest_s = seconds - played.told_s - played.waited_s
    whole = [
        ("people, creators", f"{assumed.users:,}, {assumed.creators:,}"),
        ("virtual days", f"{assumed.days} (seed {seed})"),
        ("events", f"{played.messages:,}"),
        ("ledger entries", f"{sum(played.entries.values()):,}"),
        ("time", f"{seconds:.0f} s (promised: {SECONDS_MAX:.0f} s)"),
        ("events/s", f"{played.messages / seconds:,.0f}"),
        ("of the time, the world made up what happens", f"{played.told_s:.0f} s"),
        ("it waited until that was counted", f"{played.waited_s:.0f} s"),
        ("start, sending, reading decisions and trends, settlement", f"{rest_s:.0f} s"),
    ]
    processes = [
        (role, f"{cpu:.0f}", f"{peak_mb:,.0f}") for role, (cpu, peak_mb) in parts.found.items()
    ]
    return "\n\n".join(
        (
            "One simulated world without a treatment, as `engage experiment` plays it; made by "
            "`python -m scripts.benchmarks.world_week`. What the world waits for is latency: of a chunk of 5 "
            "virtual minutes it must see the decisions before it tells the chunk after next.",
            markdown(("the week", "value"), whole),
            markdown(("process", "CPU s", "peak MB"), processes),
            f"measured_at: {where['measured_at']}, cpu: {where['cpu']}, cores: {where['cores']}, "
            f"python: {where['python']}, commit: {where['commit']}, "
            f"load average before and after: {load} and {load_average()}\n",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
