"""The recount's counts: windows, registers, qualified views, metadata, invalidations."""

from typing import Any

import pytest

from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS, T0_MS, event, invalidated
from tests.oracle.logs import ENGAGEMENT, count, minute, sums, totals

# Rule 4


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("impression", {"impressions": 1}),
        ("like", {"likes": 1}),
        ("unlike", {"unlikes": 1}),
        ("comment", {"comments": 1}),
        ("reply", {"replies": 1}),
        ("share", {"shares": 1}),
        ("favorite", {"favorites": 1}),
        ("follow", {"follows": 1}),
        ("profile_view", {"profile_views": 1}),
        ("not_interested", {"not_interested": 1}),
        ("report", {"reports": 1}),
        ("unfavorite", {}),
        ("unfollow", {}),
        ("comment_deleted", {}),
        ("video_published", {}),
        ("deal_signed", {}),
    ],
)
def test_each_type_has_its_counter(kind: str, counted: dict[str, int]) -> None:
    assert minute(count(event(kind)), 0) == counted


def test_lives_have_views_likes_and_gifts() -> None:
    expected = count(
        event("live_started"),
        event("live_joined"),
        event("live_joined", user_id="w"),
        event("live_joined", user_id="w"),
        event("live_left", user_id="w", at=1),
        event("live_like", count=7),
        event("live_like"),
        event("gift", repeat_count=3, coins=10),
        event("live_ended", at=9),
    )
    assert minute(expected, 0, "live") == {"views": 3, "likes": 8, "gifts": 3, "gift_coins": 30}
    row = expected.lives["l"]
    assert (row["unique_viewers"], row["viewers_now"]) == (2, 1)
    assert (row["started_at"], row["ended_at"]) == (T0_MS, T0_MS + 9)
    assert "l" not in expected.videos


@pytest.mark.parametrize(
    ("watch_ms", "duration_ms", "completions"),
    [(89, 90, 0), (90, 90, 1), (500, 90, 1), (0, 0, 0), (5, 0, 0)],
)
def test_a_completion_needs_a_duration_and_keeps_loops(
    watch_ms: int, duration_ms: int, completions: int
) -> None:
    expected = count(event("view", watch_ms=watch_ms, duration_ms=duration_ms))
    row = expected.videos["v"]
    assert (row["completions"], row["watch_ms"]) == (completions, watch_ms)


# Rule 5


@pytest.mark.parametrize(
    ("fields", "qualified"),
    [
        ({"watch_ms": 5_000}, 0),
        ({"watch_ms": 5_001}, 1),
        ({"feed": "following"}, 0),
        ({"is_promoted": True}, 0),
        ({"is_promoted": False}, 1),
        ({"is_promoted": None}, 1),
    ],
)
def test_what_qualifies(fields: dict[str, Any], qualified: int) -> None:
    assert count(event("view", **fields)).videos["v"]["qualified_views"] == qualified


def test_of_two_qualifying_views_the_first_in_the_log_counts_in_its_own_minute() -> None:
    expected = count(
        event("view", watch_ms=10),
        event("view", at=5 * MINUTE_MS),
        event("view", at=2 * MINUTE_MS),
        event("view", at=2 * MINUTE_MS, user_id="w"),
    )
    assert minute(expected, 5 * MINUTE_MS)["qualified_views"] == 1
    assert minute(expected, 2 * MINUTE_MS)["qualified_views"] == 1
    assert totals(expected)["qualified_views"] == 2
    assert totals(expected)["unique_viewers"] == 2


def test_a_late_view_does_not_use_up_its_pair() -> None:
    late = event("view", at=-2 * DAY_MS)
    expected = count(event("impression"), late, event("view", at=-1))
    assert totals(expected)["qualified_views"] == 1


# Rule 6


def test_the_last_of_like_and_unlike_by_event_time_stands() -> None:
    expected = count(event("like"), event("unlike", at=2), event("like", at=1))
    assert totals(expected) == {"likes": 2, "unlikes": 1}
    assert totals(count(event("unlike"), event("like", at=1)))["net_likes"] == 1


def test_an_unlike_may_arrive_before_its_like() -> None:
    assert "net_likes" not in totals(count(event("unlike", at=1), event("like", at=0)))


@pytest.mark.parametrize(("like", "unlike", "net"), [("b", "a", 1), ("a", "b", 0)])
def test_a_tie_in_time_is_decided_by_the_id(like: str, unlike: str, net: int) -> None:
    one, other = event("like", id=like), event("unlike", id=unlike)
    assert count(one, other).videos["v"]["net_likes"] == net
    assert count(other, one).videos["v"]["net_likes"] == net


def test_net_favorites_work_like_net_likes() -> None:
    expected = count(
        event("favorite"), event("unfavorite", at=1), event("favorite", user_id="w", at=1)
    )
    assert totals(expected)["net_favorites"] == 1


def test_followers_belong_to_the_creator_over_all_videos() -> None:
    expected = count(
        event("follow", video_id="v"),
        event("unfollow", video_id="w", at=1),
        event("follow", user_id="x", video_id="w"),
    )
    assert expected.creators["c"]["followers"] == 1
    assert expected.creators["c"]["videos"] == 2


# Rule 8


def test_the_publication_with_the_greatest_time_and_id_stands() -> None:
    expected = count(
        event("view", creator_id="first", duration_ms=5),
        event("video_published", id="b", creator_id="right", at=5),
        event("video_published", id="a", creator_id="same-time", at=5),
        event("video_published", creator_id="older", at=4),
    )
    row = expected.videos["v"]
    assert (row["creator_id"], row["duration_ms"]) == ("right", 90_000)
    assert row["published_at"] == T0_MS + 5
    assert expected.creators["right"]["views"] == 1


def test_without_a_publication_the_events_tell_what_they_know() -> None:
    expected = count(
        event("view", creator_id="first", duration_ms=5), event("view", duration_ms=7, at=1)
    )
    row = expected.videos["v"]
    assert (row["creator_id"], row["duration_ms"], row["content_type"]) == ("first", 7, "")
    assert row["published_at"] == 0


def test_rates_of_creators_are_zero_without_views_and_comments() -> None:
    row = count(event("like"), event("reply")).creators["c"]
    assert (row["engagement_rate"], row["reply_rate"]) == (0.0, 0.0)
    row = count(event("view"), event("view"), event("like"), event("comment")).creators["c"]
    assert (row["engagement_rate"], row["reply_rate"]) == (1.0, 0.0)


# Rule 10


def test_an_invalidated_event_leaves_nothing() -> None:
    events = [event("view"), event("like"), event("follow", creator_id="x"), event("share")]
    expected = count(*events, invalidated(*events, at=5))
    assert not expected.engagement_1m
    assert not expected.videos
    assert not expected.creators
    assert {trend.score for trend in expected.trending_now.values()} <= {float("-inf")}
    assert sums(expected) == {"counted": 5}


def test_an_invalidation_before_its_target_suppresses_it() -> None:
    like = event("like")
    expected = count(invalidated(like), like)
    assert sums(expected) == {"counted": 1, "suppressed": 1}
    assert not expected.videos


def test_copies_that_come_after_the_invalidation_are_suppressed() -> None:
    like = event("like")
    assert sums(count(invalidated(like), like, like)) == {"counted": 1, "suppressed": 2}
    expected = count(like, like, invalidated(like), like)
    assert sums(expected) == {"counted": 2, "duplicates": 1, "suppressed": 1}
    assert not expected.videos


def test_the_next_view_of_the_pair_qualifies() -> None:
    first, second = event("view"), event("view", at=3 * MINUTE_MS)
    for log in ([first, second, invalidated(first)], [invalidated(first), first, second]):
        expected = count(*log)
        assert minute(expected, 0) == {}
        assert minute(expected, 3 * MINUTE_MS)["qualified_views"] == 1


def test_the_like_before_an_invalidated_unlike_stands() -> None:
    like, unlike = event("like"), event("unlike", at=1)
    expected = count(like, unlike, invalidated(unlike))
    assert totals(expected) == {"likes": 1, "net_likes": 1}


def test_the_publication_before_an_invalidated_one_stands() -> None:
    first = event("video_published", content_type="food")
    second = event("video_published", content_type="dance", at=1)
    assert count(first, second, invalidated(second)).videos["v"]["content_type"] == "food"


def test_the_follow_before_an_invalidated_unfollow_stands() -> None:
    follow, unfollow = event("follow"), event("unfollow", at=1)
    assert count(follow, unfollow, invalidated(unfollow)).creators["c"]["followers"] == 1


def test_invalidating_twice_is_invalidating_once() -> None:
    like, other = event("like"), event("like", user_id="w")
    expected = count(like, other, invalidated(like, like), invalidated(like))
    assert totals(expected) == {"likes": 1, "net_likes": 1}


def test_invalidating_twice_after_the_id_was_forgotten_is_once_too() -> None:
    like = event("like")
    later = event("impression", at=3 * DAY_MS)
    expected = count(like, invalidated(like), later, invalidated(like, at=3 * DAY_MS))
    assert totals(expected) == {"impressions": 1}


def test_a_counted_target_older_than_the_horizon_is_taken_back() -> None:
    like = event("like")
    expected = count(like, event("impression", at=9 * DAY_MS), invalidated(like))
    assert totals(expected) == {"impressions": 1}


def test_an_invalidated_event_still_moved_the_event_time() -> None:
    ahead = event("like", at=2 * DAY_MS)
    expected = count(ahead, invalidated(ahead), event("like"))
    assert sums(expected) == {"counted": 2, "late": 1}


def test_a_target_that_was_late_is_taken_as_counted() -> None:
    late = event("view", at=-2 * DAY_MS, watch_ms=9)
    expected = count(event("impression"), late, invalidated(late))
    assert minute(expected, -2 * DAY_MS) == {"views": -1, "watch_ms": -9}
    assert sums(expected) == {"counted": 2, "late": 1}
    assert totals(expected) == {"impressions": 1, "views": -1, "watch_ms": -9}


def test_taking_a_late_like_as_counted_does_not_touch_the_register() -> None:
    late = event("like", at=-2 * DAY_MS)
    expected = count(event("like"), late, invalidated(late))
    assert totals(expected) == {"net_likes": 1}
    assert minute(expected, -2 * DAY_MS) == {"likes": -1}


def test_a_target_exactly_at_the_horizon_that_never_came_changes_nothing() -> None:
    at_horizon, before = event("like", at=-DAY_MS), event("like", at=-DAY_MS - 1)
    assert totals(count(event("impression"), invalidated(at_horizon))) == {"impressions": 1}
    assert totals(count(event("impression"), invalidated(before)))["likes"] == -1


def test_a_suppressed_event_that_comes_after_the_horizon_is_late() -> None:
    like = event("like")
    expected = count(invalidated(like), event("impression", at=2 * DAY_MS), like)
    assert sums(expected) == {"counted": 2, "late": 1}


def test_of_a_target_with_other_content_the_copy_that_was_counted_is_taken_back() -> None:
    first = event("view", watch_ms=100)
    copy = first | {"watch_ms": 900}
    assert not count(first, copy, invalidated(copy)).engagement_1m


def test_a_repeated_invalidation_message_is_a_duplicate() -> None:
    like = event("like")
    message = invalidated(like, at=HOUR_MS)
    assert sums(count(like, message, message)) == {"counted": 2, "duplicates": 1}


def test_a_publication_counted_twice_for_it_was_forgotten_is_taken_back_whole() -> None:
    published = event("video_published")
    later = event("impression", at=3 * DAY_MS)
    expected = count(published, later, published, invalidated(published))
    assert expected.partitions[ENGAGEMENT].duplicates == 0
    assert expected.videos["v"]["published_at"] == 0


def test_of_an_id_used_again_the_event_of_the_targets_time_is_taken_back() -> None:
    first = event("like", id="x")
    again = event("like", id="x", at=26 * HOUR_MS)
    for target, left_at in ((first, 26 * HOUR_MS), (again, 0)):
        expected = count(first, again, invalidated(target, at=26 * HOUR_MS))
        assert minute(expected, left_at) == {"likes": 1}
        assert totals(expected) == {"likes": 1, "net_likes": 1}


def test_the_creator_of_the_first_counted_event_stays_also_when_that_is_taken_back() -> None:
    first = event("view", creator_id="first", duration_ms=99)
    expected = count(first, event("view", user_id="w", duration_ms=7), invalidated(first))
    row = expected.videos["v"]
    assert (row["creator_id"], row["duration_ms"]) == ("first", 7)


def test_a_video_of_which_nothing_is_counted_is_not_listed() -> None:
    expected = count(event("comment_deleted"), event("unfavorite"), event("unlike", video_id="w"))
    assert set(expected.videos) == {"w"}
    assert expected.creators["c"]["videos"] == 1
