"""Brand deals by hand: 1,000 USD, a fifth at 100 views, three tenths at 1,000, half at 100,000."""

from typing import Any

import pytest

from streams.programs.brand_deal import deal_lines
from streams.programs.facts import Deal, Share
from streams.programs.lines import Result
from streams.settlement import UNSUPPORTED
from tests.worked.ledger import Ledger
from tests.worked.world import USD, amounts, at, reasons

DEAL = Deal(
    "d",
    "b",
    "c",
    "v",
    at("2024-03-01 10:00"),
    1_000 * USD,
    "USD",
    ((100, 2_000), (1_000, 3_000), (100_000, 5_000)),
)


def paid(*deals: Deal, shares: tuple[Share, ...] = (), **views: Any) -> Result:
    """Return the lines for views on days of March 2024: d01=5 is five on the 1st."""
    by_day = {at(f"2024-03-{name[1:]}"): number for name, number in views.items()}
    return deal_lines(deals or (DEAL,), {"v": by_day}, {"v": shares})


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        pytest.param({}, {}, id="nobody saw it"),
        pytest.param({"d01": 99}, {}, id="one view short"),
        pytest.param({"d01": 100}, {"100": 200 * USD}, id="the first milestone"),
        pytest.param({"d01": 60, "d02": 60}, {"100": 200 * USD}, id="over two days"),
        pytest.param(
            {"d01": 5_000}, {"100": 200 * USD, "1000": 300 * USD}, id="two milestones in a day"
        ),
        pytest.param(
            {"d01": 90_000, "d02": 10_000},
            {"100": 200 * USD, "1000": 300 * USD, "100000": 500 * USD},
            id="all of them: the whole fee",
        ),
        pytest.param({"d01": 120, "d02": -30}, {}, id="views that were taken back do not count"),
    ],
)
def test_milestones_pay_when_views_reach_them(
    views: dict[str, Any], expected: dict[str, int]
) -> None:
    lines = paid(**views).lines
    assert {
        line.key.removeprefix("brand_deal:d:"): line.amount_micros for line in lines
    } == expected


def test_a_milestone_is_dated_when_it_was_reached_and_not_before_the_deal() -> None:
    lines = paid(d01=100, d02=5_000).lines
    assert [(one.key[-4:], one.occurred_at_ms) for one in lines] == [
        (":100", DEAL.signed_ms),
        ("1000", at("2024-03-02")),
    ]


def test_a_late_view_reaches_a_milestone_and_an_invalidation_takes_it_back() -> None:
    ledger = Ledger()
    assert ledger.settle(paid(d01=99).lines) == []
    assert ledger.settle(paid(d01=100).lines) == [("c", "final", 200 * USD, "")]
    assert ledger.settle(paid(d01=98).lines) == [("c", "adjustment", -200 * USD, UNSUPPORTED)]
    assert ledger.balances() == {("c", "USD"): 0}


@pytest.mark.parametrize(
    ("fee", "milestones", "expected"),
    [
        pytest.param(100, ((1, 3_333), (2, 3_333), (3, 3_334)), [33, 33, 34], id="odd parts"),
        pytest.param(1, ((1, 5_000), (2, 5_000)), [1, 0], id="a single micro-unit"),
        pytest.param(100, ((1, 2_500),), [25], id="milestones of less than the fee"),
        pytest.param(100, ((0, 10_000),), [100], id="a milestone of no views pays at signing"),
        pytest.param(100, ((1, 5_000), (1, 5_000)), [100], id="the same views twice are one"),
        pytest.param(0, ((1, 10_000),), [0], id="no fee"),
        pytest.param(100, (), [], id="no milestones"),
    ],
)
def test_the_parts_of_a_fee(
    fee: int, milestones: tuple[tuple[int, int], ...], expected: list[int]
) -> None:
    deal = DEAL._replace(fee_micros=fee, milestones=milestones)
    assert [line.amount_micros for line in paid(deal, d01=9).lines] == expected


def test_a_shared_video_s_milestone_is_split_three_ways() -> None:
    deal = DEAL._replace(fee_micros=1_001, milestones=((1, 10_000),))
    result = paid(deal, shares=(Share("x", 3_333), Share("y", 3_333)), d01=1)
    # 333.63, 333.63 and 333.73 of 1,001: the two left go to c, then to x
    assert amounts(result.lines) == {"c": 334, "x": 334, "y": 333}


def test_the_same_deal_twice_is_one_deal() -> None:
    assert amounts(paid(DEAL, DEAL, d01=100).lines) == {"c": 200 * USD}


@pytest.mark.parametrize(
    ("deals", "reason"),
    [
        ((DEAL, DEAL._replace(fee_micros=1)), "conflicting_facts"),
        ((DEAL._replace(fee_micros=-1),), "negative_amount"),
        ((DEAL._replace(milestones=((1, 9_999), (2, 2))),), "bad_shares"),
        ((DEAL._replace(milestones=((1, -1),)),), "bad_shares"),
        ((DEAL._replace(currency="XTS"),), "unknown_currency"),
    ],
)
def test_what_cannot_be_known_is_refused_and_left_as_it_is(
    deals: tuple[Deal, ...], reason: str
) -> None:
    ledger = Ledger()
    ledger.settle(paid(d01=100).lines)
    result = paid(*deals, d01=100)
    assert [(key.split(":")[:2], why) for key, why in reasons(result.refusals)] == [
        (["brand_deal", "d"], reason)
    ]
    assert ledger.settle(result.lines, result.refusals) == []


def test_a_share_of_more_than_the_whole_is_refused() -> None:
    result = paid(shares=(Share("x", 10_001),), d01=100)
    assert reasons(result.refusals) == [("brand_deal:d:100", "bad_shares")]
