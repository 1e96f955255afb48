"""How fast money is looked at and settled when the ledger is large.

python -m scripts.benchmarks.ledger --data DIR [--entries 5000000] [--creators 100000]

Fills the ledger of an embedded ClickHouse in DIR (which must be new; a filled one is measured again)
with entries of all programs over 90 days, and the facts of one day, then measures the views that
dashboards read, reading what is booked, and settling the day. A view is to answer within 200 ms.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from schemas.rates import load_rates
from scripts.settle import settle
from scripts.settlement.booked import booked_accounts, booked_on
from scripts.settlement.facts import Facts
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from streams.config import Settings
from streams.programs.days import pay_day

DATABASE = "engagement"
BLOCK = 500_000
REPEATS = 5
DAYS = 90
FIRST = "2025-01-01"
LAST = "2025-03-31"
VIDEOS_OF_A_DAY = 20_000
BOUND_MS = 200
# Half of it gifts, two entries in ten adjustments, one settled key in ten with two entries.
_FILL = """
INSERT INTO ledger
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
    'r1' AS rate_version, '' AS reason, '' AS rate_card, 1 AS version
FROM (
    SELECT number, toDate('2025-01-01') + number % {days:UInt64} AS day,
           concat(':0-', leftPad(lower(hex(number)), 16, '0')) AS tail
    FROM numbers({first:UInt64}, {count:UInt64})
)
"""
_ESTIMATES = """
INSERT INTO estimates
SELECT concat('creator_rewards:v', toString(number), ':2025-03-31'),
       toDateTime64('2025-03-31', 3, 'UTC'), concat('c', toString(number % {creators:UInt64})),
       'creator_rewards', 'estimated', 1000, 'USD', concat('video:v', toString(number)), 'r1', [], 1
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
_VIEWS = {
    "earnings_daily, a creator": "SELECT * FROM earnings_daily WHERE creator_id = 'c7' ORDER BY day",
    "earnings_daily, everybody": "SELECT day, source, sum(amount_micros) FROM earnings_daily "
    "GROUP BY day, source ORDER BY day, source",
    "earnings_daily, a week": "SELECT source, sum(amount_micros) FROM earnings_daily "
    "WHERE day >= '2025-03-25' GROUP BY source",
    "balances, a creator": "SELECT * FROM balances WHERE creator_id = 'c7'",
    "balances, the largest": "SELECT * FROM balances ORDER BY amount_micros DESC LIMIT 10",
    "earnings_ledger, a creator": "SELECT * FROM earnings_ledger WHERE creator_id = 'c7' "
    "ORDER BY occurred_at DESC LIMIT 100",
    "earnings_ledger, an entry": "SELECT * FROM earnings_ledger WHERE entry_id = 'gift:l1:u:rose:g'",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Fill and measure; give the exit code."""
    args = _parser().parse_args(argv)
    with EmbeddedClickHouse(args.data / "clickhouse") as engine:
        settings = Settings(clickhouse=engine.url, database=DATABASE)
        with closing(connect(engine.url, DATABASE, request_timeout_s=600)) as client:
            migrate(client, DATABASE)
            fill(client, args.entries, args.creators)
            for name, query in _VIEWS.items():
                _report(name, [_timed(partial(client.query, query)) for _ in range(REPEATS)])
            measure_settlement(client, settings)
            print(
                f"memory at most: engine {_peak_mb(engine.pid):,} MB, this process {_own_mb():,} MB"
            )
    return 0


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
    for table in ("ledger", "estimates"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")  # as the background merges leave them


def measure_settlement(client: Any, settings: Settings) -> None:  # clickhouse_connect client
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
    for name, step in steps.items():
        _report(name, [_timed(step)])


def _timed(action: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    action()
    return (time.perf_counter() - start_s) * 1000


def _report(name: str, times_ms: list[float]) -> None:
    slow = "  over the bound" if median(times_ms) > BOUND_MS and len(times_ms) > 1 else ""
    print(f"{name:<38}{median(times_ms):>10,.0f} ms{slow}", flush=True)


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
    parser.add_argument("--creators", type=int, default=100_000, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
