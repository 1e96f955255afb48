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
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

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
CREATOR = "c7"
AFTER_REPLAY, MERGED = "right after a replay", "merged"


class Timing(NamedTuple):
    """How long one question took, in one state of the tables."""

    panel: str
    values: str
    state: str
    median_ms: float
    slowest_ms: float
    cpu_ms: int
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
        asking = Asking(engine.reading_url, engine.pid, samples(client), args.rounds)
        if states:
            timings += asyncio.run(asking.measure(AFTER_REPLAY))
        merge_what_rests(client)
        states[MERGED] = counted(client)
        timings += asyncio.run(asking.measure(MERGED))
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
    text = "\n\n".join((heading(size), report(timings), notes(timings, machine(), load)))
    print(text)
    if args.output is not None:
        args.output.write_text(text + "\n")
        args.output.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
    return 0


def samples(client: Client) -> dict[str, str]:
    """Return ids of the filling: a creator, and an entry of theirs that is explained."""
    found = client.query(
        f"SELECT min(entry_id) FROM ledger WHERE creator_id = '{CREATOR}' AND source = 'affiliate'"
    )
    return {"creator": CREATOR, "entry": str(found.result_rows[0][0])}


class Asking(NamedTuple):
    """How the questions are asked: where, of which process, about whom, how often."""

    url: str
    pid: int
    samples: dict[str, str]
    rounds: int

    async def measure(self, state: str) -> list[Timing]:
        """Ask every question, in turns, so that a slow moment hits them all alike."""
        reader = Reader(self.url, DATABASE)
        questions = [ask for query in (PULSE, *PANELS.values()) for ask in self.asks(query)]
        took: dict[Ask, list[tuple[float, int, int]]] = {ask: [] for ask in questions}
        for _ in range(self.rounds):
            for ask in questions:
                cpu_ms, began_s = engine_cpu_ms(self.pid), time.perf_counter()
                rows = len(await reader.rows(ask))
                spent_ms = (time.perf_counter() - began_s) * 1000
                took[ask].append((spent_ms, engine_cpu_ms(self.pid) - cpu_ms, rows))
        await reader.close()
        return [
            Timing(
                ask.query.name,
                ", ".join(value or "all" for _, value in ask.values),
                state,
                round(statistics.median(spent_ms for spent_ms, _, _ in figures), 1),
                round(max(spent_ms for spent_ms, _, _ in figures), 1),
                min(cpu_ms for _, cpu_ms, _ in figures),
                figures[-1][2],
            )
            for ask, figures in took.items()
        ]

    def asks(self, query: Query) -> list[Ask]:
        """Return the question with every combination of its filters."""
        names = [parameter.name for parameter in query.parameters]
        values = itertools.product(*map(self._values, query.parameters))
        return [Ask(query, tuple(zip(names, one, strict=True))) for one in values]

    def _values(self, parameter: Parameter) -> tuple[str, ...]:
        if isinstance(parameter, Choice):
            return parameter.values
        if isinstance(parameter, Span):
            return tuple(parameter.steps)
        return (self.samples[parameter.name],)


def engine_cpu_ms(pid: int) -> int:
    """Return the CPU time of a process, in steps of the kernel's clock (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks * 1000 // os.sysconf("SC_CLK_TCK")


def report(timings: Sequence[Timing]) -> str:
    """Return the table: for each panel the default filters, and the slowest combination of them."""
    lines: list[list[object]] = []
    for panel in dict.fromkeys(timing.panel for timing in timings):
        first, *_ = (timing.values for timing in timings if timing.panel == panel)
        of_panel = [one for one in timings if one.panel == panel]
        slowest = max(of_panel, key=lambda one: (one.state == MERGED, one.cpu_ms, one.median_ms))
        for values in dict.fromkeys((first, slowest.values)):
            cells: list[object] = [panel, values or "-"]
            for state in dict.fromkeys(timing.state for timing in timings):
                (one,) = (one for one in of_panel if (one.values, one.state) == (values, state))
                mark = "**" if one.median_ms > BOUND_MS else ""
                cells += [f"{mark}{one.median_ms:,.0f}{mark}", f"{one.cpu_ms:,}"]
            lines.append(cells)
    titles = ["panel", "filters"]
    for state in dict.fromkeys(timing.state for timing in timings):
        titles += [f"{state}, ms", "CPU ms"]
    return markdown(titles, lines)


def heading(size: Size) -> str:
    """Return what is measured, and on how many rows."""
    return (
        f"What the dashboard asks, timed at {size.windows:,} rows of `windows_1m` and {size.ledger:,} of "
        "`ledger`, by `python -m scripts.benchmarks.dashboard --data DIR`.\n"
        "For each panel: its first filters, and the combination that took the most CPU. Bold: over "
        f"the aim of {BOUND_MS:.0f} ms. [JSON](dashboard.json) has all combinations."
    )


def notes(timings: Sequence[Timing], about: Mapping[str, object], load: Sequence[float]) -> str:
    """Return what must be known to read the table; `load` is the machine's, before and at the end."""
    merged = [one for one in timings if one.state == MERGED]
    slow = sorted({one.panel for one in merged if one.median_ms > BOUND_MS})
    cores = os.cpu_count() or 1
    lines = [
        f"{about['cpu']}, {cores} cores; commit {about['commit']}; medians; load average {load[0]} before, "
        f"{load[-1]} at the end.",
        "",
        f"- Merged, {sum(one.median_ms <= BOUND_MS for one in merged)} of {len(merged)} combinations "
        f"answer within {BOUND_MS:.0f} ms; "
        + (f"not all of: {', '.join(slow)}." if slow else "none is over it."),
        "- CPU ms: the least of the rounds, in steps of 10 ms, of the whole engine.",
        "- Merged is what the engine does by itself to a partition that was not written to for ten minutes; "
        "the newest day stays in parts, and of the ledger the newest week, Monday to Thursday.",
        "- A slow question is asked again only after three times as long as it took.",
        "- Ids are short and popularity is made up: real strings compress less well.",
    ]
    if max(load) > cores + 1:  # the questions themselves keep all cores busy
        lines.insert(
            2, "- The machine was not free: trust CPU ms, and measure again on one that is."
        )
    return "\n".join(lines)


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
