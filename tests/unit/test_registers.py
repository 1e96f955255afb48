"""Last-writer-wins registers with history."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.registers import HISTORY_MAX, Action, Registers

actions = st.lists(
    st.tuples(st.sampled_from("uvw"), st.integers(0, 3), st.sampled_from("abc"), st.booleans()),
    max_size=12,
    unique_by=lambda action: action[:3],
)


def registers_of(*puts: tuple[str, int, str, bool]) -> Registers:
    registers = Registers()
    for user, time_ms, event_id, on in puts:
        registers.put(user, (time_ms, event_id, on))
    return registers


@pytest.mark.parametrize(
    ("puts", "on"),
    [
        ([("u", 1, "a", True)], 1),
        ([("u", 1, "a", False)], 0),
        ([("u", 1, "a", True), ("u", 2, "a", False)], 0),
        ([("u", 2, "a", False), ("u", 1, "a", True)], 0),
        ([("u", 1, "a", True), ("u", 1, "b", False)], 0),
        ([("u", 1, "b", False), ("u", 1, "a", True)], 0),
        ([("u", 1, "a", True), ("v", 1, "a", True), ("v", 2, "b", False)], 1),
    ],
)
def test_the_last_action_by_time_and_id_stands(
    puts: list[tuple[str, int, str, bool]], on: int
) -> None:
    assert registers_of(*puts).on == on


@given(actions, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(
    puts: list[tuple[str, int, str, bool]], rng: Random
) -> None:
    shuffled = [*puts, *puts[: len(puts) // 2]]
    rng.shuffle(shuffled)
    one, other = registers_of(*puts), registers_of(*shuffled)
    assert (one.by_key, one.on) == (other.by_key, other.on)


@given(actions, st.data())
def test_an_action_taken_out_was_never_there(
    puts: list[tuple[str, int, str, bool]], data: st.DataObject
) -> None:
    registers = registers_of(*puts)
    gone = data.draw(st.sets(st.sampled_from(puts))) if puts else set()
    for user, time_ms, event_id, _ in gone:
        registers.remove(user, time_ms, event_id)
    left = registers_of(*(put for put in puts if put not in gone))
    assert (registers.by_key, registers.on) == (left.by_key, left.on)


def test_taking_out_what_never_came_changes_nothing() -> None:
    registers = registers_of(("u", 1, "a", True))
    registers.remove("u", 1, "b")
    registers.remove("v", 1, "a")
    assert registers.on == 1
    assert registers.last("u") == (1, "a", True)
    assert registers.last("v") is None


def test_loading_sets_a_whole_history_and_leaves_nothing_to_write() -> None:
    registers = registers_of(("u", 1, "a", True))
    history: tuple[Action, ...] = ((1, "a", True), (5, "b", False))
    registers.load("u", history)
    registers.load("v", ((1, "c", True),))
    registers.load("v", ())
    assert registers.on == 0
    assert registers.by_key == {"u": history}
    assert not registers.changed


def test_a_history_is_bounded_and_keeps_the_youngest() -> None:
    registers = Registers()
    for time_ms in range(HISTORY_MAX + 10):
        registers.put("u", (time_ms, "a", time_ms % 2 == 0))
    history = registers.by_key["u"]
    assert len(history) == HISTORY_MAX
    assert history[0][0] == 10
    assert registers.on == 0
