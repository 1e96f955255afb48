"""Live gifts by hand, through the pipeline itself: small logs of events, and what is booked.

A coin is 2,500 micro-dollars (preset A of the shipped rates). A gift costs 10 coins, so one of them
is 25,000; a streak ends 60 s after its last frame, seen 10 s later.
"""

from typing import Any

import pytest

from schemas.rates import RATES_PATH, Rates, load_rates
from streams.programs.gift_catalogue import refusal_of_gift
from streams.values import Rules
from tests.oracle.events import HOUR_MS, SECOND_MS, event, invalidated
from tests.simulation.core import core_of
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Tables
from tests.worked.world import RATES, at

GIFT = 25_000
STREAK = "gift:l:u:rose:g"
Event = dict[str, Any]


def gift(count: int, at_s: int = 0, *, end: bool = False, **more: Any) -> Event:
    return event("gift", repeat_count=count, repeat_end=end, at=at_s * SECOND_MS, **more)


def later(at_s: int = 100) -> Event:
    """Return something that only moves the event time on."""
    return event("live_like", at=at_s * SECOND_MS)


def refund(at_s: int, order_id: str = "o") -> Event:
    return event("gift_refunded", at=at_s * SECOND_MS, order_id=order_id)


def ledger_of(*log: Event, rates: Rates | None = None) -> dict[str, tuple[str, int]]:
    """Return {entry: (state, amount)} of what a log books."""
    rules = Rules(rates or load_rates(), rule_set().pipeline.weights)
    tables = Tables()
    tables.write_all(core_of(*log, rules=rules).flush())
    return {row["entry_id"]: (row["state"], row["amount_micros"]) for row in tables.rows("ledger")}


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(
            [gift(1), gift(2, 1), gift(3, 2, end=True)],
            {STREAK: ("final", 3 * GIFT)},
            id="a streak is its highest count, not the sum of its frames",
        ),
        pytest.param([gift(1), gift(2, 1)], {}, id="an open streak is not booked"),
        pytest.param(
            [gift(1), gift(2, 1), later()],
            {STREAK: ("final", 2 * GIFT)},
            id="a lost final: the timeout ends the streak",
        ),
        pytest.param(
            [gift(2), gift(3, 1, end=True, id="f"), gift(3, 1, end=True, id="f")],
            {STREAK: ("final", 3 * GIFT)},
            id="a final frame that comes twice",
        ),
        pytest.param(
            [gift(3, end=True), gift(3, 1, end=True)],
            {STREAK: ("final", 3 * GIFT)},
            id="a final frame that is sent twice",
        ),
        pytest.param(
            [gift(2, end=True), gift(5, 1)],
            {STREAK: ("final", 2 * GIFT), f"{STREAK}:1": ("adjustment", 3 * GIFT)},
            id="a higher frame after the end is an adjustment",
        ),
        pytest.param(
            [gift(2), gift(4, 3), gift(3, 2), later()],
            {STREAK: ("final", 4 * GIFT)},
            id="frames in the wrong order",
        ),
        pytest.param([refund(9), gift(2, end=True)], {}, id="a refund before its gift is seen"),
        pytest.param(
            [gift(2), refund(1), later()], {}, id="a refund before the streak ends: never booked"
        ),
        pytest.param(
            [gift(2, end=True), refund(3_600)],
            {STREAK: ("final", 2 * GIFT), f"{STREAK}:refund": ("adjustment", -2 * GIFT)},
            id="a refund after it was booked",
        ),
        pytest.param(
            [gift(2, end=True), refund(3_600), refund(3_601)],
            {STREAK: ("final", 2 * GIFT), f"{STREAK}:refund": ("adjustment", -2 * GIFT)},
            id="a refund that is sent twice",
        ),
        pytest.param(
            [gift(2, end=True), gift(5, 1), refund(3_600)],
            {
                STREAK: ("final", 2 * GIFT),
                f"{STREAK}:1": ("adjustment", 3 * GIFT),
                f"{STREAK}:refund": ("adjustment", -5 * GIFT),
            },
            id="a refund takes back all that was booked",
        ),
        pytest.param(
            [gift(2, end=True), refund(9, "another")],
            {STREAK: ("final", 2 * GIFT)},
            id="a refund of another order",
        ),
        pytest.param(
            [gift(1, end=True), gift(1, end=True, user_id="w")],
            {STREAK: ("final", GIFT), "gift:l:w:rose:g": ("final", GIFT)},
            id="two givers at once",
        ),
        pytest.param([event("like"), event("like", at=HOUR_MS)], {}, id="likes alone book nothing"),
        pytest.param(
            [event("live_like", count=1_000), later()], {}, id="taps in a live book nothing"
        ),
        pytest.param(
            [like := event("like"), invalidated(like)], {}, id="invalidated likes book nothing"
        ),
    ],
)
def test_a_log_of_gifts(log: list[Event], expected: dict[str, tuple[str, int]]) -> None:
    assert ledger_of(*log) == expected


def test_the_two_published_conversions_differ_by_two(tmp_path: Any) -> None:
    """5,000 coins pay 12.50 USD by one, 25 USD by the other."""
    file = tmp_path / "b.toml"
    text = RATES_PATH.read_text(encoding="utf-8")
    file.write_text(text.replace('gift_preset = "A"', 'gift_preset = "B"'), encoding="utf-8")
    log = [gift(1, coins=5_000, end=True)]
    assert ledger_of(*log) == {STREAK: ("final", 12_500_000)}
    assert ledger_of(*log, rates=load_rates(file)) == {STREAK: ("final", 25_000_000)}


@pytest.mark.parametrize(
    ("gift_id", "coins", "when", "region", "reason"),
    [
        ("rose", 1, "2024-03-01", "US", None),
        ("rose", 2, "2024-03-01", "JP", None),
        ("rose", 1, "2024-03-01", "JP", "price_mismatch"),
        ("rose", 1, "2019-12-31", "US", "unknown_gift"),
        ("lion", 29_999, "2023-12-31", "US", None),
        ("lion", 29_999, "2024-01-01", "US", "unknown_gift"),
        ("unicorn", 1, "2024-03-01", "US", "unknown_gift"),
    ],
)
def test_the_price_list(
    gift_id: str, coins: int, when: str, region: str, reason: str | None
) -> None:
    refusal = refusal_of_gift(gift_id, coins, at(when), region, RATES)
    assert (refusal and refusal.reason) == reason
    assert refusal is None or refusal.key == f"gift:{gift_id}"


def test_without_a_price_list_every_gift_is_taken() -> None:
    rates = rule_set().pipeline.rates
    assert refusal_of_gift("unicorn", 7, at("2024-03-01"), "US", rates) is None
