"""How fast money is looked at and settled when the ledger is large, before and after a change of views.

python -m scripts.benchmarks.ledger --data DIR [--entries 5000000] [--creators 100000] [--output FILE.md]

Fills the ledger of an embedded ClickHouse in DIR (which must be new; a filled one is measured again) twice:
in a database whose migrations end with 0015, and in one with all of them. Entries are of all programs
over 90 days, nearly each alone in its creator, day and program: the most rows that a sum by these can have.
Then it measures, in turns, what the dashboard asks about money and the public views, what settling reads,
and settling a day. A view is to answer within 200 ms (median of three). The CPU time of the
engine is told as well: on a machine that others use, trust it before the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from dashboard import money_queries
from dashboard.parameters import Query, asks_of
from schemas.rates import load_rates
from scripts.benchmarks.machine import load_average, machine
from scripts.benchmarks.tables import markdown
from scripts.settle import settle
from scripts.settlement.booked import booked_accounts, booked_on
from scripts.settlement.facts import Facts
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import DIRECTORY, migrate
from streams.config import Settings
from streams.programs.days import pay_day

BEFORE, AFTER = "ledger_before", "engagement"
LAST_BEFORE = 15
_NEW_VIEWS = ("earnings_by_source", "estimated_earnings")
BLOCK = 500_000
REPEATS = 3
FRESH_BLOCKS, FRESH_ENTRIES = 10, 1_000
DAYS = 90
FIRST = "2025-01-01"
LAST = "2025-03-31"
VIDEOS_OF_A_DAY = 20_000
BOUND_MS = 200
# Half of it gifts, two entries in ten adjustments, one settled key in ten with two entries.
_FILL = """
INSERT INTO ledger (entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference,
                    rate_version, version)
SELECT
    multiIf(source = 'gift', concat('gift:l', toString(number), ':u:rose:g'),
            source IN ('creator_fund', 'creator_rewards'),
            concat(source, ':v', toString(intDiv(number, {days:UInt64})), ':', toString(day), tail),
            concat(source, ':o', toString(number), tail)) AS entry_id,
    toDateTime64(day, 3, 'UTC') + if(source = 'gift', number % 86400, 0) AS occurred_at,
    concat('c', toString(cityHash64(intDiv(number, {days:UInt64})) % {creators:UInt64})) AS creator_id,
    ['gift', 'gift', 'gift', 'gift', 'gift', 'creator_fund', 'creator_rewards', 'creator_rewards',
     'affiliate', 'sale'][1 + intDiv(number, {days:UInt64}) % 10] AS source,
    if(number % 10 < 8, 'final', 'adjustment') AS state,
    toInt64(cityHash64(number, 1) % 1000000) - 100000 AS amount_micros,
    'USD' AS currency,
    if(source = 'gift', concat('live:l', toString(number % 50000)),
       concat('video:v', toString(intDiv(number, {days:UInt64})))) AS reference,
    'r1' AS rate_version, 1 AS version
FROM (
    SELECT number, toDate('2025-01-01') + number % {days:UInt64} AS day,
           concat(':0-', leftPad(lower(hex(number)), 16, '0')) AS tail
    FROM numbers({first:UInt64}, {count:UInt64})
)
"""
_ESTIMATES = """
INSERT INTO estimates (entry_id, occurred_at, creator_id, source, state, amount_micros, currency,
                       reference, rate_version, version)
SELECT concat('creator_rewards:v', toString(number), ':2025-03-31'),
       toDateTime64('2025-03-31', 3, 'UTC'), concat('c', toString(number % {creators:UInt64})),
       'creator_rewards', 'estimated', 1000, 'USD', concat('video:v', toString(number)), 'r1', 1
FROM numbers({count:UInt64})
"""
_TOTALS = """
INSERT INTO video_totals (video_id, creator_id, duration_ms, published_at, is_original, views, version)
SELECT concat('w', toString(number)), concat('c', toString(number % {creators:UInt64})), 90000,
       toDateTime64('2025-03-01', 3, 'UTC'), 1, 2000, 1
FROM numbers({count:UInt64})
"""
_MINUTES = """
INSERT INTO windows_1m (window_start, kind, subject_id, views, qualified_views, version)
SELECT toDateTime('2025-03-31 12:00:00', 'UTC') + 60 * (number % 60), 'video',
       concat('w', toString(number)), 2000, 1500, 1
FROM numbers({count:UInt64})
"""
_FOLLOWS = """
INSERT INTO follow_actions (creator_id, user_id, event_id, event_time, following, counted, version)
SELECT concat('c', toString(number % 50)), toString(number), toString(number),
       toDateTime64('2025-03-01', 3, 'UTC'), 1, 1, 1
FROM numbers(600000)
"""
_NOW = """
INSERT INTO partitions (topic, partition, position, max_event_time, version)
VALUES ('engagement.events', 0, 1, '2025-03-31 23:59:59', 1)
"""
_FRESH = """
INSERT INTO ledger (entry_id, occurred_at, creator_id, source, state, amount_micros, currency, reference,
                    rate_version, version)
SELECT concat('gift:fresh', toString(number), ':u:rose:g'), toDateTime64('2025-03-31 23:00:00', 3, 'UTC'),
       concat('c', toString(number % {creators:UInt64})), 'gift', 'final', 25000, 'USD', 'live:fresh', 'r1', 1
FROM numbers({first:UInt64}, {count:UInt64})
"""
_VIEWS = {
    "earnings_daily, a creator": "SELECT * FROM earnings_daily WHERE creator_id = 'c7' ORDER BY day",
    "earnings_daily, everybody": "SELECT day, source, sum(amount_micros) FROM earnings_daily "
    "GROUP BY day, source ORDER BY day, source",
    "earnings_by_source, everybody": "SELECT day, source, amount_micros FROM earnings_by_source "
    "ORDER BY day, source",
    "earnings_by_reference, a video": "SELECT * FROM earnings_by_reference WHERE reference = 'video:v7'",
    "earnings_daily, a week": "SELECT source, sum(amount_micros) FROM earnings_daily "
    "WHERE day >= '2025-03-25' GROUP BY source",
    "balances, a creator": "SELECT * FROM balances WHERE creator_id = 'c7'",
    "balances, the largest": "SELECT * FROM balances ORDER BY amount_micros DESC LIMIT 10",
    "earnings_ledger, a creator": "SELECT * FROM earnings_ledger WHERE creator_id = 'c7' "
    "ORDER BY occurred_at DESC LIMIT 100",
    "earnings_ledger, an entry": "SELECT * FROM earnings_ledger WHERE entry_id = 'gift:l1:u:rose:g'",
}


Times = list[tuple[float, float]]  # by the clock and of the engine's CPU, in ms
Row = tuple[str, Times, Times]  # name, before and after
SETTLING = "settling: "


_WITH_FRESH = (
    "earnings_by_source, everybody",
    "balances, the largest",
    "earnings_ledger, an entry",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Fill and measure; give the exit code."""
    args = _parser().parse_args(argv)
    with EmbeddedClickHouse(args.data / "clickhouse") as engine:
        clients = {
            database: connect(engine.url, database, request_timeout_s=600)
            for database in (BEFORE, AFTER)
        }
        for database, client in clients.items():
            _migrate(client, database)
            fill(client, args.entries, args.creators)
            for table in ("ledger", "estimates"):
                client.command(
                    f"OPTIMIZE TABLE {table} FINAL"
                )  # as the background merges leave them
        rows = measure_views(clients, _asked(), engine.pid)
        for client in clients.values():
            add_fresh(client, args.creators)
        fresh = {name: _VIEWS[name] for name in _WITH_FRESH}
        unmerged: Asked = {f"{name}, unmerged": (sql, {}) for name, sql in fresh.items()}
        rows += measure_views(clients, unmerged, engine.pid)
        settings = Settings(clickhouse=engine.url, database=AFTER)
        rows += measure_settlement(clients[AFTER], settings, engine.pid)
        memory = f"engine {_peak_mb(engine.pid):,} MB, this process {_own_mb():,} MB"
        for client in clients.values():
            client.close()
    print(f"memory at most: {memory}")
    if args.output:
        _write(args, rows, memory)
    return 0


Asked = dict[str, tuple[str, dict[str, str]]]


def measure_views(clients: dict[str, Any], asked: Asked, pid: int) -> list[Row]:
    """Ask both databases in turns; a view that was not there before has no figure for it."""
    rows: list[Row] = []
    for name, (sql, parameters) in asked.items():
        times: dict[str, Times] = {database: [] for database in clients}
        for _ in range(REPEATS):
            for database, client in clients.items():
                if database == AFTER or not any(f"FROM {view}" in sql for view in _NEW_VIEWS):
                    times[database].append(_timed(partial(client.query, sql, parameters), pid))
        rows.append(_told((name, times[BEFORE], times[AFTER])))
    return rows


def _asked() -> Asked:
    """Return what is asked of merged tables: the views, and the dashboard's questions."""
    asked: Asked = {name: (sql, {}) for name, sql in _VIEWS.items()}
    for period in ("24h", "all"):
        for query in (
            money_queries.EARNINGS_BY_SOURCE,
            money_queries.EARNINGS_OVER_TIME,
            money_queries.TOP_EARNERS,
        ):
            asked[f"dashboard: {query.name}, {period}"] = _bound(query, period=period)
        asked[f"dashboard: entries, {period}"] = _bound(money_queries.ENTRIES, period=period)
    for query in (money_queries.BALANCE, money_queries.CREATOR_DAYS):
        asked[f"dashboard: {query.name}"] = _bound(query, creator="c7")
    return asked


def _bound(query: Query, **given: str) -> tuple[str, dict[str, str]]:
    (ask,) = asks_of((query,), given)
    return query.sql, ask.bindings


def _migrate(client: Any, database: str) -> None:
    """Bring a database up to date, or up to the last migration before."""
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(DIRECTORY.glob("*.sql")):
            if database == AFTER or int(file.name[:4]) <= LAST_BEFORE:
                shutil.copy(file, folder)
        migrate(client, database, directory=Path(folder))


def fill(client: Any, entries: int, creators: int) -> None:  # clickhouse_connect client
    """Fill an empty ledger and the facts of one day."""
    if client.query("SELECT count() FROM ledger").result_rows[0][0]:
        return
    for first in range(0, entries, BLOCK):
        count = min(BLOCK, entries - first)
        sizes = {"first": first, "count": count, "creators": creators, "days": DAYS}
        client.command(_FILL, parameters=sizes)
        print(f"filled {first + count:,}", file=sys.stderr)
    sizes = {"count": VIDEOS_OF_A_DAY, "creators": creators}
    for sql in (_ESTIMATES, _TOTALS, _MINUTES):
        client.command(sql, parameters=sizes)
    client.command(_FOLLOWS)
    client.command(_NOW)


def add_fresh(client: Any, creators: int) -> None:  # clickhouse_connect client
    """Write entries in small blocks that no merge has seen yet."""
    for number in range(FRESH_BLOCKS):
        sizes = {"first": number * FRESH_ENTRIES, "count": FRESH_ENTRIES, "creators": creators}
        client.command(_FRESH, parameters=sizes)


def measure_settlement(client: Any, settings: Settings, pid: int) -> list[Row]:
    """Measure what settling the last day and paying out read, and the settlement itself."""
    rates = load_rates()
    days = Facts(client).days_with_minutes("UTC")
    span = pay_day(days[-1], rates.pay_day_zone)
    steps: dict[str, Callable[[], object]] = {
        "booked_on, creator_rewards of a day": lambda: booked_on(
            client, "creator_rewards", span.name, span.start_ms
        ),
        "booked_accounts, affiliate": lambda: booked_accounts(client, "affiliate"),
        "ledger_amounts of a pay day": lambda: Facts(client).ledger_amounts(span, 15),
        "settle a day, preview": lambda: settle(client, settings, rates, days, writes=False),
    }
    return [_told((SETTLING + name, [], [_timed(step, pid)])) for name, step in steps.items()]


def _timed(action: Callable[[], object], pid: int) -> tuple[float, float]:
    start_s, cpu_ms = time.perf_counter(), _cpu_ms(pid)
    action()
    return (time.perf_counter() - start_s) * 1000, _cpu_ms(pid) - cpu_ms


def _cpu_ms(pid: int) -> float:
    """Return the CPU time that a process has used, in steps of a clock tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _told(row: Row) -> Row:
    name, before_ms, after_ms = row
    figures = f"{_figure(before_ms):>16}{_figure(after_ms):>16} ms"
    print(f"{name:<50}{figures}  {_verdict(row)}", flush=True)
    return row


def _figure(times: Times) -> str:
    """Return the medians: by the clock, and of the CPU."""
    if not times:
        return ""
    return " / ".join(f"{median(ms):,.0f}" for ms in zip(*times, strict=True))


def _verdict(row: Row) -> str:
    is_slow = median(clock for clock, _ in row[2]) > BOUND_MS and not row[0].startswith(SETTLING)
    return "over the bound" if is_slow else ""


def _write(args: argparse.Namespace, rows: list[Row], memory: str) -> None:
    """Write the report, and beside it the same as JSON."""
    about = machine() | {
        "entries": args.entries,
        "creators": args.creators,
        "load_average": load_average(),
        "memory": memory,
        "seed": "none: the fill is a function of the number of each entry",
    }
    cells = [(row[0], _figure(row[1]), _figure(row[2]), _verdict(row)) for row in rows]
    text = [
        "# Money at five million entries",
        "",
        f"Written by `python -m scripts.benchmarks.ledger`. {args.entries:,} entries of "
        f"{args.creators:,} creators over {DAYS} days, merged (unmerged: with {FRESH_BLOCKS} fresh "
        f"blocks); medians of {REPEATS} in ms, by the clock / of the CPU, in turns, before migration "
        f"{LAST_BEFORE + 1:04} and with all. The bound of a view is {BOUND_MS} ms by the clock; "
        "settling has none.",
        "",
        markdown(("what is asked", "before", "after", ""), cells),
        "",
        "Caveats: where the load average below is above the number of cores, trust the CPU time "
        "before the clock. Nearly every entry is alone in its creator, day and program: a sum over all "
        "creators by these has as many rows as the ledger, whatever the index; `earnings_by_source` "
        "answers the same question without creators. The ledger is partitioned by week: what asks for a "
        "day of everybody, or meets fresh blocks, reads or merges its week.",
        "",
        "; ".join(f"{name}: {value}" for name, value in about.items() if name != "libraries"),
    ]
    args.output.write_text("\n".join(text) + "\n", encoding="utf-8")
    found = {
        "about": about,
        "rows": [{"asked": n, "before_ms": b, "after_ms": a} for n, b, a in rows],
    }
    args.output.with_suffix(".json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def _own_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.benchmarks.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="new, or filled")
    parser.add_argument("--entries", type=int, default=5_000_000, metavar="N")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="the report; JSON beside it")
    parser.add_argument("--creators", type=int, default=100_000, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
