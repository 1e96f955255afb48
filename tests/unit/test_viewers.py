"""Who viewed a video, and whose view qualifies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.viewers import WAITING_MAX, Viewers


def test_the_first_view_of_a_user_qualifies_and_the_others_wait() -> None:
    viewers = Viewers()
    assert viewers.qualify("u", 1, 11)
    assert not viewers.qualify("u", 2, 12)
    assert viewers.qualify("v", 2, 13)
    assert viewers.qualified == {"u": 11, "v": 13}
    assert viewers.waiting["u"] == [(2, 12)]


def test_when_the_first_is_taken_back_the_next_in_the_log_stands_up() -> None:
    viewers = Viewers()
    for minute, hashed in ((5, 1), (9, 2), (3, 3)):
        viewers.qualify("u", minute, hashed)
    assert viewers.disqualify("u", 5, 1) == [(5, -1), (9, 1)]
    assert viewers.disqualify("u", 9, 2) == [(9, -1), (3, 1)]
    assert viewers.disqualify("u", 3, 3) == [(3, -1)]
    assert viewers.qualify("u", 7, 4)


def test_taking_a_waiting_view_back_changes_no_count() -> None:
    viewers = Viewers()
    viewers.qualify("u", 1, 1)
    viewers.qualify("u", 2, 2)
    assert viewers.disqualify("u", 2, 2) == []
    assert viewers.disqualify("u", 1, 1) == [(1, -1)]


def test_taking_back_what_never_qualified_changes_nothing() -> None:
    viewers = Viewers()
    assert viewers.disqualify("u", 1, 1) == []
    viewers.qualify("u", 1, 1)
    assert viewers.disqualify("u", 1, 99) == []
    assert viewers.qualified == {"u": 1}


def test_views_may_be_taken_back_below_zero_and_are_unique_above() -> None:
    viewers = Viewers()
    viewers.remove("u")
    assert (viewers.views, viewers.unique) == ({"u": -1}, 0)
    viewers.load("u", 1, None, [])
    assert (viewers.views, viewers.unique) == ({"u": 1}, 1)
    viewers.remove("u")
    assert (viewers.views, viewers.unique) == ({}, 0)


def test_the_waiting_views_are_bounded() -> None:
    viewers = Viewers()
    for number in range(WAITING_MAX + 10):
        viewers.qualify("u", number, number)
    assert len(viewers.waiting["u"]) == WAITING_MAX


@pytest.mark.parametrize(("views", "qualified"), [(0, None), (2, 7), (0, 7), (-1, None)])
def test_everybody_of_whom_anything_is_kept_is_named(views: int, qualified: int | None) -> None:
    viewers = Viewers()
    viewers.load("u", views, qualified, [(1, 8)] if qualified else [])
    assert viewers.users() == (["u"] if views or qualified else [])


@given(st.lists(st.tuples(st.sampled_from("uv"), st.integers(0, 5)), max_size=12), st.data())
def test_what_qualifies_is_the_first_that_is_left(
    views: list[tuple[str, int]], data: st.DataObject
) -> None:
    viewers, minutes = Viewers(), [0] * 6
    for number, (user, minute) in enumerate(views):
        minutes[minute] += viewers.qualify(user, minute, number)
    gone = data.draw(st.lists(st.sampled_from(range(len(views))), unique=True)) if views else []
    for number in gone:
        user, minute = views[number]
        for changed, change in viewers.disqualify(user, minute, number):
            minutes[changed] += change
    left = [view for number, view in enumerate(views) if number not in gone]
    firsts = dict(reversed(left))
    assert minutes == [list(firsts.values()).count(minute) for minute in range(6)]
