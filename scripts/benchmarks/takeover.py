"""Take-over: from the death of one of two workers to the other's first rows of its partitions.

    python -m scripts.benchmarks.takeover --session 6 10 --repeat 5 --json takeover.json

A steady load comes in all the time. A partition counts as taken over when its row in `partitions`
shows a newer position; the victim's rows that were on their way when it died are waited for first.
The resolution is about a tenth of a second. With `--restart-after` a new worker is started so many
seconds after the death, as a supervisor does, and whoever comes first counts.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from schemas.errors import Unavailable
from scripts.benchmarks.tables import markdown, write_json
from scripts.benchmarks.two_workers import TICK_S, Place, TwoWorkers, Worker
from scripts.progress import ProgressUpdate, show_progress
from streams.config import load_settings

IN_FLIGHT_S = 1.0
TAKEOVER_S_MAX = 120.0
AFTERWARDS_S = 3.0


@dataclass(slots=True)
class Takeover:
    """One death. All times are seconds since it."""

    session_s: int
    ready_s: float = 0.0  # the last of the victim's partitions has its state at the new owner
    visible_s: dict[str, float] = field(default_factory=dict)  # by partition
    survivor_pause_s: float = 0.0  # longest time without a newer row of its own partitions
    unwatched_s: float = 0.0  # longest time between two looks: more than one says, measure again


class Watch:
    """Follows positions from a death on."""

    def __init__(self, rig: TwoWorkers, victim: Worker, session_s: int) -> None:
        self._rig = rig
        self._lost = victim.owned()
        self._kept = {place for w in rig.workers if w is not victim for place in w.owned()}
        self._died_s = time.monotonic()
        self._moved_s: dict[Place, float] = {}
        self._last: dict[Place, int] = {}
        self._looked_s = 0.0
        self.result = Takeover(session_s)

    def begin(self) -> None:
        """Let the victim's last rows arrive; what is newer after that is not the victim's."""
        time.sleep(IN_FLIGHT_S)
        self._last = self._rig.positions()
        self._looked_s = self._elapsed_s()
        self._moved_s = dict.fromkeys(self._kept, self._looked_s)

    def look(self) -> bool:
        """Note what moved; return whether all partitions of the victim did."""
        now, at_s = self._rig.positions(), self._elapsed_s()
        unwatched_s = max(at_s - self._looked_s, self.result.unwatched_s)
        self.result.unwatched_s, self._looked_s = round(unwatched_s, 2), at_s
        for place in self._lost:
            name = f"{place[0]}-{place[1]}"
            if now.get(place, 0) > self._last.get(place, 0):
                self.result.visible_s.setdefault(name, round(at_s, 2))
        for place in self._kept:
            if now.get(place, 0) > self._last.get(place, 0):
                pause_s = at_s - self._moved_s[place]
                self._last[place], self._moved_s[place] = now[place], at_s
                pause_s = max(pause_s, self.result.survivor_pause_s)
                self.result.survivor_pause_s = round(pause_s, 2)
        owned = {place for worker in self._rig.workers for place in worker.owned()}
        if not self.result.ready_s and owned >= self._lost:
            self.result.ready_s = round(at_s, 2)
        if at_s > TAKEOVER_S_MAX:
            raise Unavailable(f"not taken over within {TAKEOVER_S_MAX:.0f} s: {self.result}")
        self._rig.check()
        return len(self.result.visible_s) == len(self._lost)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._died_s


def one_death(
    rig: TwoWorkers, rng: Random, session_s: int, how: signal.Signals, restart_after_s: float | None
) -> Takeover:
    """End one of two workers at a random moment and wait for what follows; two live afterwards."""
    rig.settle()
    time.sleep(rng.uniform(2.0, 5.0))
    victim = rng.choice(rig.workers)
    watch = Watch(rig, victim, session_s)
    rig.end(victim, how)
    if restart_after_s is not None:
        time.sleep(restart_after_s)
        rig.start_worker()
    watch.begin()
    while not watch.look():
        time.sleep(TICK_S)
    until_s = time.monotonic() + AFTERWARDS_S
    while time.monotonic() < until_s:
        watch.look()
        time.sleep(TICK_S)
    if restart_after_s is None:
        rig.start_worker()
    return watch.result


def measure(args: argparse.Namespace, session_s: int, tell: ProgressUpdate) -> list[Takeover]:
    """Measure one session timeout, on a Kafka and a ClickHouse of its own."""
    rng = Random(f"{args.seed}/{session_s}")
    settings = load_settings().with_(session_timeout_s=session_s)
    how = signal.SIGTERM if args.gently else signal.SIGKILL
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="engage-takeover-") as folder,
        TwoWorkers(settings, Path(folder), rate=args.rate, before=args.before) as rig,
    ):
        for number in range(args.repeat):
            found.append(one_death(rig, rng, session_s, how, args.restart_after))
            tell(number + 1, number + 1)
    return found


def report(found: Iterable[Takeover]) -> str:
    """Return the table: each session timeout a row, times in seconds."""
    titles = ["session timeout s", "deaths", "partitions", "first row min", "median", "max"]
    titles += ["ready, median", "survivor's pause, median", "max", "unwatched, max"]
    rows = []
    by_session: dict[int, list[Takeover]] = {}
    for one in found:
        by_session.setdefault(one.session_s, []).append(one)
    for session_s, ones in by_session.items():
        visible = [at_s for one in ones for at_s in one.visible_s.values()]
        pauses = [one.survivor_pause_s for one in ones]
        times = (min(visible), statistics.median(visible), max(visible))
        ready = statistics.median(one.ready_s for one in ones)
        unwatched_s = max(one.unwatched_s for one in ones)
        last = (ready, statistics.median(pauses), max(pauses), unwatched_s)
        rows.append((session_s, len(ones), len(visible), *times, *last))
    return markdown(titles, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session", type=int, nargs="+", default=[6, 10], metavar="S")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rate", type=float, default=400.0, help="events per second")
    parser.add_argument("--before", type=int, default=20_000, help="events counted beforehand")
    parser.add_argument("--restart-after", type=float, metavar="S")
    parser.add_argument("--gently", action="store_true", help="SIGTERM instead of SIGKILL")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    found: list[Takeover] = []
    for session_s in args.session:
        with show_progress(f"session {session_s} s", args.repeat) as tell:
            found += measure(args, session_s, tell)
    print(report(found))
    if args.json:
        content = {name: str(value) for name, value in vars(args).items()}
        write_json(args.json, {"options": content, "deaths": [asdict(one) for one in found]})


if __name__ == "__main__":
    main()
