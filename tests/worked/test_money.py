"""Division, rounding, bounds, days and words, by hand."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import SettlementError
from streams.programs.collaboration import shares_bps, split
from streams.programs.days import DAY_MS, pay_day, pay_day_of, utc_day_name
from streams.programs.facts import Share
from streams.programs.lines import Line, Step, checked, explain
from streams.programs.money import (
    INT64_MAX,
    half_even,
    in_words,
    largest_remainder,
    part_bps,
    within_int64,
)
from tests.worked.world import amounts, at

LINE = Line("sale:o", 0, "c", "sale", 100, "USD", "order:o", "r-1", (Step("paid", 100, "USD"),))


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (0, {"a": 1, "b": 2}, {"a": 0, "b": 0}),
        (1, {"b": 1, "a": 1}, {"a": 1, "b": 0}),
        (10, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 3, "c": 3}),
        (10, {"a": 2, "b": 1}, {"a": 7, "b": 3}),
        (5, {"a": 0, "b": 3}, {"a": 0, "b": 5}),
        (-10, {"a": 1, "b": 1, "c": 1}, {"a": -4, "b": -3, "c": -3}),
        (INT64_MAX, {"a": 1, "b": 1}, {"a": 1 << 62, "b": (1 << 62) - 1}),
    ],
)
def test_largest_remainder(total: int, weights: dict[str, int], parts: dict[str, int]) -> None:
    assert largest_remainder(total, weights) == parts


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_weights_that_divide_nothing(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        largest_remainder(1, weights)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (8, 3, 3), (7, 3, 2), (0, 9, 0)],
)
def test_half_even(numerator: int, denominator: int, quotient: int) -> None:
    assert half_even(numerator, denominator) == quotient


def test_a_part_of_the_largest_amount_is_exact() -> None:
    assert part_bps(INT64_MAX, 10_000) == INT64_MAX
    assert part_bps(INT64_MAX, 1) == 922_337_203_685_478


@pytest.mark.parametrize("amount", [INT64_MAX, -INT64_MAX, 0])
def test_amounts_of_64_bits_pass(amount: int) -> None:
    assert within_int64(amount, "k") == amount


@pytest.mark.parametrize("amount", [INT64_MAX + 1, -INT64_MAX - 1])
def test_amounts_beyond_64_bits_are_refused_by_key(amount: int) -> None:
    with pytest.raises(SettlementError, match=r"^k: amount_out_of_range") as error:
        within_int64(amount, "k")
    assert (error.value.key, error.value.reason) == ("k", "amount_out_of_range")


@pytest.mark.parametrize("currency", ["usd", "XXX", "", "USDT"])
def test_a_line_in_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(SettlementError, match="unknown_currency"):
        checked(LINE._replace(currency=currency))


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0.000000 USD"),
        (-1, "-0.000001 USD"),
        (1_234_567_890_000, "1,234,567.890000 USD"),
        (-1_500_000, "-1.500000 USD"),
    ],
)
def test_amounts_in_words(amount: int, words: str) -> None:
    assert in_words(amount, "USD") == words


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2024, 3, 9), "America/New_York", 24),
        (date(2024, 3, 10), "America/New_York", 23),
        (date(2024, 11, 3), "America/New_York", 25),
        (date(2024, 3, 10), "UTC", 24),
    ],
)
def test_days_where_clocks_change(day: date, zone: str, hours: int) -> None:
    span = pay_day(day, ZoneInfo(zone))
    assert span.end_ms - span.start_ms == hours * 3_600_000
    assert pay_day_of(span.start_ms, ZoneInfo(zone)) == span
    assert pay_day_of(span.end_ms - 1, ZoneInfo(zone)) == span
    assert pay_day_of(span.end_ms, ZoneInfo(zone)).start_ms == span.end_ms


def test_an_evening_in_london_is_a_morning_in_shanghai() -> None:
    evening = at("2024-03-01 16:00")
    assert pay_day_of(evening - 1, ZoneInfo("Asia/Shanghai")).name == "2024-03-01"
    assert pay_day_of(evening, ZoneInfo("Asia/Shanghai")).name == "2024-03-02"
    assert utc_day_name(evening // DAY_MS) == "2024-03-01"


@pytest.mark.parametrize(
    ("amount", "shares", "expected"),
    [
        pytest.param(100, (), {"c": 100}, id="alone"),
        pytest.param(1, (Share("x", 3_333), Share("y", 3_333)), {"c": 1, "x": 0, "y": 0}, id="one"),
        pytest.param(
            100, (Share("x", 3_333), Share("y", 3_333)), {"c": 34, "x": 33, "y": 33}, id="odd"
        ),
        pytest.param(-100, (Share("x", 3_333),), {"c": -67, "x": -33}, id="a negative amount"),
        pytest.param(100, (Share("x", 10_000),), {"x": 100}, id="the creator gave it all away"),
        pytest.param(100, (Share("x", 0),), {"c": 100}, id="a share of nothing"),
        pytest.param(100, (Share("x", 10), Share("x", 90)), {"c": 99, "x": 1}, id="named twice"),
        pytest.param(100, (Share("c", 5_000),), {"c": 100}, id="the creator among them"),
    ],
)
def test_a_split(amount: int, shares: tuple[Share, ...], expected: dict[str, int]) -> None:
    assert amounts(split(LINE._replace(amount_micros=amount), shares)) == expected


@pytest.mark.parametrize("shares", [(Share("x", 10_001),), (Share("x", -1), Share("y", 5))])
def test_shares_that_are_no_split(shares: tuple[Share, ...]) -> None:
    with pytest.raises(SettlementError, match=r"^k: bad_shares"):
        shares_bps("c", shares, "k")


def test_a_line_is_explained_in_words() -> None:
    steps = (Step("paid", 100, "USD"), Step("views", 1_200, "views"), Step("rate", 250, "bps"))
    told = LINE._replace(explanation=(*steps, Step("q", 15_000, "ppm", "why")), cause="refund")
    assert explain(told).splitlines() == [
        "sale for order:o: 0.000100 USD",
        "  paid: 0.000100 USD",
        "  views: 1,200 views",
        "  rate: 2.50 %",
        "  q: 1.5000 % (why)",
        "  rate r-1; reduced by: refund",
    ]
