"""Memory: bytes of a remembered id, and what a partition with a million live keys needs.

    python -m scripts.benchmarks.memory --json memory.json

Three measurements, each in a process of its own: ids alone (the set and the buckets of
streams/dedup.py), the mix of live_state.py grown to `--keys`, and nothing but videos with one view
each, all within the minutes that panes are kept: the largest thing a key can be.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import msgspec

from scripts.benchmarks.cores import peak_rss_mb
from scripts.benchmarks.live_state import CHUNK, Census, Growth, LiveState, census, new_state
from scripts.benchmarks.resident import in_fresh_process, resident_bytes
from scripts.benchmarks.tables import markdown, write_json
from scripts.generator.model import START_MS
from scripts.progress import show_progress
from scripts.records import LogRecord
from streams.dedup import Dedup
from streams.topics import ENGAGEMENT

HOURS = 24
HOUR_MS = 3_600_000
MEMORY_GOAL_MB = 2_000
VIDEO_SPAN_MS = 300_000


@dataclass(frozen=True, slots=True)
class Ids:
    """Memory of remembered ids; the parts are what the set and the arrays say of themselves."""

    ids: int
    resident_bytes: int
    set_table_bytes: int
    array_bytes: int
    cpu_us_per_id: float

    @property
    def bytes_per_id(self) -> float:
        """Return what an id costs, the int objects of the set included."""
        return self.resident_bytes / self.ids


@dataclass(frozen=True, slots=True)
class Keys:
    """Memory of a state; the peak holds the interpreter, the modules and the stream as well."""

    what: str
    census: Census
    events: int
    resident_bytes: int
    peak_mb: float

    @property
    def bytes_per_key(self) -> float:
        """Return what a key costs, the ids of its events included."""
        return self.resident_bytes / self.census.keys


def remember(number: int, seed: int) -> Ids:
    """Remember ids, spread over the horizon's hours, in this process."""
    rng = Random(seed)
    dedup, draw = Dedup(), rng.getrandbits
    before = resident_bytes()
    started_s = time.process_time()
    for n in range(number):
        dedup.remember(draw(64), n * HOURS // number * HOUR_MS, -1)
    cpu_s = time.process_time() - started_s
    return Ids(
        len(dedup.seen),
        resident_bytes() - before,
        sys.getsizeof(dedup.seen),
        sum(map(sys.getsizeof, dedup.buckets.values())),
        cpu_s * 1e6 / number,
    )


def grow(keys: int, seed: int) -> Keys:
    """Grow the mix in this process, flushing as a worker does."""
    growth = Growth(keys, seed)
    before = resident_bytes()
    with show_progress("grow the state", keys) as tell:
        grown = growth.run(tell, keep_pages=False)
    return _measured("the mix", grown, before)


def only_videos(videos: int, seed: int) -> Keys:
    """Make videos of one view each, in this process; with the seed the users differ."""
    grown = LiveState(new_state())
    before = resident_bytes()
    for start in range(0, videos, CHUNK):
        time_ms = START_MS + start * VIDEO_SPAN_MS // videos
        run = [_view(n, seed, time_ms) for n in range(start, min(start + CHUNK, videos))]
        grown.apply(run, time_ms)
        if start % (10 * CHUNK) == 0:
            grown.flush()
            grown.let_pages_go()
    return _measured("videos of one view each", grown, before)


def _measured(what: str, grown: LiveState, before: int) -> Keys:
    resident = resident_bytes() - before
    return Keys(what, census(grown.state), grown.events, resident, peak_rss_mb(os.getpid()))


def _view(number: int, seed: int, time_ms: int) -> LogRecord:
    video_id = f"v{number}"
    event = {"id": f"e{number}", "type": "view", "event_time_ms": time_ms}
    event |= {
        "user_id": f"u{seed}-{number}",
        "video_id": video_id,
        "creator_id": f"c{number // 20}",
    }
    event |= {"watch_ms": 9_000, "duration_ms": 15_000, "feed": "for_you"}
    return LogRecord(ENGAGEMENT, video_id.encode(), msgspec.json.encode(event), time_ms)


def report(ids: list[Ids], keys: list[Keys]) -> str:
    """Return both tables."""
    of_ids = markdown(
        ["ids", "MB resident", "B/id", "of it set table", "int objects", "arrays", "CPU us/id"],
        [
            (
                *(f"{i.ids:,}", i.resident_bytes / 1e6, i.bytes_per_id, i.set_table_bytes / i.ids),
                (i.resident_bytes - i.set_table_bytes - i.array_bytes) / i.ids,
                *(i.array_bytes / i.ids, i.cpu_us_per_id),
            )
            for i in ids
        ],
    )
    of_keys = markdown(
        ["state", "keys", "videos", "open panes", "ids", "MB resident", "B/key", "process peak MB"],
        [
            (
                *(k.what, k.census.keys, k.census.videos, k.census.open_panes, k.census.ids),
                *(k.resident_bytes / 1e6, k.bytes_per_key, k.peak_mb),
            )
            for k in keys
        ],
    )
    return f"{of_ids}\n\n{of_keys}\n\nGoal: 1,000,000 live keys in {MEMORY_GOAL_MB:,} MB."


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--videos", type=int, default=100_000, help="of one view each")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    numbers = (args.ids // 10, args.ids, args.ids * 3)
    ids = [in_fresh_process(remember, number, args.seed) for number in numbers]
    keys = [
        in_fresh_process(grow, args.keys, args.seed),
        in_fresh_process(only_videos, args.videos, args.seed),
    ]
    print(report(ids, keys))
    if args.json:
        content = {
            "ids": [asdict(i) | {"bytes_per_id": i.bytes_per_id} for i in ids],
            "keys": [asdict(k) | {"census": k.census._asdict()} for k in keys],
        }
        write_json(args.json, content)


if __name__ == "__main__":
    main()
