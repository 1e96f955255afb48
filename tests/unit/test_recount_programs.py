"""The recount of what settlement books: small logs, amounts worked out by hand from the rules."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.rates import load_rates
from scripts.recount.model import Rules
from scripts.recount.programs.told import followers_before, targets_of
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS, event, invalidated
from tests.oracle.logs import Event, count, rules

RATES = load_rates(Path(__file__).parent.parent / "worked" / "rates.toml")
USD = 1_000_000
MINUTE_MS = 60_000
DAY = "2024-03-01"


def targets(
    *events: Event, source: str, days: Iterable[int] = (0,), region: str = "US"
) -> dict[tuple[str, str], int]:
    """Return {(key, creator): amount} of a program when these days after T0 are settled."""
    settled = [(source, T0_MS + day * DAY_MS) for day in days]
    found = targets_of(count(*events, rates=RATES, region=region), settled, _rules(region))
    assert not found.unknown
    assert not found.unknown_pools
    return {(a.key, a.creator_id): target.amount_micros for a, target in found.accounts.items()}


def _rules(region: str) -> Rules:
    return replace(rules(), rates=RATES, region=region)


def of(creator: str, video: str) -> dict[str, str]:
    return {"creator_id": creator, "video_id": video}


def crowd(kind: str, number: int, **fields: Any) -> list[Event]:
    """Return an event of each of so many users."""
    return [event(kind, user_id=f"u{n}", **fields) for n in range(number)]


# Creator Fund: 1 USD a day; 10 followers, 100 views in 30 days; twice as much at 10 % engagement


def test_a_pool_is_divided_by_views_and_quality_among_those_who_take_part() -> None:
    log = [
        *crowd("view", 100, **of("c", "v")),
        *crowd("follow", 10, **of("c", "v")),
        *crowd("view", 100, **of("d", "w")),
        *crowd("like", 10, **of("d", "w")),
        *crowd("follow", 10, **of("d", "w")),
        *crowd("view", 100, **of("e", "x")),  # nine followers are not enough
        *crowd("follow", 9, **of("e", "x")),
    ]
    assert targets(*log, source="creator_fund") == {
        (f"creator_fund:v:{DAY}", "c"): 333_333,
        (f"creator_fund:w:{DAY}", "d"): 666_667,
    }


def test_who_takes_part_is_decided_as_of_the_end_of_the_day() -> None:
    first = [*crowd("view", 100), *crowd("follow", 9)]
    log = [*first, event("follow", user_id="z", at=DAY_MS), event("view", at=DAY_MS)]
    assert targets(*log, source="creator_fund", days=(0, 1)) == {
        ("creator_fund:v:2024-03-02", "c"): USD
    }
    log[-2]["event_time_ms"] -= 1
    found = targets(*log, source="creator_fund", days=(0, 1))
    assert found == {
        (f"creator_fund:v:{DAY}", "c"): USD,
        ("creator_fund:v:2024-03-02", "c"): USD,
    }


def test_views_older_than_thirty_days_do_not_count() -> None:
    log = [*crowd("follow", 10), *crowd("view", 99), event("view", user_id="z", at=29 * DAY_MS)]
    found = targets(*log, source="creator_fund", days=(29, 30))
    assert found == {("creator_fund:v:2024-03-30", "c"): USD}
    log.append(event("view", user_id="y", at=30 * DAY_MS))
    assert targets(*log, source="creator_fund", days=(30,)) == {}


def test_a_part_of_a_shared_video_is_split_by_largest_remainder() -> None:
    shared = event("video_published", collaborators=[{"creator_id": "k", "share_bps": 3_333}])
    log = [shared, *crowd("view", 100), *crowd("follow", 10)]
    assert targets(*log, source="creator_fund") == {
        (f"creator_fund:v:{DAY}", "c"): 666_700,
        (f"creator_fund:v:{DAY}", "k"): 333_300,
    }


def test_a_pool_without_a_rate_is_unknown() -> None:
    before = {"at": -20 * 365 * DAY_MS}
    expected = count(event("view", **before), rates=RATES, region="US")
    day_ms = T0_MS - 20 * 365 * DAY_MS
    found = targets_of(expected, [("creator_fund", day_ms)], _rules("US"))
    assert found.accounts == {}
    assert found.unknown_pools == {"2004-03-06"}


def test_the_last_action_before_a_time_decides_who_follows() -> None:
    log = [
        event("follow"),
        event("unfollow", at=5),
        event("follow", at=9),
        event("follow", user_id="w"),
    ]
    follows = count(*log).facts.follows.values()
    at = [followers_before(follows, T0_MS + ms) for ms in (0, 1, 6, 10)]
    assert at == [{}, {"c": 2}, {"c": 1}, {"c": 2}]


# Creator Rewards: 1,000 micros a view beyond 1,000; in region FACTOR every view, times 0.6 to 1.2


def test_views_of_later_days_are_beyond_the_threshold_of_earlier_ones() -> None:
    log = [event("video_published"), *crowd("view", 999)]
    log += [event("view", user_id=f"w{n}", at=DAY_MS) for n in range(3)]
    assert targets(*log, source="creator_rewards", days=(0, 1)) == {
        (f"creator_rewards:v:{DAY}", "c"): 0,
        ("creator_rewards:v:2024-03-02", "c"): 2_000,
    }
    assert targets(*log, source="creator_rewards", days=()) == {}


def test_the_factor_is_made_of_the_counts_of_the_day() -> None:
    """0.5 for originality, 0.5 x (half watched + none finished) / 2, 0.5 x 1 search of 5 views."""
    watched = {"watch_ms": 45_000}
    log = [
        event("video_published"),
        *crowd("view", 4, **watched),
        event("view", user_id="s", feed="search", **watched),
        event("like", at=DAY_MS),
    ]
    found = targets(*log, source="creator_rewards", region="FACTOR")
    assert found == {(f"creator_rewards:v:{DAY}", "c"): 2_900}
    found = targets(*log, event("like"), source="creator_rewards", region="FACTOR")
    assert found == {(f"creator_rewards:v:{DAY}", "c"): 4_800}  # 1.225 is more than 1.2


# Orders: product p of shop s pays 20 % until 1 March, then 10 %; settled after seven days


def order_of(at: int = 0, settled: int = DAY_MS, **fields: Any) -> list[Event]:
    fields = {"paid_micros": 10 * USD} | fields
    return [event("order_placed", at=at, **fields), event("order_settled", at=settled, **fields)]


def test_a_commission_is_locked_for_who_promoted_before_the_cut_and_due_after_seven_days() -> None:
    log = [event("affiliate_click", at=-HOUR_MS), *order_of()]
    assert targets(*log, source="affiliate", days=(6,)) == {}
    assert targets(*log, source="affiliate", days=(6, 7)) == {("affiliate:o", "c"): 2 * USD}
    log[0] = event("affiliate_click", at=HOUR_MS)
    log[1:] = order_of(2 * HOUR_MS)
    assert targets(*log, source="affiliate", days=(7,)) == {("affiliate:o", "c"): USD}
    earlier = event("affiliate_click", user_id="other", at=-1)
    assert targets(*log, earlier, source="affiliate", days=(7,)) == {("affiliate:o", "c"): 2 * USD}


def test_a_click_in_a_live_counts_for_half_an_hour_and_then_a_view_may_win() -> None:
    shared = [{"creator_id": "k", "share_bps": 3_333}]
    at = DAY_MS
    log = [
        event("video_published", product_ids=["p"], collaborators=shared, at=-1),
        event("view", at=at - HOUR_MS),
        event("affiliate_click", live_id="l", creator_id="d", at=at - 30 * MINUTE_MS),
        *order_of(at, paid_micros=1_001, settled=at),
    ]
    assert targets(*log, source="affiliate", days=(8,)) == {("affiliate:o", "d"): 100}
    log[2]["event_time_ms"] -= 1
    assert targets(*log, source="affiliate", days=(8,)) == {
        ("affiliate:o", "c"): 67,
        ("affiliate:o", "k"): 33,
    }


def test_a_sale_is_what_was_kept_less_fees_and_the_commission_once_it_is_due() -> None:
    """7 of 10 USD were kept: 9 % of that are fees, 20 % the commission."""
    refund = event("order_refunded", at=2 * DAY_MS, paid_micros=10 * USD, refund_micros=3 * USD)
    log = [event("affiliate_click", at=-HOUR_MS), *order_of(), refund]
    assert targets(*log, source="sale", days=(7,)) == {}  # s is no creator
    log.append(event("live_started", creator_id="s"))
    assert targets(*log, source="sale", days=(0,)) == {}
    assert targets(*log, source="sale", days=(1,)) == {("sale:o", "s"): 6_370_000}
    assert targets(*log, source="sale", days=(7,)) == {("sale:o", "s"): 4_970_000}
    assert targets(*log, source="affiliate", days=(7,)) == {("affiliate:o", "c"): 1_400_000}


def test_an_order_whose_events_contradict_each_other_is_unknown() -> None:
    placed, settled = order_of()
    settled["paid_micros"] += 1
    expected = count(placed, settled, event("live_started", creator_id="s"))
    found = targets_of(expected, [("affiliate", T0_MS + 7 * DAY_MS)], _rules("US"))
    assert found.accounts == {}
    assert found.unknown == {"affiliate:o", "sale:o"}


# Deals


def test_a_milestone_pays_its_part_of_the_fee_on_the_day_that_reached_it() -> None:
    milestones = [{"views": 3, "share_bps": 3_333}, {"views": 5, "share_bps": 6_667}]
    views = [event("view", at=n // 3 * DAY_MS, user_id=f"u{n}") for n in range(5)]
    log = [event("deal_signed", fee_micros=100, milestones=milestones), *views]
    first = {("brand_deal:d:3", "c"): 33}
    assert targets(*log, source="brand_deal") == first
    assert targets(*log, source="brand_deal", days=(1,)) == first | {("brand_deal:d:5", "c"): 67}
    taken_back = invalidated(views[0], at=DAY_MS)
    assert targets(*log, taken_back, source="brand_deal", days=(1,)) == first
    assert targets(*log, taken_back, source="brand_deal") == {}  # the second day reached it
    again = event("view", user_id="z", at=2 * DAY_MS)
    assert targets(*log, taken_back, again, source="brand_deal", days=(1,)) == first
