"""`engage settle` on a real ClickHouse: repeated, cut off, at once, and after the facts changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.errors import Unavailable
from schemas.rates import load_rates
from scripts import settle as command
from scripts.settlement.booking import Settled
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.writer import Writer
from streams.config import Settings
from streams.settlement import RECOUNTED, UNSUPPORTED
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.settlement_rows import END_MS, END_S, START_MS, START_S, minute, product_view
from tests.unit.settlement_world import (
    DAY_ONE,
    DAY_TWO,
    DUE,
    EARNED,
    LAST,
    RATES,
    USD,
    Engage,
    changed_rates,
    engage_on,
    entries,
    forget,
    order,
    partition,
    published,
    sums,
    write_world,
    written,
)
from tests.worked.world import DAY_MS

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def engage(
    clickhouse: EmbeddedClickHouse,
    migrated: str,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> Engage:
    """`engage`, on the small world."""
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    write_world(tables)
    return engage_on(clickhouse.url)


def settle(engage: Engage, *more: str, rates: Path = RATES) -> int:
    return engage("settle", "--through", LAST, *more, rates=rates)


def test_every_program_books_what_the_rules_say(engage: Engage, client: Client) -> None:
    assert settle(engage) == 0
    assert sums(client) == EARNED
    assert {row[0] for row in rows(client, "SELECT state FROM ledger FINAL")} == {"final"}
    unexplained = (
        "SELECT entry_id FROM ledger WHERE entry_id NOT IN (SELECT entry_id FROM explanations)"
    )
    assert rows(client, unexplained) == []


def test_settling_again_books_nothing(engage: Engage, client: Client, capsys: Capture) -> None:
    settle(engage)
    before = written(client)
    for words in (["--through", LAST], ["--day", DAY_ONE], ["--day", LAST]):
        capsys.readouterr()
        assert engage("settle", *words) == 0
        assert capsys.readouterr().out == "nothing is missing\n"
    assert written(client)[:2] == before[:2]


def test_day_after_day_is_the_same_as_all_at_once(engage: Engage, client: Client) -> None:
    settle(engage)
    at_once = sums(client)
    forget(client)
    for number in range(10, 25):
        assert engage("settle", "--day", f"2025-03-{number}") == 0
    assert sums(client) == at_once
    before = written(client)
    assert settle(engage) == 0
    assert written(client) == before


def test_an_earlier_day_settled_again_takes_back_nothing_that_was_due_later(
    engage: Engage, client: Client, tables: Tables
) -> None:
    settle(engage)
    tables.write("windows_1m", minute("v", START_S + 60, views=500, version=2))
    tables.write("windows_1m", minute("v", END_S, views=1_500))  # now reached on day two
    assert engage("settle", "--day", DAY_ONE) == 0
    assert sums(client)["brand_deal", "c"] == EARNED["brand_deal", "c"]


def test_one_event_of_long_ago_costs_one_day(
    engage: Engage, client: Client, tables: Tables
) -> None:
    tables.write("windows_1m", minute("w", 60, likes=1))
    assert settle(engage) == 0
    days = rows(
        client, "SELECT toString(day) FROM settlements WHERE source = 'creator_fund' ORDER BY day"
    )
    assert days == [("1970-01-01",), (DAY_ONE,), (DAY_TWO,), (LAST,)]
    assert sums(client) == EARNED


# --- cut off


class Failing(Writer):
    """A writer whose connection goes at the n-th write, before or after the rows are stored."""

    left = 0
    stores_last = False

    def write(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if Failing.left == 0 and not Failing.stores_last:
            raise Unavailable("gone")
        super().write(table, columns)
        if Failing.left == 0:
            raise Unavailable("gone after storing")
        Failing.left -= 1


@pytest.mark.slow
@pytest.mark.parametrize("stores_last", [False, True])
def test_cut_off_between_any_two_writes_it_is_finished_by_the_next(
    engage: Engage, client: Client, monkeypatch: pytest.MonkeyPatch, *, stores_last: bool
) -> None:
    words = ("settle", "--day", DAY_TWO)
    engage(*words)
    whole = written(client)
    number, cut = 0, True
    monkeypatch.setattr(Failing, "stores_last", stores_last)
    while cut:
        forget(client)
        monkeypatch.setattr(Failing, "left", number)
        monkeypatch.setattr(command, "Writer", Failing)
        cut = engage(*words) == 2
        monkeypatch.setattr(command, "Writer", Writer)
        assert engage(*words) == 0
        assert written(client) == whole, f"cut off at write {number}"
        number += 1
    assert number > 10


# --- at once


def settle_with(url: str, database: str) -> Settled:
    settings = Settings(clickhouse=url, database=database, rates=str(RATES))
    with closing(connect(url, database)) as client:
        days = [date.fromisoformat(day) for day in (DAY_ONE, DAY_TWO, LAST)]
        return command.settle(client, settings, load_rates(RATES), days)


def test_two_at_once_book_the_same_entries(
    engage: Engage, client: Client, clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    settle(engage)
    whole = written(client)
    for _ in range(3):
        forget(client)
        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(settle_with, clickhouse.url, migrated) for _ in range(4)]
            assert all(not one.result().refusals for one in done)
        assert written(client) == whole


def test_settling_while_the_facts_change_ends_at_the_targets(
    engage: Engage, client: Client, tables: Tables, clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    stop = threading.Event()

    def change() -> None:
        with Writer(clickhouse.url, migrated) as writer:
            for version in range(2, 1_000):
                views = 1_000 + version % 7 * 10
                minutes = minute(
                    "w", START_S + 60, views=views, qualified_views=views, version=version
                )
                Tables(writer).write("windows_1m", minutes)
                if stop.is_set():
                    return

    changing = threading.Thread(target=change)
    changing.start()
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(settle_with, clickhouse.url, migrated) for _ in range(9)]
        assert all(not one.result().refusals for one in done)
    stop.set()
    changing.join()
    newest = minute("w", START_S + 60, views=1_000, qualified_views=1_000, version=10_000)
    tables.write("windows_1m", newest)
    settle(engage)
    assert sums(client) == EARNED
    assert not settle_with(clickhouse.url, migrated).entries


# --- what comes after a settlement


def test_late_views_are_an_adjustment(engage: Engage, client: Client, tables: Tables) -> None:
    settle(engage)
    tables.write("windows_1m", minute("w", END_S + 120, qualified_views=500, source=1))
    assert settle(engage) == 0
    assert ("adjustment", "f", USD, RECOUNTED) in entries(client, "creator_rewards")
    assert sums(client) == EARNED | {("creator_rewards", "f"): 3 * USD}


def test_an_invalidation_takes_back_what_nothing_supports(
    engage: Engage, client: Client, tables: Tables
) -> None:
    settle(engage)
    gone = minute("v", START_S + 60, views=0, qualified_views=0, version=2)
    tables.write("windows_1m", gone)
    assert settle(engage) == 0
    taken_back = [row for row in entries(client, "creator_rewards") if row[0] == "adjustment"]
    assert sorted(taken_back) == [
        ("adjustment", "c", -334_067, UNSUPPORTED),
        ("adjustment", "d", -333_967, UNSUPPORTED),
        ("adjustment", "e", -333_966, UNSUPPORTED),
    ]
    left = {key: n for key, n in EARNED.items() if key[0] in ("affiliate", "sale")}
    whole_pools = {("creator_fund", "f"): 2 * USD, ("creator_rewards", "f"): 2 * USD}
    assert sums(client) == left | whole_pools, "milestones and rewards of v are gone"


@pytest.mark.parametrize(
    ("refund", "commission", "sale"),
    [(4 * USD, 600_000, 6 * USD - 540_000 - 600_000), (None, 0, 0)],
)
def test_a_refund_after_settlement(
    engage: Engage,
    client: Client,
    tables: Tables,
    refund: int | None,
    commission: int,
    sale: int,
) -> None:
    settle(engage)
    tables.write(
        "order_events", order("refunded", START_MS + 20 * DAY_MS, refund_micros=refund, version=3)
    )
    assert settle(engage) == 0
    (given_back,) = [row for row in entries(client, "affiliate") if row[0] == "adjustment"]
    assert given_back[1:] == ("c", commission - USD, "refund")
    found = sums(client)
    assert found.get(("affiliate", "c"), 0) == commission
    assert found.get(("sale", "g"), 0) == sale


def test_money_follows_a_video_to_another_creator(
    engage: Engage, client: Client, tables: Tables
) -> None:
    settle(engage)
    tables.write("video_totals", published("w", "h", version=2))
    assert settle(engage) == 0
    rewards = entries(client, "creator_rewards")
    assert sorted(row[:3] for row in rewards if row[1] in "fh") == [
        ("adjustment", "f", -2 * USD),
        ("final", "f", 2 * USD),
        ("final", "h", 2 * USD),
    ]
    found = sums(client)
    assert ("creator_rewards", "f") not in found
    assert ("creator_fund", "f") not in found, "h has no followers: c has the pool of day one"
    assert (
        found["creator_fund", "c"] + found["creator_fund", "d"] + found["creator_fund", "e"] == USD
    )


def test_an_order_that_turns_out_to_be_settled_earlier_keeps_its_one_commission(
    engage: Engage, client: Client, tables: Tables
) -> None:
    late = {"order_id": "late"}
    placed = order("placed", START_MS + 60_000, version=8, **late)
    tables.write(
        "order_events", placed, order("settled", START_MS + 12 * DAY_MS, version=9, **late)
    )
    assert engage("settle", "--through", "2025-03-20") == 0
    assert len(entries(client, "affiliate")) == 1, "due on the 22nd"
    tables.write("order_events", order("settled", END_MS, version=10, **late))
    assert engage("settle", "--day", DUE) == 0
    query = (
        "SELECT toString(toDate(occurred_at)) FROM ledger WHERE entry_id LIKE 'affiliate:late:%'"
    )
    assert rows(client, query) == [(DUE,)]
    assert settle(engage) == 0
    assert rows(client, query) == [(DUE,)]


def test_a_commission_of_a_shared_video_is_split(
    engage: Engage, client: Client, tables: Tables
) -> None:
    seen = product_view("w", user_id="z", creator_id="c", event_time=START_MS)
    placed = order("placed", START_MS + 1, order_id="p", user_id="z", paid_micros=10, version=8)
    settled = order("settled", END_MS, order_id="p", user_id="z", paid_micros=10, version=9)
    tables.write("product_views", seen)
    tables.write("order_events", placed, settled)
    assert settle(engage) == 0
    shared = "SELECT creator_id, amount_micros FROM ledger WHERE entry_id LIKE 'affiliate:p:%'"
    assert rows(client, shared) == [("c", 1)], "one micro-unit is not divided: the largest has it"


# --- open days, refusals


@pytest.mark.parametrize("which", ["--day", "--through"])
def test_an_open_day_is_refused(
    engage: Engage, client: Client, capsys: Capture, which: str
) -> None:
    assert engage("settle", which, "2025-03-25") == 2
    assert capsys.readouterr().err == (
        "error: 2025-03-25 is not over in event time (closed so far: 2025-03-24): wait\n"
    )
    assert not any(written(client))


def test_a_day_is_over_when_it_is_over_everywhere(
    engage: Engage, tables: Tables, capsys: Capture, tmp_path: Path
) -> None:
    tables.write("partitions", partition(START_MS + 15 * DAY_MS - 1, partition=1))
    tables.write("partitions", partition(0, partition=2))
    assert settle(engage) == 2
    assert "closed so far: 2025-03-23" in capsys.readouterr().err
    zone = changed_rates(
        tmp_path, ('gift_preset = "A"', 'gift_preset = "A"\npay_day_time_zone = "America/New_York"')
    )
    assert engage("settle", "--day", "2025-03-23", rates=zone) == 0
    tables.write("partitions", partition(START_MS + 14 * DAY_MS + 4 * 3_600_000 - 1, version=2))
    assert engage("settle", "--day", "2025-03-23", rates=zone) == 2


def test_nothing_counted_is_no_day_over(engage: Engage, client: Client, capsys: Capture) -> None:
    client.command("TRUNCATE TABLE partitions")
    assert engage("settle", "--day", DAY_ONE) == 2
    assert "closed so far: no day" in capsys.readouterr().err


def test_what_cannot_be_computed_is_named_and_all_else_is_booked(
    engage: Engage, client: Client, tables: Tables, capsys: Capture
) -> None:
    over = order("refunded", END_MS, order_id="over:1", refund_micros=11 * USD, version=11)
    odd = {"order_id": "odd", "currency": "ABC"}
    old = {"order_id": "old", "seller_id": "s9"}
    tables.write(
        "order_events",
        order("placed", START_MS + 1, order_id="over:1", version=10),
        over,
        order("placed", START_MS + 1, version=12, **odd),
        {**order("placed", 1, version=13, **old), "event_time": 1_000},
    )
    assert settle(engage) == 1
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "refused: affiliate:old: missing_rate: no affiliate row of region US is valid then",
        "refused: affiliate:odd: unknown_currency: 'ABC' is none of ISO 4217",
        "refused: affiliate:over%3A1: refund_above_paid: 11000000 micro-units given back of 10000000",
        "refused: sale:odd: unknown_currency: 'ABC' is none of ISO 4217",
        "refused: sale:over%3A1: refund_above_paid: 11000000 micro-units given back of 10000000",
    ]
    assert sums(client) == EARNED


def test_a_refused_pool_is_not_settled(
    engage: Engage, client: Client, capsys: Capture, tmp_path: Path
) -> None:
    later = changed_rates(tmp_path, FUND_LATER)
    assert settle(engage, rates=later) == 1
    assert f"refused: creator_fund:{DAY_ONE}: missing_rate" in capsys.readouterr().err
    settled = rows(client, "SELECT toString(day) FROM settlements WHERE source = 'creator_fund'")
    assert settled == [(LAST,)], "nobody was viewed that day: nothing to divide"
    assert settle(engage) == 0
    assert sums(client) == EARNED
    assert settle(engage, rates=later) == 1
    assert sums(client) == EARNED, "what was booked stays while nobody can tell"


FUND_LATER = (
    'version = "fund-1"\nregion = "*"\nvalid_from = 2020-01-01T00:00:00Z',
    'version = "fund-1"\nregion = "*"\nvalid_from = 2025-03-12T00:00:00Z',
)
