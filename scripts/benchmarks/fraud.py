"""Precision and recall of the fraud rules on bursts injected into a real log, day by day as `engage fraud` does.

    python -m scripts.benchmarks.fraud --log kuairand_log.csv.gz --output docs/bench/fraud

Six kinds of bots, each of users of its own, are put between the log's events from a seed. What is
measured is likes: how many of those found are of bots (precision), how many of the bots' are found
(recall, by kind), and how many of the real viewers' are found (false positives). The floor of every rule
that goes by watching alone is the share of real likes that no second of watching stands behind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from schemas import wire
from schemas.detection import FraudRules
from schemas.weights import load_weights
from scripts.benchmarks.machine import machine
from scripts.benchmarks.tables import markdown
from scripts.fraud import Day, findings_of
from scripts.logs import open_log
from streams.decode import decode_run
from streams.fraud import distrusted, watched_pairs

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
BOT = "bot-"
KINDS = {
    "bare": "bought accounts: 10 to 40 likes each over the week, nothing watched",
    "step": "12 accounts watch and like the same 8 videos within 20 s",
    "farm": "30 accounts of one device watch and like a video within 10 min",
    "fast": "one account likes 400 videos in 2 min, pretending to watch",
    "mole": "4 accounts, 4 unwatched likes each: below every threshold",
}


class Injector:
    """Makes bursts over the videos of a log; each kind is of users of its own."""

    def __init__(self, log: Collection[wire.VideoEvent], rng: Random) -> None:
        self._rng = rng
        self._videos = sorted({(e.video_id, e.creator_id) for e in log})
        times = [e.event_time_ms for e in log]
        self._first, self._last = min(times), max(times)
        self.made: list[dict[str, Any]] = []

    def all(self) -> list[wire.VideoEvent]:
        """Return three bursts of each of the first three kinds, two accounts that are too fast."""
        for number in range(3):
            self._without_watching(f"bare{number}")
            self._in_step(f"step{number}")
            self._device_farm(f"farm{number}")
        self._too_fast("fast0")
        self._too_fast("fast1")
        return self.events()

    def events(self) -> list[wire.VideoEvent]:
        """Return all that was made."""
        return decoded(map(msgspec.json.encode, self.made))

    def quiet(self, name: str) -> None:
        """Four accounts, four likes each, nothing watched."""
        for bot in range(4):
            for video in self._rng.sample(self._videos, 4):
                self._add("like", f"{name}-{bot}", video, self._time())

    def _time(self) -> int:
        return self._rng.randrange(self._first, self._last)

    def _add(self, kind: str, user: str, video: tuple[str, str], at_ms: int, **more: Any) -> None:
        made = {"id": f"{BOT}{user}-{len(self.made)}", "type": kind, "event_time_ms": at_ms}
        made |= {"user_id": user, "video_id": video[0], "creator_id": video[1]}
        if kind == "view":
            made |= {"watch_ms": 6_000, "duration_ms": 90_000, "feed": "for_you"}
        self.made.append(made | more)

    def _without_watching(self, name: str) -> None:
        for bot in range(20):
            for video in self._rng.sample(self._videos, self._rng.randrange(10, 40)):
                self._add("like", f"{name}-{bot}", video, self._time())

    def _in_step(self, name: str) -> None:
        for video in self._rng.sample(self._videos, 8):
            start = self._time()
            for bot in range(12):
                at_ms = start + self._rng.randrange(20_000)
                self._add("view", f"{name}-{bot}", video, at_ms)
                self._add("like", f"{name}-{bot}", video, at_ms)

    def _device_farm(self, name: str) -> None:
        video, start = self._rng.choice(self._videos), self._time()
        for bot in range(30):
            at_ms = start // HOUR_MS * HOUR_MS + self._rng.randrange(10 * MINUTE_MS)
            self._add("view", f"{name}-{bot}", video, at_ms, device_id=name)
            self._add("like", f"{name}-{bot}", video, at_ms, device_id=name)

    def _too_fast(self, name: str) -> None:
        start = self._time()
        for video in self._rng.sample(self._videos, min(400, len(self._videos))):
            at_ms = start + self._rng.randrange(2 * MINUTE_MS)
            self._add("view", name, video, at_ms, watch_ms=1_500)
            self._add("like", name, video, at_ms)


def decoded(lines: Iterable[bytes | None]) -> list[wire.VideoEvent]:
    """Return the video events of a log, each once: the first of its id."""
    events, _ = decode_run(list(lines))
    once = {(e.video_id, e.id): e for e in reversed(events) if isinstance(e, wire.VideoEvent)}
    return list(once.values())


def bare_share(events: Collection[wire.VideoEvent], rules: FraudRules) -> float:
    """Return the share of likes that no second of watching stands behind."""
    likes = [e for e in events if isinstance(e, wire.Like)]
    return len(distrusted(events, watched_pairs(events, rules))) / len(likes)


def found_by_day(events: Iterable[wire.VideoEvent]) -> dict[wire.VideoEvent, str]:
    """Return what `engage fraud` would take back, and by which rule."""
    weights, days = load_weights(), dict[int, Day]()
    for event in events:
        start_ms = event.event_time_ms // DAY_MS * DAY_MS
        days.setdefault(start_ms, Day(start_ms, [], set())).events.append(event)
    return {
        event: finding.rule
        for _, finding in findings_of([days[start_ms] for start_ms in sorted(days)], weights)
        for event in finding.events
    }


def measure(log: Collection[wire.VideoEvent], seed: int) -> dict[str, Any]:
    """Inject, judge every day, and count."""
    injector = Injector(log, Random(f"{seed}/fraud"))
    injector.all()
    for number in range(3):
        injector.quiet(f"mole{number}")
    injected = injector.events()
    found = found_by_day([*log, *injected])
    alone = found_by_day(log)
    likes = [e for e in log if isinstance(e, wire.Like)]
    bots = [e for e in injected if isinstance(e, wire.Like)]
    hits = sum(like in found for like in bots)
    wrong = sum(like in found for like in likes)
    kinds = Counter(like.user_id[:4] for like in bots)
    by_kind = Counter(like.user_id[:4] for like in bots if like in found)
    return {
        "seed": seed,
        "rules": load_weights().frauds[0].version,
        "real_likes": len(likes),
        "injected_likes": len(bots),
        "precision": hits / (hits + wrong),
        "recall": hits / len(bots),
        "recall_without_moles": hits / (len(bots) - kinds["mole"]),
        "false_positives": wrong,
        "recall_by_kind": {kind: by_kind[kind] / kinds[kind] for kind in KINDS},
        "likes_by_kind": {kind: kinds[kind] for kind in KINDS},
        "found_in_the_log_alone": dict(Counter(alone.values())),
        "floor": bare_share(log, load_weights().frauds[0]),
    }


def report(result: dict[str, Any]) -> str:
    """Return the result in words and tables."""
    alone = result["found_in_the_log_alone"]
    rows = [
        (KINDS[kind], result["likes_by_kind"][kind], f"{100 * recall:.1f} %")
        for kind, recall in result["recall_by_kind"].items()
    ]
    return "\n".join(
        [
            "# Fraud rules on a real log",
            "",
            f"{result['injected_likes']:,} likes of bots between the {result['real_likes']:,} of the "
            f"log, seed {result['seed']}, rules {result['rules']}, judged day by day with the six before, as "
            "`engage fraud` does.",
            "",
            f"- precision {100 * result['precision']:.2f} %: {result['false_positives']} likes of "
            "real viewers are taken back",
            f"- recall {100 * result['recall']:.1f} %; of the kinds above every threshold "
            f"{100 * result['recall_without_moles']:.1f} %",
            f"- in the log without bots the rules find: {alone or 'nothing'}",
            f"- floor: {100 * result['floor']:.1f} % of the real likes have less than a second of "
            "watching behind them; a rule that took back every such like would be wrong about these",
            "",
            markdown(("kind of bots", "likes", "recall"), rows),
            "",
            "An account is found once it has done enough within seven days, and then with all it did in "
            "them. Injected bots are of our own making: real ones adapt, and these figures bound nothing "
            "about them.",
            "",
            ", ".join(f"{name}: {value}" for name, value in result["machine"].items()),
        ]
    )


def main() -> int:
    """Measure once and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="KuaiRand CSV or any other log")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", metavar="STEM", type=Path, help="STEM.md and STEM.json")
    args = parser.parse_args()
    log = decoded(record.value for record in open_log(args.log, "auto").records())
    result = measure(log, args.seed) | {"machine": machine()}
    print(report(result))
    if args.output:
        args.output.with_suffix(".md").write_text(report(result) + "\n")
        args.output.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
