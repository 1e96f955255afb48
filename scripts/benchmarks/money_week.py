"""A week of real exposures with money on top, settled, audited and explained: how long each step takes.

    python -m scripts.benchmarks.money_week --log kuairand_log.csv.gz --rates samples/rates.toml

The exposures, plays, likes and follows are those of the log (KuaiRand). What it lacks is generated from a
seed, about its own videos, creators and users: publications (with products, collaborators), more
follows, lives with gift streaks and refunds, clicks, orders that are settled and refunded, brand deals, and
late invalidations. Everything is sent in the order of event time. Exit code 1: the audit found a
difference, or settling again books anything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from scripts.benchmarks.tables import environment, markdown
from scripts.logs import open_log

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
_ROOT = Path(__file__).resolve().parents[2]
Event = dict[str, Any]


class Money:
    """Makes the events that the log does not have, about what it has."""

    def __init__(self, seed: int, exposures: list[Event]) -> None:
        self._rng = Random(f"{seed}/money")
        self._number = 0
        self._start_ms = exposures[0]["event_time_ms"]
        self._span_ms = exposures[-1]["event_time_ms"] - self._start_ms
        self._views = [e for e in exposures if e["type"] == "view"]
        seen = Counter(e["video_id"] for e in self._views)
        self._first: dict[str, Event] = {}
        for view in self._views:
            self._first.setdefault(view["video_id"], view)
        self._popular = [video for video, _ in seen.most_common(400)]
        self._users = sorted({view["user_id"] for view in self._views})

    def events(self) -> Iterator[Event]:
        """Yield everything, in no order."""
        for make in (self._published, self._follows, self._lives, self._orders, self._deals):
            yield from make()
        yield from self._invalidations()

    def _event(self, kind: str, at_ms: int, user: str, **fields: Any) -> Event:
        self._number += 1
        made = {"id": f"m{self._number}", "type": kind, "event_time_ms": at_ms, "user_id": user}
        return made | fields

    def _when(self, latest: float = 0.9) -> int:
        return int(self._start_ms + self._rng.random() * latest * self._span_ms)

    def _published(self) -> Iterator[Event]:
        rng = self._rng
        creators = [view["creator_id"] for view in self._first.values()]
        for video, view in self._first.items():
            fields: Event = {"video_id": video, "creator_id": view["creator_id"]}
            fields |= {"duration_ms": max(1, view["duration_ms"]), "content_type": "short"}
            fields |= {"hashtags": [f"t{rng.randrange(60)}"], "is_promoted": False}
            fields["is_original"] = rng.random() < 0.9
            if rng.random() < 0.1:
                fields["product_ids"] = [f"p{rng.randrange(60)}"]
            if rng.random() < 0.05:
                fields["collaborators"] = [
                    {"creator_id": rng.choice(creators), "share_bps": rng.randrange(1, 5_000)}
                ]
            at_ms = view["event_time_ms"] - rng.randrange(1, HOUR_MS)
            yield self._event("video_published", at_ms, view["creator_id"], **fields)

    def _follows(self) -> Iterator[Event]:
        for video in self._popular:
            creator = self._first[video]["creator_id"]
            for user in self._rng.sample(self._users, 12):
                fields = {"video_id": video, "creator_id": creator}
                yield self._event("follow", self._when(), user, **fields)

    def _lives(self) -> Iterator[Event]:
        rng = self._rng
        for number in range(60):
            creator = self._first[rng.choice(self._popular)]["creator_id"]
            live, start_ms = {"live_id": f"l{number}", "creator_id": creator}, self._when()
            yield self._event("live_started", start_ms, creator, **live)
            for streak in range(rng.randrange(20, 80)):
                at_ms, user = start_ms + rng.randrange(HOUR_MS), rng.choice(self._users)
                gift = {"gift_id": "5655", "coins": rng.choice((1, 1, 5, 99)), **live}
                gift |= {"group_id": f"g{number}-{streak}", "order_id": f"go{number}-{streak}"}
                last = rng.randrange(1, 6)
                for count in range(1, last + 1):
                    end = count == last and rng.random() < 0.8
                    frame = gift | {"repeat_count": count, "repeat_end": end}
                    yield self._event("gift", at_ms + count * 1_000, user, **frame)
                if rng.random() < 0.03:
                    refund = {"order_id": gift["order_id"], "reason": "store", **live}
                    yield self._event("gift_refunded", at_ms + DAY_MS, user, **refund)
            yield self._event("live_ended", start_ms + HOUR_MS, creator, **live)

    def _orders(self) -> Iterator[Event]:
        rng = self._rng
        for number in range(3_000):
            user, at_ms, product = rng.choice(self._users), self._when(0.8), rng.randrange(60)
            creator = self._first[rng.choice(self._popular)]["creator_id"]
            own = rng.random() < 0.2
            goods: Event = {
                "product_id": f"p{product}",
                "seller_id": creator if own else f"s{product % 9}",
            }
            if not own and rng.random() < 0.8:
                goods |= {"creator_id": creator, "link_id": f"k{number}"}
                yield self._event("affiliate_click", at_ms - rng.randrange(HOUR_MS), user, **goods)
            order: Event = goods | {"order_id": f"o{number}", "quantity": 1, "currency": "USD"}
            paid_micros = rng.randrange(500, 9_000) * 10_000 + 1
            order["paid_micros"] = paid_micros
            yield self._event("order_placed", at_ms, user, **order)
            if rng.random() < 0.8:
                later_ms = at_ms + rng.randrange(int(0.15 * self._span_ms))
                yield self._event("order_settled", later_ms, user, **order)
            if rng.random() < 0.1:
                back = order | {"refund_micros": paid_micros // rng.choice((1, 2, 3))}
                yield self._event("order_refunded", at_ms + DAY_MS, user, **back)

    def _deals(self) -> Iterator[Event]:
        for number, video in enumerate(self._popular[:60]):
            view = self._first[video]
            deal = {"video_id": video, "creator_id": view["creator_id"], "deal_id": f"d{number}"}
            deal |= {"brand_id": f"b{number % 7}", "currency": "USD"}
            deal["fee_micros"] = self._rng.randrange(50, 900) * 1_000_000 + 1
            deal["milestones"] = [
                {"views": 20, "share_bps": 3_333},
                {"views": 100, "share_bps": 3_333},
                {"views": 100_000, "share_bps": 3_334},
            ]
            yield self._event("deal_signed", view["event_time_ms"], deal["brand_id"], **deal)

    def _invalidations(self) -> Iterator[Event]:
        last_ms = self._start_ms + self._span_ms
        for view in self._rng.sample(self._views, 300):
            at_ms = min(last_ms, view["event_time_ms"] + self._rng.randrange(3 * DAY_MS))
            fields = {"video_id": view["video_id"], "targets": [view], "reason": "bots"}
            yield self._event("invalidated", at_ms, "integrity", **fields)


def write_week(log: Path, seed: int, into: Path) -> Counter[str]:
    """Write the log with money on top as JSONL and return how many events of each type."""
    exposures = [json.loads(record.value) for record in open_log(log, "kuairand").records()]
    exposures.sort(key=lambda event: event["event_time_ms"])
    events = [*exposures, *Money(seed, exposures).events()]
    events.sort(key=lambda event: (event["event_time_ms"], event["id"]))
    with into.open("w") as file:
        for event in events:
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    return Counter(event["type"] for event in events)


class Steps:
    """Runs commands of engage and keeps how long each took."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.rows: list[tuple[str, float, str]] = []

    def __call__(self, name: str, *words: object) -> str:
        """Run one command on the folder; return what it printed, keep its last line.

        Raises:
            CalledProcessError: its exit code is not 0.
        """
        started_s = time.monotonic()
        command = [_ROOT / "scripts" / "engage", *map(str, words), "--data", self._data]
        done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
        said = done.stdout.strip() or done.stderr.strip()
        self.rows.append((name, round(time.monotonic() - started_s, 1), said.splitlines()[-1]))
        print(self.rows[-1], file=sys.stderr, flush=True)
        return done.stdout


def main() -> int:
    """Make the week, count it, settle it, audit it, explain it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log", metavar="CSV", type=Path, required=True, help="a KuaiRand log")
    parser.add_argument("--rates", metavar="FILE", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", metavar="FILE.md", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engage-week-") as folder:
        log, data = Path(folder) / "week.jsonl", Path(folder) / "results"
        types = write_week(args.log, args.seed, log)
        steps = Steps(data)
        text = _week(steps, log, args.rates.absolute())
    again = next(said for name, _, said in steps.rows if name == "settle the week again")
    report = [
        f"{sum(types.values()):,} events, seed {args.seed}: "
        + ", ".join(f"{name} {number:,}" for name, number in sorted(types.items())),
        "",
        markdown(
            ("step", "s", "it said"), [(n, s, said.replace("|", " ")) for n, s, said in steps.rows]
        ),
        "",
        "```text",
        text.strip(),
        "```",
        "",
        ", ".join(f"{name}: {value}" for name, value in environment().items()),
    ]
    print("\n".join(report))
    if args.output:
        args.output.write_text("\n".join(report) + "\n")
    return 0 if again == "nothing is missing" else 1


def _week(steps: Steps, log: Path, rates: Path) -> str:
    """Run the steps; return the entries by source and one explanation of each."""
    steps("count and settle", "run", "--input", log, "--rates", rates)
    through = ("--through", "2022-04-29", "--rates", rates)
    steps("settle the week again", "settle", *through)
    steps("pay out", "payout", "--day", "2022-04-30", "--rates", rates)
    steps("pay out again", "payout", "--day", "2022-04-30", "--rates", rates)
    steps("audit", "audit", "--rates", rates)
    text = steps("sum up", "sql", _SOURCES)
    for source in ("creator_fund", "creator_rewards", "affiliate", "sale", "brand_deal", "gift"):
        picked = steps(f"pick {source}", "sql", _LARGEST.format(source=source)).splitlines()
        text += "\n" + steps(f"explain {source}", "explain", picked[-1], "--rates", rates)
    return text


_SOURCES = (
    "SELECT source, state, count() AS entries, sum(amount_micros) AS micros FROM earnings_ledger "
    "GROUP BY source, state ORDER BY source, state"
)
_LARGEST = (
    "SELECT entry_id FROM earnings_ledger WHERE source = '{source}' AND state = 'final' "
    "ORDER BY abs(amount_micros) DESC, entry_id LIMIT 1"
)

if __name__ == "__main__":
    sys.exit(main())
