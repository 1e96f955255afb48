"""Creator Rewards by hand: 1,000 micro-dollars a view beyond the 1,000th, twice from 10 March on."""

from typing import Any

import pytest

from streams.programs.creator_rewards import rewards_lines
from streams.programs.facts import Quality, RewardsVideo, Share
from streams.programs.lines import Result
from streams.settlement import RECOUNTED
from streams.subjects import Published
from tests.worked.ledger import Ledger
from tests.worked.world import RATES, amounts, day, reasons

LONG = Published(0, "p", "c", 60_000, "", (), "", "", True, False, (), ())


def video(
    published: Published | None = LONG,
    quality: Quality | None = None,
    shares: tuple[Share, ...] = (),
    **views: Any,
) -> RewardsVideo:
    """Return a video with qualified views on days of March 2024: d09=5 is five on the 9th."""
    by_day = {day(f"2024-03-{name[1:]}"): number for name, number in views.items()}
    told = dict.fromkeys(by_day, quality) if quality else {}
    return RewardsVideo("v", "c", published, by_day, told, shares)


def rewards(one: RewardsVideo, region: str = "US") -> Result:
    return rewards_lines([one], RATES, region)


@pytest.mark.parametrize(
    ("region", "views", "expected"),
    [
        pytest.param("US", {"d01": 999}, {"01": 0}, id="below the threshold"),
        pytest.param("US", {"d01": 1_000}, {"01": 0}, id="at it, only the excess is paid"),
        pytest.param("US", {"d01": 1_003}, {"01": 3_000}, id="beyond it"),
        pytest.param("DE", {"d01": 999}, {"01": 0}, id="backlog: below"),
        pytest.param("DE", {"d01": 1_000}, {"01": 1_000_000}, id="backlog: all are paid at once"),
        pytest.param(
            "US", {"d01": 600, "d02": 600}, {"01": 0, "02": 200_000}, id="crossed on the second day"
        ),
        pytest.param(
            "DE", {"d01": 600, "d02": 600}, {"01": 0, "02": 1_200_000}, id="backlog: crossed later"
        ),
        pytest.param(
            "US",
            {"d09": 1_500, "d10": 10},
            {"09": 500_000, "10": 20_000},
            id="each day at the rate of its start",
        ),
        pytest.param(
            "ODD", {"d01": 1, "d02": 2}, {"01": 333, "02": 666}, id="rounded on the running total"
        ),
    ],
)
def test_days_of_qualified_views(
    region: str, views: dict[str, Any], expected: dict[str, int]
) -> None:
    lines = rewards(video(**views), region).lines
    assert {line.key[-2:]: line.amount_micros for line in lines} == expected


@pytest.mark.parametrize(
    "published",
    [
        None,
        LONG._replace(duration_ms=59_999),
        LONG._replace(is_original=False),
        LONG._replace(is_promoted=True),
    ],
)
def test_only_original_unpromoted_videos_of_a_minute_earn(published: Published | None) -> None:
    assert amounts(rewards(video(published, d01=5_000)).lines) == {"c": 0}


def test_a_late_view_crosses_the_threshold_after_settlement() -> None:
    ledger = Ledger()
    assert ledger.settle(rewards(video(d01=999), "DE").lines) == []
    assert ledger.settle(rewards(video(d01=1_000), "DE").lines) == [("c", "final", 1_000_000, "")]
    assert ledger.balances() == {("c", "EUR"): 1_000_000}


def test_a_late_view_of_an_early_day_moves_the_money_of_the_later_day() -> None:
    ledger = Ledger()
    ledger.settle(rewards(video(d01=600, d02=600)).lines)
    assert ledger.settle(rewards(video(d01=1_100, d02=600)).lines) == [
        ("c", "final", 100_000, ""),
        ("c", "adjustment", 400_000, RECOUNTED),
    ]
    assert ledger.balances() == {("c", "USD"): 700_000}


def test_invalidated_views_are_taken_back_and_leave_the_balance_negative_once_it_is_paid() -> None:
    ledger = Ledger()
    ledger.settle(rewards(video(d01=1_100)).lines)
    assert ledger.settle(rewards(video(d01=1_040)).lines) == [
        ("c", "adjustment", -60_000, RECOUNTED)
    ]
    assert ledger.balances() == {("c", "USD"): 40_000}


def test_one_day_can_be_settled_alone() -> None:
    result = rewards_lines([video(d01=1_100, d02=1)], RATES, "US", day("2024-03-02"))
    assert [line.key for line in result.lines] == ["creator_rewards:v:2024-03-02"]
    assert amounts(result.lines) == {"c": 1_000}


def test_a_day_without_a_rate_is_refused_and_the_others_are_not() -> None:
    before = day("2019-12-31")
    one = video(d01=2_000)._replace(qualified_by_day={before: 5, day("2024-03-01"): 1_000})
    result = rewards(one)
    assert reasons(result.refusals) == [("creator_rewards:v:2019-12-31", "missing_rate")]
    assert amounts(result.lines) == {"c": 5_000}


HALF = Quality(
    views=10, watch_ms=300_000, completions=5, search_views=2, likes=1, comments=0, shares=0
)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        # half of one: originality 1, play 0, search 0, engagement 0 -> 0.5, held at 0.6
        pytest.param(None, 6_000, id="nothing known: the lower bound"),
        # 0.5 x (1 + 0.5 + 0.2 + 1) = 1.35, held at 1.2
        pytest.param(HALF, 12_000, id="the upper bound"),
        # 0.5 x (1 + 0.5 + 0.2 + 0) = 0.85
        pytest.param(HALF._replace(likes=0), 8_500, id="in between"),
        # the same 1 action of 10 views, as a share
        pytest.param(HALF._replace(likes=0, shares=1), 12_000, id="shares count as likes do"),
        # watched 4 times over, and finished 12 times in 10 views: both are 1. 0.5 x (1 + 1 + 0.2)
        pytest.param(
            HALF._replace(likes=0, watch_ms=2_400_000, completions=12), 11_000, id="loops are 1"
        ),
    ],
)
def test_the_four_factors(quality: Quality | None, expected: int) -> None:
    lines = rewards(video(quality=quality, d01=10), "FACTOR").lines
    assert [line.amount_micros for line in lines] == [expected]


def test_a_three_way_split_of_an_odd_amount_is_exact() -> None:
    shares = (Share("x", 3_333), Share("y", 3_333))
    lines = rewards(video(shares=shares, d01=1_001)).lines
    assert amounts(lines) == {"c": 334, "x": 333, "y": 333}
