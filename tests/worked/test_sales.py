"""Own sales by hand: 1 % to the platform, 2 % for the payment, 6 % referral."""

from typing import Any

import pytest

from streams.programs.facts import Order
from streams.programs.lines import Result
from streams.programs.sale import sale_lines
from tests.worked.ledger import Ledger
from tests.worked.world import RATES, USD, amounts, at, order, reasons


def sales(one: Order, commission_micros: int = 0, as_of: str = "2030-01-01") -> Result:
    paid = {one.order_id: commission_micros}
    return sale_lines([one], paid, RATES, region="US", as_of_ms=at(as_of))


@pytest.mark.parametrize(
    ("changes", "commission", "expected"),
    [
        pytest.param({"paid_micros": 100 * USD}, 0, 91 * USD, id="100 less 1, 2 and 6 USD"),
        pytest.param(
            {"paid_micros": 100 * USD, "refunded_micros": 50 * USD},
            0,
            45_500_000,
            id="half of it given back: half of it kept",
        ),
        pytest.param(
            {"paid_micros": 100 * USD, "refunded_micros": 100 * USD}, 0, 0, id="all given back"
        ),
        pytest.param(
            {"paid_micros": 100 * USD}, 10 * USD, 81 * USD, id="the promoting creator's 10 USD"
        ),
        pytest.param(
            {"paid_micros": 100 * USD}, 95 * USD, -4 * USD, id="a commission that costs more"
        ),
        # 0.5 to even 0, 1, 3
        pytest.param({"paid_micros": 50}, 0, 46, id="fees are rounded half to even"),
        # 1.5 to even 2, 3, 9
        pytest.param({"paid_micros": 150}, 0, 136, id="fees are rounded half to even, up"),
        pytest.param({"paid_micros": 0}, 0, 0, id="a gift"),
        pytest.param({"paid_micros": 100 * USD, "frozen_by": "risk review"}, 0, 0, id="frozen"),
        pytest.param(
            {"paid_micros": 100 * USD, "frozen_by": "risk review"},
            10 * USD,
            -10 * USD,
            id="frozen, and a commission stays as it was booked",
        ),
        pytest.param({"paid_micros": 100 * USD, "ineligible_by": "fraud"}, 0, 0, id="ineligible"),
    ],
)
def test_a_sale_pays(changes: dict[str, Any], commission: int, expected: int) -> None:
    assert amounts(sales(order(**changes), commission).lines) == {"s": expected}


def test_an_order_that_is_not_settled_pays_nothing_yet() -> None:
    assert sales(order(settled_ms=None)).lines == []
    assert sales(order(), as_of="2024-02-19").lines == []
    assert len(sales(order(), as_of="2024-02-20").lines) == 1


def test_a_refund_after_settlement_is_an_adjustment() -> None:
    ledger = Ledger()
    assert ledger.settle(sales(order()).lines) == [("s", "final", 9_100_000, "")]
    assert ledger.settle(sales(order(refunded_micros=4 * USD)).lines) == [
        ("s", "adjustment", -3_640_000, "refund")
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"refunded_micros": 11 * USD}, "refund_above_paid"),
        ({"paid_micros": -1}, "negative_amount"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"placed_ms": at("2019-12-31")}, "missing_rate"),
    ],
)
def test_what_cannot_be_known_is_refused(changes: dict[str, Any], reason: str) -> None:
    result = sales(order(**changes))
    assert result.lines == []
    assert reasons(result.refusals) == [("sale:o", reason)]
