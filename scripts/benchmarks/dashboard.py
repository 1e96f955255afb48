"""Times every question of the dashboard at five million rows and more, as the dashboard asks them.

    python -m scripts.benchmarks.dashboard --data DIR [--output docs/bench/dashboard.md]

Fills the real tables of an embedded ClickHouse in DIR (new, or filled by this before) and asks each
panel with every combination of its filters, over HTTP, through the dashboard's own reader: first as
rows lie right after a fast replay, then as they lie when the engine has merged what is no longer
written to. Each figure is the median of several rounds; answers are to come within 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from dashboard.parameters import Ask, Choice, Parameter, Query, Span
from dashboard.queries import PANELS, PULSE
from dashboard.reader import Reader
from scripts.benchmarks.dashboard_fill import Size, counted, fill, merge_what_rests
from scripts.benchmarks.machine import load_average, loop_ns, machine
from scripts.benchmarks.tables import markdown
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate

DATABASE = "engagement"
BOUND_MS = 200.0
ROUNDS = 7
MEMORY_MB = 8_192
# Ids of the filling: a creator with many entries, and one of its entries with an explanation.
SAMPLES = {"creator": "c7", "entry": ""}
AFTER_REPLAY, MERGED = "right after a replay", "merged"


class Timing(NamedTuple):
    """How long one question took, in one state of the tables."""

    panel: str
    values: str
    state: str
    median_ms: float
    slowest_ms: float
    rows: int


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, measure, write."""
    args = _parser().parse_args(argv)
    size = Size().scaled(args.share)
    with (
        EmbeddedClickHouse(args.data, memory_mb=MEMORY_MB) as engine,
        closing(connect(engine.url, DATABASE, request_timeout_s=900)) as client,
    ):
        migrate(client, DATABASE)
        tables = counted(client)
        states = {}
        if "windows_1m" not in tables:
            fill(client, size)
            states[AFTER_REPLAY] = counted(client)
        load = [load_average()]
        timings = []
        if states:
            timings += asyncio.run(measure(engine.reading_url, AFTER_REPLAY, args.rounds))
        merge_what_rests(client)
        states[MERGED] = counted(client)
        timings += asyncio.run(measure(engine.reading_url, MERGED, args.rounds))
        load.append(load_average())
    content = {
        "machine": machine(),
        "load_average_1m": load,
        "loop_ns": loop_ns(),
        "rounds": args.rounds,
        "bound_ms": BOUND_MS,
        "tables": {
            state: {name: {"rows": rows, "parts": parts} for name, (rows, parts) in tables.items()}
            for state, tables in states.items()
        },
        "timings": [timing._asdict() for timing in timings],
    }
    text = report(content, timings)
    print(text)
    if args.output is not None:
        args.output.write_text(text + "\n")
        args.output.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
    return 0


async def measure(url: str, state: str, rounds: int) -> list[Timing]:
    """Ask every question `rounds` times, in turns, so that a slow moment hits them all alike."""
    reader = Reader(url, DATABASE)
    questions = [ask for query in (PULSE, *PANELS.values()) for ask in asks(query)]
    took: dict[Ask, list[float]] = {ask: [] for ask in questions}
    rows: dict[Ask, int] = {}
    for _ in range(rounds):
        for ask in questions:
            began_s = time.perf_counter()
            rows[ask] = len(await reader.rows(ask))
            took[ask].append((time.perf_counter() - began_s) * 1000)
    await reader.close()
    return [
        Timing(
            ask.query.name,
            ", ".join(value or "all" for _, value in ask.values),
            state,
            round(statistics.median(spent_ms), 1),
            round(max(spent_ms), 1),
            rows[ask],
        )
        for ask, spent_ms in took.items()
    ]


def asks(query: Query) -> list[Ask]:
    """Return the question with every combination of its filters."""
    names = [parameter.name for parameter in query.parameters]
    values = itertools.product(*map(_values, query.parameters))
    return [Ask(query, tuple(zip(names, one, strict=True))) for one in values]


def _values(parameter: Parameter) -> tuple[str, ...]:
    if isinstance(parameter, Choice):
        return parameter.values
    if isinstance(parameter, Span):
        return tuple(parameter.steps)
    return (SAMPLES[parameter.name],) if parameter.required else ("", SAMPLES[parameter.name])


def report(content: dict[str, Any], timings: Sequence[Timing]) -> str:
    """Return the report: for each panel and state the slowest combination of its filters."""
    slowest: dict[tuple[str, str], Timing] = {}
    for timing in timings:
        key = (timing.panel, timing.state)
        if key not in slowest or timing.median_ms > slowest[key].median_ms:
            slowest[key] = timing
    states = list(dict.fromkeys(timing.state for timing in timings))
    lines = []
    for panel in dict.fromkeys(timing.panel for timing in timings):
        cells: list[object] = [panel]
        for state in states:
            one = slowest[panel, state]
            mark = "" if one.median_ms <= BOUND_MS else " **slow**"
            cells += [f"{one.median_ms:,.0f}{mark}", f"{one.slowest_ms:,.0f}"]
        cells.append(slowest[panel, states[-1]].values or "-")
        lines.append(cells)
    titles = ["panel"]
    for state in states:
        titles += [f"{state}: median ms", "slowest ms"]
    return markdown([*titles, "with filters"], lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", metavar="DIR", type=Path, required=True)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the rows (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default %(default)s")
    parser.add_argument("--output", metavar="FILE.md", type=Path, help="and FILE.json beside it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
