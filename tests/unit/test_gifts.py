"""Gift streaks: what is booked, when, and that no order of arrival makes money."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gifts import ORDERS_MAX, Booking, Frame, Streak
from tests.oracle.events import DAY_MS, HOUR_MS, SECOND_MS, event
from tests.simulation.core import core_of
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Row, Tables

RULES = rule_set().pipeline
COIN = 2_400


def frame(repeat_count: int, time_ms: int = 0, event_id: str = "a", coins: int = 10) -> Frame:
    amount = coins * repeat_count * COIN
    return Frame(repeat_count, time_ms, event_id, coins, "c", amount, "g")


def written(*events: dict[str, object]) -> Tables:
    tables = Tables()
    tables.write_all(core_of(*events, rules=RULES).flush())
    return tables


def booked(tables: Tables) -> list[tuple[str, str, int]]:
    rows = tables.rows("ledger")
    return sorted((row["entry_id"], row["state"], row["amount_micros"]) for row in rows)


def only(rows: Iterable[Row]) -> Row:
    (row,) = rows
    return row


def test_a_frame_with_more_gifts_stands_then_the_earliest_then_the_smaller_id() -> None:
    assert frame(2, 9).beats(frame(1, 0))
    assert frame(1, 0).beats(frame(1, 1))
    assert frame(1, 0, "a").beats(frame(1, 0, "b"))
    assert not frame(1).beats(frame(1))


def test_a_streak_is_booked_once_when_it_is_final() -> None:
    streak = Streak(frame(1), 0)
    assert streak.adjust(1) == []
    assert streak.finish() == [Booking("", "final", 0, 10 * COIN, "")]
    assert streak.finish() == []


def test_a_better_frame_after_the_end_is_an_adjustment_named_by_its_number() -> None:
    streak = Streak(frame(1), 0)
    streak.finish()
    assert streak.offer(frame(3, 5, "x")) == frame(1)
    (booking,) = streak.adjust(5)
    assert booking[:4] == (":1", "adjustment", 5, 20 * COIN)
    assert streak.adjust(6) == []


def test_a_refund_takes_back_all_that_was_booked_and_ends_it() -> None:
    streak = Streak(frame(2), 0)
    streak.finish()
    (booking,) = streak.refund(9)
    assert booking[:4] == (":refund", "adjustment", 9, -20 * COIN)
    streak.offer(frame(3))
    assert streak.refund(10) + streak.adjust(11) == []


def test_a_refund_before_the_end_leaves_nothing_to_book() -> None:
    streak = Streak(frame(2), 0)
    assert streak.refund(9) + streak.finish() == []
    assert streak.worth_micros == 0


def test_every_frame_puts_the_deadline_off() -> None:
    streak = Streak(frame(2), 0)
    streak.offer(frame(1, 50))
    streak.offer(frame(1, 20))
    assert streak.deadline_ms(100) == 150


def test_the_orders_of_a_streak_are_bounded_and_the_oldest_goes() -> None:
    streak = Streak(frame(1), 0)
    for number in range(ORDERS_MAX + 1):
        streak.remember_order(f"o{number}")
    assert len(streak.order_ids) == ORDERS_MAX
    assert "o0" not in streak.order_ids


frames = st.lists(
    st.builds(
        frame,
        st.integers(1, 4),
        st.integers(0, 9),
        st.sampled_from("abcdef"),
        st.sampled_from((1, 10)),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda it: it.event_id,
)


@given(frames, st.randoms(use_true_random=False), st.integers(0, 8))
def test_the_sum_of_all_bookings_is_the_best_frame_in_any_order(
    sent: list[Frame], rng: Random, end_after: int
) -> None:
    arrived = list(sent)
    rng.shuffle(arrived)
    streak, bookings = Streak(arrived[0], arrived[0].event_time_ms), []
    for number, it in enumerate(arrived):
        streak.offer(it)
        bookings += streak.adjust(it.event_time_ms)
        if number == end_after:
            bookings += streak.finish()
    bookings += streak.finish()
    best = min(sent, key=lambda it: (-it.repeat_count, it.event_time_ms, it.event_id))
    assert streak.best == best
    assert sum(booking.amount_micros for booking in bookings) == best.amount_micros
    assert len({booking.suffix for booking in bookings}) == len(bookings), "ids are used once"


# with admission, event time and rows around it


def test_an_open_streak_is_an_estimate_and_a_final_one_is_booked() -> None:
    is_open = written(event("gift", repeat_count=3))
    assert only(is_open.rows("estimates"))["amount_micros"] == 30 * COIN
    assert only(is_open.rows("gift_streaks"))["state"] == "open"
    assert booked(is_open) == []
    final = written(event("gift", repeat_count=3), event("gift", repeat_count=1, repeat_end=True))
    assert only(final.rows("estimates"))["amount_micros"] == 0
    assert only(final.rows("gift_streaks"))["state"] == "final"
    assert booked(final) == [("gift:l:u:rose:g", "final", 30 * COIN)]


@pytest.mark.parametrize(("at", "state"), [(70 * SECOND_MS, "open"), (70_001, "final")])
def test_event_time_ends_a_streak_after_timeout_and_disorder(at: int, state: str) -> None:
    tables = written(event("gift"), event("like", at=at))
    assert only(tables.rows("gift_streaks"))["state"] == state


def test_an_estimate_that_moves_over_midnight_leaves_nothing_behind() -> None:
    tables = Tables()
    log = [event("gift", at=-1), event("gift", repeat_count=2, at=1)]
    for end in (1, 2):
        tables.write_all(core_of(*log[:end], rules=RULES).flush())
    assert only(tables.rows("estimates"))["amount_micros"] == 20 * COIN


def test_streaks_that_end_at_once_are_booked_in_the_order_of_their_deadlines() -> None:
    log = [event("gift", group_id=group, at=at) for group, at in (("b", 5), ("a", 5), ("c", 0))]
    core = core_of(*log, event("like", at=HOUR_MS), rules=RULES)
    assert [entry.entry_id[-1] for entry in core.state.entries] == ["c", "a", "b"]


def test_a_refund_that_comes_first_and_a_gift_that_comes_a_week_late_meet() -> None:
    log = [event("gift_refunded"), event("like", at=7 * DAY_MS), event("gift", repeat_end=True)]
    tables = written(*log)
    assert booked(tables) == []
    assert only(tables.rows("gift_streaks"))["state"] == "refunded"


def test_an_entry_of_nothing_is_no_entry() -> None:
    """Where a coin is worth nothing; a better frame of worth is the adjustment :0."""
    rules = rule_set(free_gifts=True).pipeline
    end = event("gift", at=-HOUR_MS, repeat_count=2, repeat_end=True)
    paid = event("gift", id="paid", repeat_count=3)
    tables = Tables()
    core = core_of(event("gift", at=-HOUR_MS), end, rules=rules)
    tables.write_all(core.flush())
    assert booked(tables) == []
    assert only(tables.rows("estimates"))["amount_micros"] == 0
    tables = Tables()
    tables.write_all(core_of(end, paid, rules=rules).flush())
    assert booked(tables) == [("gift:l:u:rose:g:0", "adjustment", 30 * COIN)]
