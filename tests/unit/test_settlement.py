"""Settling a day: what is missing is booked once, and corrections are entries of their own."""

from hypothesis import given
from hypothesis import strategies as st

from streams.settlement import Booked, SettledEntry, Target, missing_entries


def target(video: str, amount_micros: int) -> Target:
    return Target(
        f"creator_rewards:{video}:2024-03-01",
        1_709_251_200_000,
        "c",
        "creator_rewards",
        amount_micros,
        "USD",
        f"video:{video}",
        "r-2",
    )


def booked_after(
    booked: dict[str, Booked], entries: list[SettledEntry]
) -> tuple[dict[str, Booked], set[str]]:
    """Return what is booked once these entries are in the ledger, and their ids."""
    after = dict(booked)
    for entry in entries:
        before = after.get(entry.target.reference, Booked(0, 0))
        sums = Booked(before.entries + 1, before.amount_micros + entry.amount_micros)
        after[entry.target.reference] = sums
    return after, {entry.entry_id for entry in entries}


def test_the_first_entry_is_final_and_has_the_name_of_its_estimate() -> None:
    (entry,) = missing_entries([target("v", 5)], {})
    assert entry == SettledEntry(target("v", 5), target("v", 5).entry_id, "final", 5, "")


def test_settling_again_books_nothing() -> None:
    assert missing_entries([target("v", 5)], {"video:v": Booked(1, 5)}) == []


def test_a_correction_is_an_adjustment_of_the_difference() -> None:
    (entry,) = missing_entries([target("v", 3)], {"video:v": Booked(1, 5)})
    assert (entry.state, entry.amount_micros) == ("adjustment", -2)
    assert entry.entry_id == target("v", 3).entry_id + ":1"
    assert entry.reason


def test_nothing_is_booked_for_nothing() -> None:
    assert missing_entries([target("v", 0)], {}) == []


def test_what_was_booked_and_is_worth_nothing_now_is_taken_back() -> None:
    (entry,) = missing_entries([target("v", 0)], {"video:v": Booked(2, 5)})
    assert (entry.entry_id[-2:], entry.amount_micros) == (":2", -5)


def test_two_settlements_at_once_write_the_same_entries_in_the_same_order() -> None:
    targets = [target("w", 1), target("v", 2)]
    booked = {"video:v": Booked(1, 1)}
    assert missing_entries(targets, booked) == missing_entries(targets[::-1], booked)


worths = st.lists(st.dictionaries(st.sampled_from("vwx"), st.integers(0, 9)), max_size=6)


@given(worths)
def test_after_any_changes_the_ledger_is_what_the_day_is_worth(
    changes: list[dict[str, int]],
) -> None:
    booked: dict[str, Booked] = {}
    names: set[str] = set()
    worth = dict.fromkeys("vwx", 0)
    for change in changes:
        worth |= change
        targets = [target(video, amount) for video, amount in worth.items()]
        booked, new = booked_after(booked, missing_entries(targets, booked))
        assert not names & new, "an entry never changes"
        names |= new
        assert missing_entries(targets, booked) == []
        sums = {video: booked.get(f"video:{video}", Booked(0, 0))[1] for video in worth}
        assert sums == worth
