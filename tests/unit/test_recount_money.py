"""The recount's money and scores: gift streaks, refunds, Creator Rewards, trending."""

import math

import pytest

from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, T0_MS, event, invalidated
from tests.oracle.logs import Event, booked, count, minute, rules
from tests.simulation.ruleset import rule_set

COIN = 2_500
STREAK = "gift:l:u:rose:g"
# Rule 9: a streak of one frame at T0 ends when the event time has passed this.
TIMEOUT = 70 * SECOND_MS


def test_an_open_streak_is_an_estimate_of_its_best_frame() -> None:
    expected = count(event("gift", repeat_count=1), event("gift", repeat_count=3, at=1))
    assert booked(expected) == {STREAK: ("estimated", 30 * COIN)}
    entry = expected.ledger[STREAK]
    assert (entry.creator_id, entry.occurred_at_ms, entry.currency) == ("c", T0_MS + 1, "USD")
    assert entry.rate_version == "gift-A-1"


def test_a_streak_counts_its_highest_frame_once_in_the_minute_of_the_earliest() -> None:
    expected = count(
        event("gift", repeat_count=5, at=2 * MINUTE_MS),
        event("gift", repeat_count=2),
        event("gift", repeat_count=5, at=MINUTE_MS),
    )
    assert minute(expected, MINUTE_MS, "live") == {"gifts": 5, "gift_coins": 50}
    assert len(expected.engagement_1m) == 1


def test_a_tie_of_frames_in_time_is_decided_by_the_id() -> None:
    expected = count(event("gift", id="b", coins=9), event("gift", id="a", coins=7))
    assert minute(expected, 0, "live") == {"gifts": 1, "gift_coins": 7}


def test_the_end_frame_books_the_streak() -> None:
    expected = count(
        event("gift", repeat_count=4), event("gift", repeat_count=2, repeat_end=True, at=1)
    )
    assert booked(expected) == {STREAK: ("final", 40 * COIN)}
    assert expected.ledger[STREAK].occurred_at_ms == T0_MS


def test_a_lost_end_is_made_up_for_by_another_subject_that_passes_the_timeout() -> None:
    at_timeout = count(event("gift"), event("like", at=TIMEOUT))
    assert booked(at_timeout) == {STREAK: ("estimated", 10 * COIN)}
    after = count(event("gift"), event("like", at=TIMEOUT + 1))
    assert booked(after) == {STREAK: ("final", 10 * COIN)}


def test_every_frame_puts_the_timeout_off_also_one_that_is_not_better() -> None:
    expected = count(
        event("gift", repeat_count=2),
        event("gift", repeat_count=1, at=50 * SECOND_MS),
        event("like", at=TIMEOUT + 1),
    )
    assert booked(expected)[STREAK][0] == "estimated"


def test_a_late_event_and_a_duplicate_end_no_streak_that_time_has_not_ended() -> None:
    gift = event("gift")
    assert booked(count(gift, gift, event("like", at=-2 * DAY_MS)))[STREAK][0] == "estimated"


def test_a_better_frame_after_the_end_is_an_adjustment() -> None:
    better = event("gift", id="f", repeat_count=5, at=10)
    expected = count(event("gift", repeat_end=True), better)
    assert booked(expected) == {
        STREAK: ("final", 10 * COIN),
        f"{STREAK}:1": ("adjustment", 40 * COIN),
    }
    assert minute(expected, 0, "live") == {"gifts": 5, "gift_coins": 50}


def test_a_frame_after_the_end_that_is_not_better_books_nothing() -> None:
    expected = count(event("gift", repeat_end=True), event("gift", at=1, coins=99))
    assert booked(expected) == {STREAK: ("final", 10 * COIN)}


def test_a_better_frame_of_less_worth_is_a_negative_adjustment() -> None:
    cheaper = event("gift", id="f", repeat_count=2, coins=1, at=1)
    last = event("gift", id="g", repeat_count=3, coins=10, at=2)
    expected = count(event("gift", repeat_end=True), cheaper, last)
    assert booked(expected) == {
        STREAK: ("final", 10 * COIN),
        f"{STREAK}:1": ("adjustment", -8 * COIN),
        f"{STREAK}:2": ("adjustment", 28 * COIN),
    }
    assert minute(expected, 0, "live") == {"gifts": 3, "gift_coins": 30}


def test_of_equal_frames_the_earlier_stands_also_after_the_end() -> None:
    earlier = event("gift", id="f", at=-1, coins=9)
    expected = count(event("gift", repeat_end=True), earlier)
    assert booked(expected)[f"{STREAK}:1"] == ("adjustment", -COIN)


def test_a_frame_that_comes_after_its_own_timeout_finds_the_streak_final() -> None:
    expected = count(event("gift"), event("gift", id="f", repeat_count=2, at=TIMEOUT + 1))
    assert booked(expected) == {
        STREAK: ("final", 10 * COIN),
        f"{STREAK}:1": ("adjustment", 10 * COIN),
    }


def test_a_frame_older_than_the_timeout_is_ended_by_the_next_event_that_raises_the_time() -> None:
    log = [event("like", at=DAY_MS), event("gift"), event("gift", repeat_count=2)]
    not_raised = count(*log, event("like", at=DAY_MS))
    assert booked(not_raised) == {STREAK: ("estimated", 20 * COIN)}
    raised = count(*log, event("like", at=DAY_MS + 1))
    assert booked(raised) == {STREAK: ("final", 20 * COIN)}


def test_streaks_of_other_groups_users_and_gifts_are_apart() -> None:
    expected = count(
        event("gift"),
        event("gift", group_id="h"),
        event("gift", user_id="w"),
        event("gift", gift_id="lion"),
    )
    assert len(booked(expected)) == 4
    assert minute(expected, 0, "live") == {"gifts": 4, "gift_coins": 40}


def test_a_refund_after_the_end_takes_back_all_that_was_booked() -> None:
    expected = count(
        event("gift", repeat_end=True),
        event("gift", id="f", repeat_count=2, order_id="p"),
        event("gift_refunded", order_id="p", at=HOUR_MS),
        event("gift_refunded", order_id="o", at=2 * HOUR_MS),
    )
    assert booked(expected)[f"{STREAK}:refund"] == ("adjustment", -20 * COIN)
    assert expected.ledger[f"{STREAK}:refund"].occurred_at_ms == T0_MS + HOUR_MS
    assert minute(expected, 0, "live") == {"gifts": 2, "gift_coins": 20}


def test_a_refunded_open_streak_is_never_booked() -> None:
    expected = count(
        event("gift"), event("gift_refunded", at=1), event("gift", repeat_end=True, at=2)
    )
    assert booked(expected) == {}
    assert minute(expected, 0, "live") == {"gifts": 1, "gift_coins": 10}


def test_a_refund_may_arrive_before_its_gift() -> None:
    refund = event("gift_refunded")
    assert booked(count(refund, event("gift", repeat_end=True))) == {}
    assert booked(count(refund, event("gift", live_id="m", repeat_end=True))) != {}


def test_a_frame_of_an_order_refunded_before_takes_a_final_streak_back() -> None:
    expected = count(
        event("gift_refunded", order_id="p", at=5),
        event("gift", repeat_end=True),
        event("gift", repeat_count=2, order_id="p", at=1),
        event("gift", repeat_count=3, at=2),
    )
    assert booked(expected) == {
        STREAK: ("final", 10 * COIN),
        f"{STREAK}:refund": ("adjustment", -10 * COIN),
    }
    assert expected.ledger[f"{STREAK}:refund"].occurred_at_ms == T0_MS + 1


def test_an_entry_of_nothing_is_no_entry() -> None:
    """Where a coin is worth nothing, neither an estimate nor an end is booked."""
    free = rule_set(free_gifts=True).plain
    gift = event("gift", at=-MINUTE_MS)
    end = event("gift", id="end", at=-MINUTE_MS, repeat_count=2, repeat_end=True)
    paid = event("gift", id="paid", repeat_count=3)
    refund = event("gift_refunded", at=1)
    assert booked(count(gift, rates=free.rates)) == {}
    assert booked(count(gift, end, rates=free.rates)) == {}
    assert booked(count(gift, end, refund, rates=free.rates)) == {}
    later = count(gift, end, paid, rates=free.rates)
    assert booked(later) == {f"{STREAK}:0": ("adjustment", 30 * 2_400)}
    assert minute(later, 0, "live") == {"gifts": 3, "gift_coins": 30}


def test_an_entry_refers_to_its_live_or_video() -> None:
    expected = count(event("video_published"), *views(1_001, 0), event("gift", repeat_end=True))
    assert {e.source: e.reference for e in expected.ledger.values()} == {
        "gift": "live:l",
        "creator_rewards": "video:v",
    }


# Rule 11


def score(weighted: list[tuple[float, int]], half_life_ms: int) -> float:
    newest = max(at for _, at in weighted)
    linear = sum(weight * 2 ** ((at - newest) / half_life_ms) for weight, at in weighted)
    return math.log2(linear) + (T0_MS + newest) / half_life_ms


def test_scores_add_points_at_their_own_time_in_any_order() -> None:
    log = [event("like", at=HOUR_MS), event("view"), event("share", at=5 * HOUR_MS)]
    found = count(*log).trending_now["video", "v"]
    assert found.score == pytest.approx(
        score([(1, 0), (7, HOUR_MS), (60, 5 * HOUR_MS)], rules().half_life_ms), abs=1e-9
    )
    turned = count(*reversed(log)).trending_now["video", "v"]
    assert turned.score == pytest.approx(found.score, abs=1e-9)
    assert turned.velocity == pytest.approx(found.velocity)


def test_a_completed_view_is_worth_more() -> None:
    full = count(event("view", watch_ms=9, duration_ms=9)).trending_now["video", "v"]
    part = count(event("view", watch_ms=8, duration_ms=9)).trending_now["video", "v"]
    assert full.score - part.score == pytest.approx(math.log2(3.5), abs=1e-9)


def test_velocity_is_points_per_hour_at_the_newest_time_of_all_partitions() -> None:
    expected = count(event("like"), event("affiliate_click", at=HOUR_MS))
    assert expected.trending_now["video", "v"].velocity == pytest.approx(7 / 2 * math.log(2))


def test_hashtags_sounds_challenges_and_creators_have_the_points_of_their_videos() -> None:
    published = event("video_published", hashtags=["x", "x", "y"], sound_id="s", challenge_id="z")
    other = event("video_published", video_id="w", hashtags=["x"])
    expected = count(published, other, event("like"), event("like", video_id="w"))
    found = expected.trending_now
    assert {key for key in found if key[0] != "video"} == {
        ("hashtag", "x"),
        ("hashtag", "y"),
        ("sound", "s"),
        ("challenge", "z"),
        ("creator", "c"),
    }
    assert found["hashtag", "x"].score - found["hashtag", "y"].score == pytest.approx(1, abs=1e-9)
    assert found["creator", "c"].score == pytest.approx(found["hashtag", "x"].score, abs=1e-9)


def test_a_video_with_more_reports_than_points_has_no_score() -> None:
    assert not count(event("like"), event("report")).trending_now


def test_ranks_follow_scores_and_near_ties_may_have_either() -> None:
    expected = count(
        event("share", video_id="best"), event("like", video_id="a"), event("like", video_id="b")
    )
    ranks = {
        name: (trend.rank_low, trend.rank_high)
        for (kind, name), trend in expected.trending_now.items()
        if kind == "video"
    }
    assert ranks == {"best": (1, 1), "a": (2, 3), "b": (2, 3)}


def test_points_that_cancel_out_need_not_be_shown() -> None:
    trend = count(event("like"), event("unlike", user_id="w")).trending_now["video", "v"]
    assert trend.score_low == -math.inf
    assert count(event("like"), invalidated(event("like"))).trending_now["video", "v"].score > 0


# Rule 12


def views(number: int, at: int, first: int = 0) -> list[Event]:
    return [event("view", user_id=f"u{first + n}", at=at) for n in range(number)]


def test_rewards_pay_what_is_beyond_the_threshold_per_day() -> None:
    log = views(999, 0) + views(4, DAY_MS, 999) + views(2, 2 * DAY_MS, 1003)
    expected = count(event("video_published"), *log)
    assert booked(expected) == {
        "creator_rewards:v:2024-03-02": ("estimated", 3 * 400),
        "creator_rewards:v:2024-03-03": ("estimated", 2 * 400),
    }
    entry = expected.ledger["creator_rewards:v:2024-03-02"]
    assert (entry.occurred_at_ms, entry.rate_version) == (T0_MS + DAY_MS, "rewards-1")


@pytest.mark.parametrize(
    "fields", [{"is_original": False}, {"is_promoted": True}, {"duration_ms": 59_999}]
)
def test_a_video_that_is_not_eligible_pays_nothing(fields: Event) -> None:
    assert booked(count(event("video_published", **fields), *views(1_002, 0))) == {}
    assert booked(count(*views(1_002, 0))) == {}


def test_an_invalidated_view_moves_the_money_of_later_days() -> None:
    first_day, second_day = views(1_001, 0), views(1, DAY_MS, 1_001)
    taken_back = invalidated(first_day[0], at=DAY_MS)
    expected = count(event("video_published"), *first_day, *second_day, taken_back)
    assert booked(expected) == {"creator_rewards:v:2024-03-02": ("estimated", 400)}
