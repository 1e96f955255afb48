"""A small world in which every program pays, and `engage` as a person runs it on that world.

Rates: tests/worked/rates.toml, round figures. Day one is 2025-03-10; all days up to the 24th are over.

    v of c, shared with d and e by thirds   2,000 views on day one, 1,501 of them qualified
    w of f                                  1,000 views on day one, 1,000 on day two
    o, an order of 10 USD                   clicked for c, sold by g, who is a creator; settled on day two
    d1, a deal of 100 USD on v              half of it is reached with 1,000 views
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from scripts.cli import dispatch, guarded
from tests.unit.clickhouse_rows import Row, Tables, rows, video
from tests.unit.settlement_rows import END_MS, END_S, START_MS, START_S, click, follow, minute, step
from tests.worked.world import DAY_MS

RATES = Path(__file__).resolve().parent.parent / "worked" / "rates.toml"
USD = 1_000_000
DAY_S = 86_400
_WRITTEN = ("ledger", "explanations", "settlements", "video_earnings")
DAY_ONE, DAY_TWO, DUE, LAST = "2025-03-10", "2025-03-11", "2025-03-17", "2025-03-24"

Engage = Callable[..., int]
Sums = dict[tuple[str, str], int]

# By hand. Fund: weights 2,000 and 1,000 of a dollar. Rewards: 501 x 2 USD / 1,000. Deal: 50 USD.
# Commission: 10 % of 10 USD, due a week after the order. Sale: 10 USD less 9 % less the commission.
FUND_V, REWARDS_V = 666_667, 1_002_000
EARNED: Sums = {
    ("creator_fund", "c"): 222_267,
    ("creator_fund", "d"): 222_200,
    ("creator_fund", "e"): 222_200,
    ("creator_fund", "f"): 333_333 + USD,
    ("creator_rewards", "c"): 334_067,
    ("creator_rewards", "d"): 333_967,
    ("creator_rewards", "e"): 333_966,
    ("creator_rewards", "f"): 2 * USD,
    ("affiliate", "c"): 1 * USD,
    ("sale", "g"): 10 * USD - 900_000 - 1 * USD,
    ("brand_deal", "c"): 16_670_000,
    ("brand_deal", "d"): 16_665_000,
    ("brand_deal", "e"): 16_665_000,
}


def partition(at_ms: int, **more: Any) -> Row:
    return {"topic": "engagement.events", "max_event_time": at_ms, "version": 1, **more}


def order(kind: str, at_ms: int, **more: Any) -> Row:
    fields = {"seller_id": "g", "paid_micros": 10 * USD, "event_time": at_ms, **more}
    return step(kind, f"{kind}-{fields.get('order_id', 'o')}-{at_ms}", **fields)


def published(name: str, creator_id: str, **more: Any) -> Row:
    fields = {"published_at": START_MS, "duration_ms": 90_000, "is_original": 1}
    return video(name, creator_id=creator_id, **fields, **more)


def deal(**more: Any) -> Row:
    return {
        "video_id": "v",
        "deal_id": "d1",
        "event_id": "deal",
        "event_time": START_MS,
        "creator_id": "c",
        "brand_id": "b",
        "fee_micros": 100 * USD,
        "currency": "USD",
        "milestones": ["1000:5000", "5000:5000"],
        "counted": 1,
        "version": 1,
        **more,
    }


def write_world(tables: Tables) -> None:
    """Write all of it."""
    tables.write("partitions", partition(START_MS + 15 * DAY_MS))
    tables.write(
        "video_totals",
        published("v", "c", collaborators=["d:3333", "e:3333"]),
        published("w", "f"),
        published("s", "g"),
    )
    tables.write(
        "windows_1m",
        minute("v", START_S + 60, views=2_000, qualified_views=1_501),
        minute("w", START_S + 60, views=1_000, qualified_views=1_000),
        minute("w", END_S + 60, views=1_000, qualified_views=1_000),
    )
    fans = [follow(name, f"fan{n}", START_MS + n) for name in ("c", "f") for n in range(10)]
    tables.write("follow_actions", *fans)
    tables.write("affiliate_clicks", click("k", seller_id="g", event_time=START_MS))
    tables.write("order_events", order("placed", START_MS + 60_000))
    tables.write("order_events", order("settled", END_MS, version=2))
    tables.write("deals", deal())


def engage_on(url: str) -> Engage:
    """Return what runs a command line against the world; it returns the exit code."""

    def engage(command: str, *words: str, rates: Path = RATES) -> int:
        line = [command, *words, "--clickhouse", url, "--rates", str(rates)]
        return guarded(lambda: dispatch(line))

    return engage


def changed_rates(folder: Path, *changes: tuple[str, str]) -> Path:
    """Return another rates file, in which each text stands for another."""
    text = RATES.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "changed.toml"
    path.write_text(text)
    return path


def sums(client: Client) -> Sums:
    """Return what is booked, by source and creator; what adds up to nothing is left out."""
    query = "SELECT source, creator_id, sum(amount_micros) AS n FROM ledger FINAL GROUP BY ALL"
    return {(source, creator): n for source, creator, n in rows(client, query) if n}


def entries(client: Client, source: str) -> list[tuple[Any, ...]]:
    """Return (state, creator, amount, reason) of a program's entries, in the order of their ids."""
    return rows(
        client,
        "SELECT state, creator_id, amount_micros, reason FROM ledger FINAL "
        f"WHERE source = '{source}' ORDER BY entry_id",
    )


def written(client: Client) -> list[list[tuple[Any, ...]]]:
    """Return all that settlement writes; what it added up for videos must be what it booked."""
    booked = """SELECT substring(reference, 7), currency, sum(amount_micros), count() FROM ledger FINAL
        WHERE startsWith(reference, 'video:') GROUP BY ALL ORDER BY ALL"""
    tables = [rows(client, f"SELECT * FROM {table} FINAL ORDER BY ALL") for table in _WRITTEN]
    assert tables[-1] == rows(client, booked)
    return tables


def forget(client: Client) -> None:
    """Empty what settlement writes."""
    for table in _WRITTEN:
        client.command(f"TRUNCATE TABLE {table}")
