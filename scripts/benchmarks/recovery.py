"""Recovery: what the changelog holds per key, how long reading it back takes, and its memory.

    python -m scripts.benchmarks.recovery --keys 100000 --json recovery.json

The state is grown by the load stream (live_state.py), its pages are written as in a flush every
20,000 events, sweeps included. Then it is read back in fresh processes: once as the changelog holds
it, and once for each kind of content, so that the differences say what a kind costs. Reading time is
CPU time, the least of three; memory is the median of three.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiokafka.codec import snappy_encode

from scripts.benchmarks.live_state import Census, Growth, LiveState, census, new_state, taken_apart
from scripts.benchmarks.resident import in_fresh_process, read_pages, resident_bytes, write_pages
from scripts.benchmarks.tables import markdown, write_json
from scripts.progress import show_progress
from streams.pages import all_records, load_pages, pack
from streams.partition import Partition

READINGS = 3


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader must know before the pages."""

    next_offset: int
    max_event_time_ms: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Pages read back once: their size, and what the process spent and kept."""

    content: str
    census: Census
    pages: int
    page_bytes: int
    sent_bytes: int  # compressed, as the producer does
    cpu_s: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one kind of content costs."""

    kind: str
    number: int
    page_bytes: float
    cpu_us: float
    resident_bytes: float


def measure(keys: int, seed: int, folder: Path) -> tuple[list[Reading], list[Cost], dict[str, Any]]:
    """Grow a state, read it back in all ways, and return readings, costs per kind and the rest."""
    with show_progress("grow the state", keys) as tell:
        grown = Growth(keys, seed).run(tell, keep_pages=True)
    position = Position(grown.state.next_offset, grown.state.max_event_time_ms)
    in_order = [page for _, page in sorted(grown.alive.items())]
    changelog = _read_back("changelog", in_order, position, folder)
    readings = [
        _read_back(content, pack(all_records(grown.state)), position, folder)
        for content in taken_apart(grown.state)
    ]
    return [changelog, *readings], costs(readings), written(grown, readings[0])


def written(grown: LiveState, everything: Reading) -> dict[str, Any]:
    """Return what was written while the state grew."""
    return {
        "events": grown.events,
        "written_bytes_per_event": grown.written_bytes / grown.events,
        "alive_bytes": sum(map(len, grown.alive.values())),
        "alive_to_state": sum(map(len, grown.alive.values())) / everything.page_bytes,
    }


def _read_back(content: str, pages: Iterable[bytes], position: Position, folder: Path) -> Reading:
    path = folder / "pages"
    sent = [0]
    size = write_pages(path, _compressed(pages, sent))
    runs = [in_fresh_process(load, path, position) for _ in range(READINGS)]
    found, _, _, number = runs[0]
    cpu_s = min(run[1] for run in runs)  # whatever else ran can only have added to it
    resident = round(statistics.median(run[2] for run in runs))
    return Reading(content, found, number, size, sent[0], cpu_s, resident)


def _compressed(pages: Iterable[bytes], sent: list[int]) -> Iterator[bytes]:
    for page in pages:
        sent[0] += len(snappy_encode(page))
        yield page


def load(path: Path, position: Position) -> tuple[Census, float, int, int]:
    """Read pages into an empty state; return what is there, CPU seconds, bytes and pages."""
    _warm_up(path, position)
    before = resident_bytes()
    number = [0]
    state = new_state()
    state.resume(position.next_offset, position.max_event_time_ms)
    started_s = time.process_time()
    load_pages(state, _counted(read_pages(path), number))
    cpu_s = time.process_time() - started_s
    return census(state), cpu_s, resident_bytes() - before, number[0]


def _warm_up(path: Path, position: Position) -> None:
    """Let the interpreter and the allocator have what every state needs."""
    state: Partition = new_state()
    state.resume(position.next_offset, position.max_event_time_ms)
    for page in read_pages(path):
        load_pages(state, [page])
        return


def _counted(pages: Iterable[bytes], number: list[int]) -> Iterator[bytes]:
    for page in pages:
        number[0] += 1
        yield page


def costs(readings: list[Reading]) -> list[Cost]:
    """Return the cost of each kind: what reading with it and without it differs by."""
    everything, no_ids, no_pairs, videos = readings
    nothing = Reading("nothing", Census(0, 0, 0, 0, 0), 0, 0, 0, 0.0, 0)
    return [
        _cost("video", everything.census.videos, videos, nothing),
        _cost("(video, user) or (creator, user) pair", everything.census.pairs, no_ids, no_pairs),
        _cost("live, person in it, gift streak", everything.census.lives, no_pairs, videos),
        _cost("remembered id", everything.census.ids, everything, no_ids),
    ]


def _cost(kind: str, number: int, more: Reading, less: Reading) -> Cost:
    each = max(1, number)
    return Cost(
        kind,
        number,
        (more.page_bytes - less.page_bytes) / each,
        (more.cpu_s - less.cpu_s) * 1e6 / each,
        (more.resident_bytes - less.resident_bytes) / each,
    )


def report(readings: list[Reading], per_kind: list[Cost]) -> str:
    """Return both tables."""
    return "\n\n".join((_readings_table(readings), _costs_table(per_kind)))


def _readings_table(readings: list[Reading]) -> str:
    titles = ["read back", "keys", "ids", "pages MB", "snappy MB", "CPU s", "MB resident"]
    titles += ["B/key", "CPU s / 100,000 keys", "MB / 100,000 keys"]
    rows = []
    for r in readings[:2]:
        share = 100_000 / r.census.keys
        mb = r.resident_bytes / 1e6
        row = (r.content, r.census.keys, r.census.ids, r.page_bytes / 1e6, r.sent_bytes / 1e6)
        rows.append((*row, r.cpu_s, mb, r.page_bytes / r.census.keys, r.cpu_s * share, mb * share))
    return markdown(titles, rows)


def _costs_table(per_kind: list[Cost]) -> str:
    titles = ["kind", "number", "B in pages", "CPU us to read", "B resident", "MB / 100,000"]
    return markdown(
        titles,
        [
            (c.kind, c.number, c.page_bytes, c.cpu_us, c.resident_bytes, c.resident_bytes / 10)
            for c in per_kind
        ],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engage-recovery-") as folder:
        readings, per_kind, rest = measure(args.keys, args.seed, Path(folder))
    print(report(readings, per_kind))
    if args.json:
        content = {"keys": args.keys, "seed": args.seed, **rest}
        content["readings"] = [asdict(r) | {"census": r.census._asdict()} for r in readings]
        content["costs"] = [asdict(cost) for cost in per_kind]
        write_json(args.json, content)


if __name__ == "__main__":
    main()
