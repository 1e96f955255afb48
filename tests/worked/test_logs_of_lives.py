"""Live gifts, from events to the ledger. A rose is 10 coins, a coin 2,500 micro-dollars: 25,000."""

from collections.abc import Callable

import pytest

from tests.oracle.events import event
from tests.worked.books import Books, Entries, Event, after, gift

FINAL, ADJUSTED, ESTIMATED = "final", "adjustment", "estimated"


def gifts(*amounts: tuple[str, int]) -> Entries:
    return [("gift", "c", state, amount) for state, amount in amounts]


def refund(seconds: float, order_id: str = "o") -> Event:
    return event("gift_refunded", at=after(seconds=seconds), order_id=order_id)


CASES = [
    # 3 x 25,000, not 1 + 2 + 3 of them
    ("a streak is its last count", [gift(1), gift(2, 1), gift(3, 2, end=True)], [(FINAL, 75_000)]),
    # the time-out ends it at 2
    ("a streak whose final frame is lost", [gift(1), gift(2, 1)], [(FINAL, 50_000)]),
    (
        "a final frame that comes twice",
        [gift(2, end=True), gift(2, 1, end=True)],
        [(FINAL, 50_000)],
    ),
    (
        "frames that overtake each other",
        [gift(3, 2, end=True), gift(1), gift(2, 1)],
        [(FINAL, 75_000)],
    ),
    # 1 + 1: other group, other streak
    (
        "two groups are two streaks",
        [gift(1, end=True), gift(1, 1, end=True, group_id="h")],
        [(FINAL, 25_000), (FINAL, 25_000)],
    ),
    # 2 booked, the better frame of 5 books the other 3
    (
        "a better frame after the end",
        [gift(2, end=True), gift(5, 5)],
        [(FINAL, 50_000), (ADJUSTED, 75_000)],
    ),
    ("a refund before the gift is seen", [refund(0), gift(4, 1, end=True)], []),
    # 4 x 25,000 and back
    (
        "a refund after the booking",
        [gift(4, end=True), refund(9)],
        [(FINAL, 100_000), (ADJUSTED, -100_000)],
    ),
    ("a refund while the streak is open", [gift(4), refund(9)], []),
    (
        "the refund of another order",
        [gift(4, end=True), refund(9, "other")],
        [(FINAL, 100_000)],
    ),
    # 3,000 a coin from 5 March on: 10 x 1 x 3,000
    ("the rate is of the gift's time", [gift(1, 4 * 86_400, end=True)], [(FINAL, 30_000)]),
    (
        "the last instant of the old rate",
        [gift(1, 4 * 86_400 - 0.001, end=True)],
        [(FINAL, 25_000)],
    ),
]


@pytest.mark.parametrize(("log", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_gifts(books: Books, log: list[Event], expected: list[tuple[str, int]]) -> None:
    assert books.run(*log, until=6) == gifts(*expected)


def test_an_open_streak_is_an_estimate_until_it_ends(books: Books) -> None:
    opened = 86_400 - 30  # half a minute before the day ends, where the log stops
    books.log(gift(2, opened), until=1)
    assert books.ledger() == gifts((ESTIMATED, 50_000))
    books.log(gift(3, opened + 1, end=True), until=2)
    assert books.ledger() == gifts((FINAL, 75_000))


def test_the_other_preset_pays_twice_as_much(
    open_books: Callable[..., Books], other_rates: Callable[..., str]
) -> None:
    books = open_books(rates=other_rates(('gift_preset = "A"', 'gift_preset = "B"')))
    assert books.run(gift(1, end=True)) == gifts((FINAL, 50_000))  # 10 x 5,000


def test_a_gift_that_is_not_in_the_catalogue_pays_nothing(books: Books) -> None:
    assert books.run(gift(1, gift_id="lion", end=True)) == []
    assert books.dead() == ["unknown_gift"]


def test_a_gift_at_another_price_pays_nothing(books: Books) -> None:
    assert books.run(gift(1, coins=11, end=True), gift(1, 1, end=True, group_id="h")) == gifts(
        (FINAL, 25_000)
    )
    assert books.dead() == ["price_mismatch"]


def test_a_gift_without_a_rate_pays_nothing(books: Books) -> None:
    assert books.run(gift(1, -61 * 86_400, end=True)) == []  # before 1 January: no row is valid
    assert books.dead() == ["missing_rate"]
