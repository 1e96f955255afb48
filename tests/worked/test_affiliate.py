"""Affiliate commissions by hand: u buys p of s for 10 USD; c's link was clicked an hour before."""

from typing import Any

import pytest

from streams.programs.affiliate import Promotion, state_of
from streams.programs.facts import OrderStep, Share
from streams.settlement import RECOUNTED, UNSUPPORTED
from tests.worked.ledger import Ledger
from tests.worked.world import (
    DAY_MS,
    ORDERED,
    RATES,
    USD,
    amounts,
    at,
    click,
    commissions,
    order,
    placed,
    product_view,
    reasons,
    refunded,
    settled,
)

C = Promotion("c", "s", "p")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param((placed(), settled()), {"c": 2 * USD}, id="20 % of 10 USD"),
        pytest.param((placed(),), {}, id="not settled: nothing yet"),
        pytest.param((settled(),), {}, id="never placed: nothing is known"),
        pytest.param((settled(), placed()), {"c": 2 * USD}, id="in any order"),
        pytest.param((placed(), placed(), settled(), settled()), {"c": 2 * USD}, id="copies"),
        pytest.param(
            (placed(), placed("2024-02-11"), settled()),
            {"c": 2 * USD},
            id="placed twice, paid once",
        ),
        pytest.param(
            (placed(), refunded("2024-02-12", 4 * USD), settled()),
            {"c": 1_200_000},
            id="a partial refund takes its part: 20 % of 6 USD",
        ),
        pytest.param(
            (refunded("2024-02-01", 4 * USD), placed(), settled()),
            {"c": 1_200_000},
            id="a refund that is seen before its order",
        ),
        pytest.param(
            (placed(), refunded("2024-02-12", USD), refunded("2024-02-13", 2 * USD), settled()),
            {"c": 1_400_000},
            id="refunds add up: 20 % of 7 USD",
        ),
        pytest.param(
            (placed(), refunded("2024-02-12", USD), refunded("2024-02-12", USD), settled()),
            {"c": 1_800_000},
            id="a copy of a refund is one refund",
        ),
        pytest.param(
            (
                placed(),
                refunded("2024-02-13", 2 * USD, event_id="r"),
                refunded("2024-02-12", USD, event_id="r"),
                settled(),
            ),
            {"c": 1_800_000},
            id="of two refunds with one id the first",
        ),
        pytest.param(
            (placed(), refunded("2024-02-12", None)), {}, id="cancelled before settlement: nothing"
        ),
        pytest.param(
            (placed(), refunded("2024-02-12", USD), refunded("2024-02-13", None), settled()),
            {"c": 0},
            id="a part and then everything: nothing is left",
        ),
        pytest.param((placed(paid_micros=0), settled(paid_micros=0)), {"c": 0}, id="free"),
        pytest.param(
            (placed(paid_micros=25, product_id="x"), settled(paid_micros=25, product_id="x")),
            {"c": 1},
            id="5 % of 25 micro-units is 1.25: 1",
        ),
        pytest.param(
            (placed(paid_micros=10, product_id="x"), settled(paid_micros=10, product_id="x")),
            {"c": 0},
            id="5 % of 10 micro-units is 0.5: half to even, 0",
        ),
        pytest.param(
            (placed(paid_micros=30, product_id="x"), settled(paid_micros=30, product_id="x")),
            {"c": 2},
            id="5 % of 30 micro-units is 1.5: half to even, 2",
        ),
    ],
)
def test_an_order_pays(steps: tuple[OrderStep, ...], expected: dict[str, int]) -> None:
    result = commissions(*steps)
    assert amounts(result.lines) == expected
    assert result.refusals == []


def test_a_partial_and_then_a_full_refund_after_settlement() -> None:
    ledger = Ledger()
    events = [placed(), settled()]
    assert ledger.settle(commissions(*events).lines) == [("c", "final", 2 * USD, "")]
    events.append(refunded("2024-03-05", 4 * USD))
    assert ledger.settle(commissions(*events).lines) == [("c", "adjustment", -800_000, "refund")]
    events.append(refunded("2024-03-09", None))
    assert ledger.settle(commissions(*events).lines) == [("c", "adjustment", -1_200_000, "refund")]
    assert ledger.balances() == {("c", "USD"): 0}
    assert ledger.settle(commissions(*events).lines) == []


@pytest.mark.parametrize(
    ("settled_at", "due"),
    [("2024-02-12", "2024-02-17 12:00"), ("2024-02-20", "2024-02-20")],
    ids=["settled early: seven days after the order", "settled late: then"],
)
def test_a_commission_is_due_after_the_delay(settled_at: str, due: str) -> None:
    events = (placed(), settled(settled_at))
    assert commissions(*events, as_of_ms=at(due)).lines[0].occurred_at_ms == at(due)
    assert commissions(*events, as_of_ms=at(due) - 1).lines == []


@pytest.mark.parametrize(
    ("ordered", "promoting_since", "bps", "version"),
    [
        pytest.param("2024-02-29 23:59", "2024-01-01", 2_000, "p-20", id="before the cut"),
        pytest.param("2024-03-15", "2024-01-01", 2_000, "p-20", id="cut inside the lock"),
        pytest.param("2024-03-30 23:59", "2024-01-01", 2_000, "p-20", id="the lock's last minute"),
        pytest.param("2024-03-31 00:00", "2024-01-01", 1_000, "p-10", id="the lock is over"),
        pytest.param("2024-03-15", "2024-03-01", 1_000, "p-10", id="promotes since the cut"),
        pytest.param("2024-03-15", "2024-02-29 23:59", 2_000, "p-20", id="promoted just before it"),
        pytest.param("2024-05-01 00:00", "2024-01-01", 1_500, "p-15", id="a raise at once"),
        pytest.param("2024-04-30 23:59", "2024-01-01", 1_000, "p-10", id="before the raise"),
    ],
)
def test_the_thirty_day_lock(ordered: str, promoting_since: str, bps: int, version: str) -> None:
    result = commissions(
        placed(ordered),
        settled("2024-06-20"),
        clicks=[click(ordered)],
        since={C: at(promoting_since)},
    )
    (line,) = result.lines
    assert (line.amount_micros, line.rate_version) == (10 * USD * bps // 10_000, version)


@pytest.mark.parametrize(
    ("changes", "amount", "version"),
    [
        pytest.param({"product_id": "x"}, 500_000, "s-5", id="the seller's rate"),
        pytest.param({"seller_id": "t"}, 1_000_000, "affiliate-1", id="nobody's: the common rate"),
    ],
)
def test_a_product_without_a_rate_of_its_own(
    changes: dict[str, Any], amount: int, version: str
) -> None:
    result = commissions(placed(**changes), settled(**changes), clicks=[click(**changes)])
    assert [(one.amount_micros, one.rate_version) for one in result.lines] == [(amount, version)]


def test_a_frozen_order_is_taken_back_and_paid_again_when_released() -> None:
    ledger = Ledger()
    ledger.settle(commissions(orders=[order()]).lines)
    frozen = commissions(orders=[order(frozen_by="risk review")])
    assert ledger.settle(frozen.lines) == [("c", "adjustment", -2 * USD, "risk review")]
    assert ledger.settle(commissions(orders=[order()]).lines) == [
        ("c", "adjustment", 2 * USD, RECOUNTED)
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "settled"),
        ({"settled_ms": None}, "pending"),
        ({"placed_ms": at("2024-02-25")}, "pending"),
        ({"frozen_by": "risk review"}, "frozen"),
        ({"ineligible_by": "fraud"}, "ineligible"),
        ({"refunded_micros": 10 * USD}, "ineligible"),
        ({"refunded_micros": 9 * USD}, "settled"),
        ({"refunded_micros": 10 * USD, "frozen_by": "risk review"}, "frozen"),
    ],
)
def test_the_state_of_an_order(changes: dict[str, Any], expected: str) -> None:
    terms = RATES.affiliate(at(ORDERED), "US")
    assert terms is not None
    assert state_of(order(**changes), terms, at("2024-02-20") + DAY_MS) == expected


def test_an_ineligible_order_pays_nothing() -> None:
    assert amounts(commissions(orders=[order(ineligible_by="fraud")]).lines) == {"c": 0}


def test_an_earlier_click_that_comes_late_changes_nothing_and_a_later_one_moves_the_money() -> None:
    ledger, events = Ledger(), (placed(), settled())
    ledger.settle(commissions(*events).lines)
    earlier = [click(), click("2024-02-09", "e")]
    assert ledger.settle(commissions(*events, clicks=earlier).lines) == []
    later = [click(), click("2024-02-10 11:30", "e")]
    assert sorted(ledger.settle(commissions(*events, clicks=later).lines)) == [
        ("c", "adjustment", -2 * USD, UNSUPPORTED),
        ("e", "final", 2 * USD, ""),
    ]


def test_a_view_of_a_shared_video_earns_for_all_who_share_it() -> None:
    result = commissions(
        placed(),
        settled(),
        clicks=[],
        views=[product_view("2024-02-10 11:00")],
        shares={"v": (Share("x", 2_500),)},
    )
    assert amounts(result.lines) == {"d": 1_500_000, "x": 500_000}


def test_an_order_in_euros_earns_euros() -> None:
    result = commissions(placed(currency="EUR"), settled(currency="EUR"))
    assert [(one.amount_micros, one.currency) for one in result.lines] == [(2 * USD, "EUR")]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        pytest.param(
            (placed(currency="QQQ"), settled(currency="QQQ")), "unknown_currency", id="currency"
        ),
        pytest.param(
            (placed(paid_micros=-1), settled(paid_micros=-1)), "negative_amount", id="paid below 0"
        ),
        pytest.param(
            (placed(), settled(), refunded("2024-03-01", -1)),
            "negative_amount",
            id="refund below 0",
        ),
        pytest.param(
            (placed(), settled(), refunded("2024-03-01", 11 * USD)),
            "refund_above_paid",
            id="more given back than paid",
        ),
        pytest.param(
            (placed(), placed("2024-02-11", product_id="x"), settled()),
            "conflicting_facts",
            id="one id, two products",
        ),
        pytest.param(
            (placed(), settled(paid_micros=9 * USD)), "conflicting_facts", id="two prices"
        ),
        pytest.param(
            (placed(paid_micros=1 << 63), settled(paid_micros=1 << 63)),
            "amount_out_of_range",
            id="beyond 64 bits",
        ),
        pytest.param(
            (placed("2019-12-31"), settled("2019-12-31")), "missing_rate", id="before all rates"
        ),
    ],
)
def test_what_cannot_be_known_is_refused_and_left_as_it_is(
    steps: tuple[OrderStep, ...], reason: str
) -> None:
    ledger = Ledger()
    ledger.settle(commissions(placed(), settled()).lines)
    result = commissions(*steps)
    assert result.lines == []
    assert reasons(result.refusals) == [("affiliate:o", reason)]
    assert ledger.settle(result.lines, result.refusals) == []


def test_the_largest_amount_that_fits_is_paid() -> None:
    most = (1 << 63) - 1  # 20 % of it, half-even
    result = commissions(placed(paid_micros=most), settled(paid_micros=most))
    assert amounts(result.lines) == {"c": 1_844_674_407_370_955_161}
