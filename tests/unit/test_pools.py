"""Traffic pools: who is promoted, held, stopped and demoted, in small worked cases."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isclose

import msgspec
import pytest

from schemas.ranking import Ranking
from schemas.rows import COUNTERS
from schemas.weights import Weights, load_weights
from streams.intervals import wilson
from streams.pools import DEMOTE, HOLD, PROMOTE, STOP, Boosting, Decision, LastRanking, judge
from streams.value_model import NOTHING, added, sums_of, taken_back, value
from tests.oracle.events import T0_MS
from tests.pooling import MINUTE_MS, pool_weights, sums

M = T0_MS // MINUTE_MS
BY_LIKES = pool_weights(quotas=(100, 300, 1_000), by="like", thresholds=(0.02, 0.04, 0.06))
SHIPPED = load_weights()
PLAIN = {"play": 90, "watch_ms": 2_300_000, "completion": 13}


def shown(impressions: int, like: int = 0, **more: int) -> tuple[int, ...]:
    return sums(impressions=impressions, like=like, **more)


def ranking_of(weights: Weights) -> Ranking:
    ranking = weights.ranking(T0_MS)
    assert ranking is not None
    return ranking


def verdicts(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(decision.decision_id, decision.verdict) for decision in decisions]


def usual(impressions: int, *, times: float) -> tuple[int, ...]:
    """Return what so many impressions lead to, signals `times` as often as usual."""
    rates = SHIPPED.cohorts[0].rates.model_dump()
    watch_ms = int(rates.pop("watch_s") * 1000 * impressions * times)
    counts = {name: round(rate * impressions * times) for name, rate in rates.items()}
    counts["play"] = min(impressions, counts["play"])
    counts |= {"not_interested": 0, "report": 0}
    return sums(impressions=impressions, watch_ms=watch_ms, **counts)


def test_nothing_is_decided_before_the_quota() -> None:
    video = Boosting("v")
    assert video.close(M, shown(99, like=20), (), BY_LIKES) == []
    assert video.standing(ranking_of(BY_LIKES)) == ("L1", "open")
    (decision,) = video.close(M + 1, shown(101, like=4), (), BY_LIKES)
    assert (decision.decision_id, decision.verdict) == ("v:1", PROMOTE)
    assert decision.decided_at_ms == (M + 2) * MINUTE_MS
    assert (decision.impressions, decision.weights_version) == (200, "contribution-1")
    assert decision.lower == wilson(24, 200, 1.281551565545).lower
    assert video.standing(ranking_of(BY_LIKES)) == ("L2", "open")


@pytest.mark.parametrize(("likes", "verdict"), [(0, STOP), (3, HOLD), (6, PROMOTE), (60, HOLD)])
def test_a_verdict_needs_certainty(likes: int, verdict: str) -> None:
    pool = ranking_of(BY_LIKES).model.pools[0]
    counts = shown(100, like=likes)
    found = judge(counts, pool, ranking_of(BY_LIKES))
    interval = wilson(likes, 100, 1.281551565545)
    assert found.verdict == verdict
    assert (found.lower, found.upper) == interval[1:]
    assert (found.reason == "implausible like rate") == (likes == 60)


def test_a_held_video_is_judged_again_and_stopped_when_the_hold_ends() -> None:
    video = Boosting("v")
    assert video.close(M, shown(100, like=3), (), BY_LIKES) == []
    assert video.standing(ranking_of(BY_LIKES)) == ("L1", "hold")
    assert video.deadline == M + 3
    assert video.expire(M + 3, BY_LIKES) == []
    held = Boosting.load("v", video.dump())
    (decision,) = video.close(M + 3, shown(100, like=7), (), BY_LIKES)
    assert verdicts([decision]) == [("v:1", PROMOTE)]
    # whoever looks first after the hold, it was stopped at its end
    called = Boosting.load("v", held.dump())
    (stopped,) = called.expire(M + 4, BY_LIKES)
    assert (stopped.verdict, stopped.reason) == (STOP, "hold ended")
    assert stopped.decided_at_ms == (M + 4) * MINUTE_MS
    assert held.close(M + 9, shown(100, like=9), (), BY_LIKES) == [stopped]
    assert held.deadline is None
    assert held.close(M + 10, shown(100, like=9), (), BY_LIKES) == []


def test_minutes_after_a_promotion_count_in_the_next_pool() -> None:
    video = Boosting("v")
    decisions = video.close(M, shown(5_000, like=500), (), BY_LIKES)
    decisions += video.close(M + 1, shown(299, like=60), (), BY_LIKES)
    assert verdicts(decisions) == [("v:1", PROMOTE)], "one pool a minute, each with its own sums"
    decisions += video.close(M + 2, shown(1), (), BY_LIKES)
    decisions += video.close(M + 3, shown(1_000, like=100), (), BY_LIKES)
    assert verdicts(decisions)[1:] == [("v:2", PROMOTE), ("v:3", PROMOTE)]
    assert video.standing(ranking_of(BY_LIKES)) == ("L3", "promote")
    assert video.close(M + 4, shown(9_000, like=900), (), BY_LIKES) == []


def test_invalidated_likes_demote_and_real_ones_promote_again() -> None:
    video = Boosting("v")
    decisions = video.close(M, shown(200, like=12), (), BY_LIKES)
    decisions += video.close(M + 1, shown(100, like=10), (), BY_LIKES)
    bots = (M, shown(0, like=-9))
    decisions += video.close(M + 5, shown(10), [bots], BY_LIKES)
    assert verdicts(decisions) == [("v:1", PROMOTE), ("v:2", DEMOTE)]
    assert (decisions[1].reason, decisions[1].impressions) == ("corrected", 200)
    assert isclose(decisions[1].measure, 3 / 200)
    assert video.standing(ranking_of(BY_LIKES)) == ("L1", "hold")
    # what it showed in the second pool is not carried back; a minute of that pool is nobody's now
    decisions += video.close(M + 6, shown(0), [(M + 1, shown(0, like=-5))], BY_LIKES)
    assert len(decisions) == 2
    decisions += video.close(M + 7, shown(90, like=12), (), BY_LIKES)
    assert verdicts(decisions[2:]) == [("v:3", PROMOTE)]
    assert decisions[2].impressions == 300
    assert isclose(decisions[2].measure, 15 / 300)


def test_a_correction_that_changes_no_verdict_decides_nothing() -> None:
    video = Boosting("v")
    (first,) = video.close(M, shown(200, like=30), (), BY_LIKES)
    assert video.close(M + 1, NOTHING, [(M, shown(0, like=-1))], BY_LIKES) == []
    assert first.measure == 0.15
    assert video.stages[0].sums == list(shown(200, like=29))


def test_who_was_stopped_by_false_reports_is_promoted_when_they_are_taken_back() -> None:
    video = Boosting("v")
    good = usual(1_000, times=2.0)
    (stopped,) = video.close(M, added((good, sums(report=60))), (), SHIPPED)
    assert (stopped.decision_id, stopped.verdict) == ("v:1", STOP)
    (again,) = video.close(M + 30, NOTHING, [(M, sums(report=-60))], SHIPPED)
    assert (again.decision_id, again.verdict) == ("v:2", PROMOTE)
    assert video.standing(ranking_of(SHIPPED)) == ("L2", "open")


def test_a_brand_new_video_can_be_promoted() -> None:
    """Within minutes, without followers or history: by its first 300 impressions alone."""
    video = Boosting("new")
    decisions: list[Decision] = []
    for minute in range(3):
        decisions += video.close(M + minute, usual(100, times=2.2), (), SHIPPED)
    assert verdicts(decisions) == [("new:1", PROMOTE)]


@pytest.mark.parametrize("times", [0.2, 0.6])
def test_a_poor_video_is_not_promoted(times: float) -> None:
    video = Boosting("v")
    decisions: list[Decision] = []
    for minute in range(400):
        decisions += video.close(M + minute, usual(1_000, times=times), (), SHIPPED)
    assert verdicts(decisions) == [("v:1", STOP)]


@pytest.mark.parametrize("bots", [200, 2_000, 50_000])
def test_a_burst_of_likes_without_watching_does_not_promote(bots: int) -> None:
    """Likes that nobody watched for are far above what any real video has: held, then stopped."""
    video = Boosting("v")
    decisions: list[Decision] = []
    for minute in range(3):
        burst = sums(like=bots) if minute == 1 else NOTHING
        counts = added((usual(100, times=0.7), burst))
        decisions += video.close(M + minute, counts, (), SHIPPED)
    assert decisions == []
    assert video.standing(ranking_of(SHIPPED)) == ("L1", "hold")
    assert judge(
        video.stages[0].sums, ranking_of(SHIPPED).model.pools[0], ranking_of(SHIPPED)
    ).reason == ("implausible like rate")
    assert verdicts(video.expire(M + 100_000, SHIPPED)) == [("v:1", STOP)]


def test_bots_that_do_not_watch_add_impressions_and_no_likes() -> None:
    """A burst small enough to be plausible: its likes are not trusted, so it only dilutes."""
    ranking = ranking_of(SHIPPED)
    organic = usual(300, times=1.2)
    counters = dict.fromkeys(COUNTERS, 0) | {"impressions": 300, "views": 300, "likes": 60}
    burst = sums_of(list(counters.values()))
    trusted = sums_of(list(counters.values()), distrusted_likes=60)
    assert value(added((organic, burst)), ranking) > value(organic, ranking)
    assert value(added((organic, trusted)), ranking) < value(organic, ranking)
    pool = ranking.model.pools[0]
    assert judge(added((organic, trusted)), pool, ranking).verdict != PROMOTE


def test_the_last_ranking_is_remembered_and_is_the_right_one() -> None:
    later = SHIPPED.value_models[0].model_copy(
        update={"version": "later", "valid_from": datetime.fromtimestamp(T0_MS / 1000, UTC)}
    )
    earlier = SHIPPED.value_models[0].model_copy(update={"valid_to": later.valid_from})
    table = SHIPPED.model_dump(by_alias=True)
    rows = [row.model_dump() for row in (earlier, later, *SHIPPED.value_models[1:])]
    both = LastRanking(Weights.model_validate({**table, "value_model": rows}))
    for at_ms in (T0_MS - 1, T0_MS - 1, T0_MS, T0_MS - 1):
        found = both.ranking(at_ms)
        assert found is not None
        assert found.version == ("later" if at_ms == T0_MS else "contribution-1")
    assert both.ranking(T0_MS, "leaked") == SHIPPED.ranking(T0_MS, "leaked")
    assert both.ranking_of("leaked-1") == SHIPPED.ranking_of("leaked-1")
    # a decision is stamped with what was valid at the end of its minute, judged again by the same
    video = Boosting("v")
    decisions = video.close(M - 2, usual(300, times=2.2), (), both)
    decisions += video.close(M, NOTHING, [(M - 2, taken_back(usual(100, times=6.0)))], both)
    assert [d.weights_version for d in decisions] == ["contribution-1", "contribution-1"]
    assert [d.verdict for d in decisions] == [PROMOTE, DEMOTE]


def test_ids_with_colons_stay_apart() -> None:
    (decision,) = Boosting("a:b").close(M, shown(500, like=50), (), BY_LIKES)
    assert decision.decision_id == "a%3Ab:1"


def test_the_state_is_small() -> None:
    video = Boosting("v")
    assert len(msgspec.msgpack.encode(video.dump())) < 50
    for minute in range(5):
        video.close(M + minute, usual(1_100_000, times=9.0), (), SHIPPED)
    assert len(video.stages) == 5
    assert len(msgspec.msgpack.encode(video.dump())) < 500
