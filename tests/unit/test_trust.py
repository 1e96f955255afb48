"""Which likes pools trust: by who had watched, whatever arrives first."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.promotion import Promotion
from streams.trust import Trust, trusted
from tests.oracle.events import T0_MS
from tests.pooling import DISORDER_MS, MINUTE_MS

FIRST = T0_MS // MINUTE_MS
SPAN_MINUTES = 5

Act = tuple[int, str, str]  # time, user, kind
stories = st.lists(
    st.tuples(
        st.integers(T0_MS, T0_MS + SPAN_MINUTES * MINUTE_MS - 1),
        st.sampled_from("abc"),
        st.sampled_from(("view", "like", "unlike")),
    ),
    max_size=40,
)


def untrusted(arriving: list[Act], rng: Random | None = None) -> dict[int, int]:
    """Return how many likes less un-likes of each minute do not count."""
    video, found, newest, first_open = Promotion("v"), {}, 0, FIRST
    trust = Trust(video.watched_from)
    for at_ms, user, kind in [*arriving, (T0_MS + 99 * MINUTE_MS, "z", "view")]:
        if rng is not None and rng.random() < 0.2:
            old, trust = trust, Trust(video.watched_from)
            for waiting in old.users():
                trust.load(waiting, *old.entry(waiting))
        newest = max(newest, at_ms)
        while first_open < (newest - DISORDER_MS) // MINUTE_MS:
            found[first_open], _ = trust.close(first_open)
            first_open += 1
        if kind == "view":
            video.watch(user, at_ms // MINUTE_MS, first_open)
        else:
            trust.like(user, at_ms // MINUTE_MS, 1 if kind == "like" else -1)
    return {minute: number for minute, number in found.items() if number}


def plain(story: list[Act]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for at_ms, user, kind in story:
        minute = at_ms // MINUTE_MS
        end_ms = (minute + 1) * MINUTE_MS
        watched = any(u == user and k == "view" and at < end_ms for at, u, k in story)
        if kind != "view" and not watched:
            found[minute] += 1 if kind == "like" else -1
    return {minute: number for minute, number in found.items() if number}


@given(stories, st.integers(0, 1 << 32).map(Random))
def test_it_is_whether_there_was_a_view_by_the_end_of_the_minute(
    story: list[Act], rng: Random
) -> None:
    shuffled = sorted(story, key=lambda act: act[0] + rng.randrange(DISORDER_MS))
    assert untrusted(sorted(story)) == untrusted(shuffled, rng) == plain(story)


def test_a_view_that_comes_too_late_changes_nothing_that_was_decided() -> None:
    video = Promotion("v")
    trust = Trust(video.watched_from)
    trust.like("u", FIRST, 1)
    trust.change(FIRST + 2, FIRST, "u", -1)
    assert trust.close(FIRST) == (1, {FIRST + 2: -1})
    video.watch("u", FIRST, FIRST + 1)
    assert not trusted(video.watched_from, "u", FIRST)
    assert trusted(video.watched_from, "u", FIRST + 1)
    assert trust.close(FIRST) == (0, {}), "counted once"
    assert not trust
