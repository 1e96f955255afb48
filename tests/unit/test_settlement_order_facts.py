"""What settlement reads of orders, links, deals and the ledger: every query on a few rows."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rates import load_rates
from scripts.settlement.facts import Facts
from streams.programs.affiliate import Promotion
from streams.programs.days import DAY_MS, pay_day
from streams.programs.facts import Click, Deal, LedgerAmount, Order, OrderStep, Post, ProductView
from tests.unit.clickhouse_rows import Tables, video
from tests.unit.settlement_rows import (
    DAY,
    END_MS,
    END_S,
    ODD_ID,
    START_MS,
    click,
    entry,
    minute,
    product_view,
    step,
)


@pytest.fixture
def facts(client: Client) -> Facts:
    return Facts(client)


# --- orders, clicks, product views


def test_order_steps_say_all_of_their_events(facts: Facts, tables: Tables) -> None:
    tables.write(
        "order_events",
        step("placed", ODD_ID, order_id=ODD_ID, event_time=END_MS - 1, version=1),
        step("settled", "e2", source=2),
        step("refunded", "e3", refund_micros=None, version=2),
        step("refunded", "e4", refund_micros=0, version=3),
        step("refunded", "e5", refund_micros=4, version=4),
    )
    tables.write("order_events", step("refunded", "e5", refund_micros=4, version=4))
    common = ("o", "u", "s", "p", 9, "USD")
    assert sorted(facts.order_steps(), key=lambda one: (one.kind, one.event_id)) == [
        OrderStep("placed", ODD_ID, END_MS - 1, ODD_ID, *common[1:], None),
        OrderStep("refunded", "e3", START_MS, *common, None),
        OrderStep("refunded", "e4", START_MS, *common, 0),
        OrderStep("refunded", "e5", START_MS, *common, 4),
        OrderStep("settled", "e2", START_MS, *common, None),
    ]


TERMS = load_rates().affiliate(START_MS, "US")


def winner_of(facts: Facts, **more: Any) -> tuple[str, str, str] | None:
    """Whom an order of u, s, p is credited to: kind, creator, video."""
    assert TERMS is not None
    made = Order("o", END_MS, "u", "s", "p", 9, "USD")._replace(**more)
    found = facts.interactions().winner(made, TERMS)
    return None if found is None else (found.kind, found.creator_id, found.video_id)


def test_clicks_and_views_of_buyers(facts: Facts, tables: Tables) -> None:
    tables.write("order_events", step("placed", "e1"))
    tables.write(
        "affiliate_clicks",
        click("k1", link_id="l", live_id="live", event_time=END_MS - 1),
        click("k2", user_id="w", source=1),
    )
    tables.write(
        "product_views",
        product_view("w1"),
        product_view("w2", user_id="w"),
        product_view("w3", event_time=END_MS, counted=0),
    )
    assert facts.clicks() == [Click("k1", END_MS - 1, "u", "c", "s", "p", "l", "live")]
    assert facts.product_views() == [
        ProductView("w1", END_MS - 1, "u", "of-view", "v", ("other", "p"))
    ]
    assert winner_of(facts) == ("live click", "c", "")


def test_an_invalidated_view_wins_nothing(facts: Facts, tables: Tables) -> None:
    tables.write("order_events", step("placed", "e1"))
    tables.write("product_views", product_view("w1"), product_view("w1", counted=0, version=2))
    assert winner_of(facts) is None


def test_a_product_is_of_the_shop_whoever_clicked_on_it(facts: Facts, tables: Tables) -> None:
    tables.write("order_events", step("placed", "e1"))
    tables.write("product_views", product_view("w1", product_ids=["other"]))
    assert winner_of(facts) is None
    tables.write("affiliate_clicks", click("k", user_id="never-bought", product_id="other"))
    assert winner_of(facts) == ("view", "of-view", "v")


def test_since_when_a_creator_promotes(facts: Facts, tables: Tables) -> None:
    tables.write(
        "affiliate_clicks",
        click("k1", event_time=END_MS),
        click("k2", event_time=START_MS + 1, user_id="w", source=1),
        click("k3", creator_id="", event_time=1),
        click("k4", product_id="q:1", creator_id=ODD_ID),
    )
    assert facts.promoting_since_ms() == {
        Promotion("c", "s", "p"): START_MS + 1,
        Promotion(ODD_ID, "s", "q:1"): START_MS,
    }


def test_sellers_are_creators_if_they_are_now(facts: Facts, tables: Tables) -> None:
    for number, seller in enumerate(("by-video", "by-live", "was", "nobody", ODD_ID)):
        tables.write("order_events", step("placed", "e", order_id=f"o{number}", seller_id=seller))
    tables.write("video_totals", video("v", creator_id="was"), video("w", creator_id=ODD_ID))
    tables.write("video_totals", video("v", creator_id="by-video", version=2))
    tables.write("live_totals", {"live_id": "l", "creator_id": "was", "version": 1})
    tables.write("live_totals", {"live_id": "l", "creator_id": "by-live", "version": 2})
    assert facts.selling_creators() == {"by-video", "by-live", ODD_ID}


# --- deals, posts, ledger


def test_deals_with_their_milestones(facts: Facts, tables: Tables) -> None:
    deal = {
        "video_id": "v",
        "deal_id": "d:1",
        "event_id": "e",
        "event_time": END_MS - 1,
        "creator_id": "c",
        "brand_id": "b",
        "fee_micros": 7,
        "currency": "EUR",
        "milestones": ["0:1", "1000:9999"],
        "counted": 1,
        "version": 1,
    }
    tables.write("deals", deal, {**deal, "deal_id": "gone", "counted": 0}, {**deal, "source": 1})
    one = Deal("d:1", "b", "c", "v", END_MS - 1, 7, "EUR", ((0, 1), (1_000, 9_999)))
    assert facts.deals() == [one, one]
    tables.write(
        "windows_1m",
        minute("v", END_S - 60, views=5),
        minute("v", END_S, views=2),
        minute("v", END_S, views=1, source=1),
        minute("other", END_S, views=9),
    )
    assert facts.deal_views_by_day() == {"v": {START_MS: 5, END_MS: 3}}


def test_posts_are_what_a_creator_published(facts: Facts, tables: Tables) -> None:
    counts = {"views": 5, "likes": 4, "comments": 3, "shares": 2, "favorites": 1}
    tables.write(
        "video_totals",
        video("v", creator_id=ODD_ID, published_at=7, **counts),
        video("unpublished", creator_id=ODD_ID, views=9),
        video("other", published_at=7),
    )
    assert facts.posts(ODD_ID) == [Post("v", 7, 5, 4, 3, 2, 1)]


def test_ledger_amounts_keep_what_a_balance_depends_on(facts: Facts, tables: Tables) -> None:
    day = pay_day(DAY, ZoneInfo("UTC"))
    tables.write(
        "ledger",
        entry("a", 1, START_MS - 1),
        entry("b", 2, START_MS - DAY_MS + 1),
        entry("c", 4, START_MS - DAY_MS),
        entry("d", 8, START_MS),
        entry("e", -3, START_MS + 5, state="adjustment"),
        entry("f", -5, START_MS - 1, state="adjustment"),
        entry("p", -6, START_MS, source="payout"),
        entry("q", -7, START_MS - 1, source="payout"),
        entry("x", 9, START_MS - 1, currency="EUR"),
    )
    tables.write("ledger", entry("a", 1, START_MS - 1))
    found = sorted(facts.ledger_amounts(day, 15))
    assert sum(amount.amount_micros for amount in found if amount.currency == "USD") == -6
    assert LedgerAmount("c", "EUR", "", START_MS - 1, 9) in found
    assert LedgerAmount("c", "USD", "", START_MS - 1, 3) in found, "younger than a day, added up"
    assert LedgerAmount("c", "USD", "", START_MS - DAY_MS, 4) in found
    assert LedgerAmount("c", "USD", "payout", START_MS, -6) in found
