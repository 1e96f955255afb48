"""Facts: which events give a row, what it says, and what becomes of it when it is taken back."""

from random import Random
from typing import Any

import pytest

from schemas.fact_rows import FACT_TABLES
from streams.subjects import SHARED, SOLD
from streams.topics import COMMERCE
from tests.oracle.events import DAY_MS, MINUTE_MS, T0_MS, event, invalidated
from tests.simulation.core import INCARNATION, Core, by_partition, core_of, cut, new_core
from tests.simulation.ruleset import rule_set
from tests.simulation.story import random_steps, story_of
from tests.simulation.tables import Row, Tables

RULES = rule_set().pipeline
BASE = INCARNATION << 40
SHOP = event("video_published", product_ids=["p1", "p2"])
SHARED_VIDEO = event("video_published", collaborators=[{"creator_id": "d", "share_bps": 9}])


def rows_of(core: Core, table: str) -> list[Row]:
    tables = Tables()
    tables.write_all(core.flush())
    return list(tables.rows(table))


def rows(table: str, *log: dict[str, Any], topic: str = "engagement.events") -> list[Row]:
    return rows_of(core_of(*log, rules=RULES, topic=topic), table)


def product_views(*log: dict[str, Any]) -> dict[str, list[str]]:
    """Return the products of each view that counts, by event id."""
    found = rows("product_views", *log)
    return {row["event_id"]: list(row["product_ids"]) for row in found if row["counted"]}


# Orders and clicks


def test_each_step_of_an_order_is_a_row_however_old() -> None:
    placed = event("order_placed", paid_micros=9, quantity=2, link_id="k")
    refunded = event("order_refunded", refund_micros=3, creator_id=None)
    settled = event("order_settled", at=-9 * DAY_MS)
    found = rows("order_events", placed, placed, refunded, settled, topic=COMMERCE)
    assert found[0] == {
        "user_id": "u",
        "order_id": "o",
        "type": "order_placed",
        "event_id": placed["id"],
        "source": 0,
        "event_time": T0_MS,
        "creator_id": "c",
        "seller_id": "s",
        "product_id": "p",
        "link_id": "k",
        "quantity": 2,
        "paid_micros": 9,
        "currency": "USD",
        "refund_micros": None,
        "reason": "",
        "version": BASE,
    }
    assert [(row["type"], row["version"] - BASE) for row in found[1:]] == [
        ("order_refunded", 2),
        ("order_settled", 3),
    ]
    assert (found[1]["refund_micros"], found[1]["creator_id"]) == (3, "")


def test_a_copy_that_comes_after_the_horizon_is_a_row_that_says_the_same() -> None:
    placed, later = event("order_placed"), event("order_placed", at=9 * DAY_MS)
    first, _, again = rows("order_events", placed, later, placed, topic=COMMERCE)
    assert first | {"version": again["version"]} == again


def test_a_click_may_be_made_inside_a_live() -> None:
    inside = event("affiliate_click", live_id="l", link_id="k")
    found = rows("affiliate_clicks", inside, event("affiliate_click"), topic=COMMERCE)
    assert [(row["live_id"], row["link_id"]) for row in found] == [("l", "k"), ("", "")]


# Product views


def test_a_view_is_a_product_view_by_the_publication_at_its_place() -> None:
    before, after = event("view"), event("view", user_id="w")
    assert product_views(before, SHOP, after) == {after["id"]: ["p1", "p2"]}


def test_the_latest_publication_stands_whatever_came_last() -> None:
    older = event("video_published", at=-1, product_ids=["p0"])
    newer = event("video_published", at=1)
    first, second = event("view"), event("view")
    assert product_views(older, SHOP, first, newer, second) == {first["id"]: ["p1", "p2"]}
    assert product_views(SHOP, older, first) == {first["id"]: ["p1", "p2"]}


def test_what_becomes_of_a_publication_later_changes_no_view_before() -> None:
    first, second = event("view"), event("view")
    found = product_views(SHOP, first, invalidated(SHOP), second)
    assert found == {first["id"]: ["p1", "p2"]}
    older = event("video_published", at=-1, product_ids=["p0"])
    found = product_views(older, SHOP, first, invalidated(SHOP), second)
    assert found == {first["id"]: ["p1", "p2"], second["id"]: ["p0"]}


def test_an_invalidated_view_does_not_count_even_if_the_video_sells_nothing_any_more() -> None:
    view = event("view", feed="search")
    log = (SHOP, view, invalidated(SHOP), invalidated(view))
    (row,) = rows("product_views", *log)
    assert (row["counted"], row["version"]) == (0, BASE + 3)
    (row,) = rows("search_views", *log)
    assert (row["counted"], row["version"]) == (0, BASE + 3)
    assert product_views(SHOP, invalidated(view), view) == {}, "it was suppressed"


def test_views_taken_back_of_videos_without_products_leave_no_row() -> None:
    view = event("view")
    assert rows("product_views", event("video_published"), view, invalidated(view)) == []


def test_late_views_and_copies_give_no_row() -> None:
    view = event("view", feed="search")
    late = event("view", feed="search", at=-2 * DAY_MS)
    assert list(product_views(SHOP, view, late, view)) == [view["id"]]
    assert [row["event_id"] for row in rows("search_views", view, late, view)] == [view["id"]]


def test_products_are_known_after_a_recovery() -> None:
    core = core_of(SHOP, event("view"), rules=RULES)
    core.flush()
    video = core.recovered().state.videos[b"v"]
    assert (video.product_ids, video.fact_bits, video.fact_bits_ever) == (("p1", "p2"), SOLD, SOLD)
    core = core_of(SHOP, invalidated(SHOP), rules=RULES)
    core.flush()
    video = core.recovered().state.videos[b"v"]
    assert (video.product_ids, video.fact_bits, video.fact_bits_ever) == ((), 0, SOLD)


# Views of shared videos


def test_a_view_is_of_a_shared_video_by_the_publication_at_its_place() -> None:
    before, first, again, alone, other = (event("view", user_id=who) for who in "aabcd")
    no_longer = event("video_published", at=1)
    apart = other | {"video_id": "w"}
    log = (before, SHARED_VIDEO, first, again, invalidated(first), no_longer, alone, apart)
    found = {row["event_id"]: row for row in rows("shared_views", *log)}
    assert {name: row["counted"] for name, row in found.items()} == {first["id"]: 0, again["id"]: 1}
    assert found[again["id"]] == {
        "video_id": "v",
        "user_id": "b",
        "event_id": again["id"],
        "source": 0,
        "event_time": T0_MS,
        "counted": 1,
        "version": BASE + 3,
    }


def test_a_view_of_a_once_shared_video_is_taken_back_after_a_recovery() -> None:
    view = event("view")
    core = core_of(SHARED_VIDEO, view, invalidated(SHARED_VIDEO), rules=RULES)
    core.flush()
    core = core.recovered()
    assert (core.state.videos[b"v"].fact_bits, core.state.videos[b"v"].fact_bits_ever) == (
        0,
        SHARED,
    )


# The others


@pytest.mark.parametrize("feed", ["for_you", "following", "profile", "shop", "other"])
def test_only_views_from_a_search_are_search_views(feed: str) -> None:
    assert rows("search_views", event("view", feed=feed)) == []


def test_a_deal_is_a_row_until_it_is_taken_back() -> None:
    milestones = [{"views": 0, "share_bps": 4_000}, {"views": 9, "share_bps": 1}]
    deal = event("deal_signed", at=-9 * DAY_MS, milestones=milestones)
    (row,) = rows("deals", event("like"), deal)
    assert (list(row["milestones"]), row["counted"]) == (["0:4000", "9:1"], 1)
    assert (row["deal_id"], row["brand_id"], row["fee_micros"]) == ("d", "b", 1)
    (row,) = rows("deals", deal, invalidated(deal))
    assert row["counted"] == 0


def test_every_follow_and_unfollow_is_kept() -> None:
    follow, unfollow = event("follow"), event("unfollow", at=MINUTE_MS)
    found = rows("follow_actions", follow, unfollow, invalidated(unfollow))
    assert [(row["event_id"], row["following"], row["counted"]) for row in found] == [
        (follow["id"], 1, 1),
        (unfollow["id"], 0, 0),
    ]


# Written once, and again after a crash


def test_facts_are_taken_once() -> None:
    core = core_of(SHOP, event("view"), event("follow"), rules=RULES)
    assert {"product_views", "follow_actions"} <= core.flush().keys()
    assert not core.flush().keys() & FACT_TABLES.keys()


def test_runs_applied_again_give_the_same_facts(rng: Random) -> None:
    for tp, records in by_partition(story_of(random_steps(rng, 400))).items():
        core, once = new_core(tp, RULES), Tables()
        half = len(records) // 2
        if half == 0:
            continue
        core.apply(records[:half])
        once.write_all(core.flush())
        again = Tables()
        for _ in range(2):
            dying = core.recovered()
            for run in cut(records[half:], rng):
                dying.apply(run)
                again.write_all(dying.flush(checkpoint=False))
        lasting = Tables()
        core.apply(records[half:])
        lasting.write_all(core.flush())
        for table in FACT_TABLES:
            assert again.dump().get(table) == lasting.dump().get(table)
