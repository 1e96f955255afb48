"""One video's minutes around a boundary, in every order of arrival."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from schemas import wire
from schemas.rows import COUNTERS
from schemas.weights import load_weights
from scripts.logs import open_log
from streams.decode import decode_run
from streams.promotion import Act, Promotion, act_of
from streams.value_model import LIKE, NOTHING, sums_of
from tests.oracle.events import T0_MS, event, line_of
from tests.oracle.logs import count, minute
from tests.pooling import MINUTE_MS, VIDEO, Feed, Happening, arrivals, decide, pool_weights, sums

M = T0_MS // MINUTE_MS
RULES = load_weights().frauds[0]
WEIGHTS = pool_weights(quotas=(100, 300, 1_000), by="like", thresholds=(0.02, 0.04, 0.06))
LIKE_SUMS = sums(like=1)
VIEW_SUMS = sums(play=1, watch_ms=6_000)
AT = T0_MS + MINUTE_MS  # the boundary


def happening(number: int, at: int, user: str, counted: tuple[int, ...]) -> Happening:
    return Happening(AT + at, number, user, counted)


VIEW = happening(1, -3_000, "a", VIEW_SUMS)
LIKED = happening(2, -100, "a", LIKE_SUMS)
BARE = happening(3, -50, "b", LIKE_SUMS)
TOO_LATE_VIEW = happening(4, 50, "b", VIEW_SUMS)
UNLIKED = happening(5, 2_000, "a", sums(like=-1))
BOUNDARY = {
    "both likes taken back": [
        VIEW,
        LIKED,
        BARE,
        TOO_LATE_VIEW,
        Happening(AT + 500, 9, targets=(2, 3)),
    ],
    "the view taken back": [VIEW, LIKED, UNLIKED, Happening(AT + 500, 9, targets=(1,))],
    "taken back in its minute": [VIEW, LIKED, BARE, Happening(AT - 10, 9, targets=(2, 3, 1))],
    "what watched is taken back first": [
        VIEW,
        LIKED,
        Happening(AT - 5_000, 8, targets=(1,)),
        Happening(AT + 5_000, 9, targets=(2, 5)),
        UNLIKED,
    ],
}


def trace(arriving: tuple[Happening, ...]) -> list[tuple[int, ...]]:
    """Return the sum of closed minutes as it stood after each of the first four closes."""
    feed = Feed(WEIGHTS, M)
    for one in arriving:
        feed.arrive(one)
        feed.restart()
    found = []
    for number in range(1, 5):
        feed.close_before(M + number)
        found.append(feed.closed)
    assert feed.promotion.due(feed.open) is None
    return found


@pytest.mark.parametrize("name", BOUNDARY)
def test_every_order_of_arrival_closes_the_same_sums(name: str) -> None:
    """All are within ten seconds of each other: any order is allowed."""
    events = BOUNDARY[name]
    assert max(e.at_ms for e in events) - min(e.at_ms for e in events) <= 10_000
    traces = {tuple(trace(order)) for order in permutations(events)}
    assert len(traces) == 1, traces


def test_what_is_taken_back_later_stood_in_its_minute() -> None:
    likes = [closed[LIKE] for closed in trace(tuple(BOUNDARY["both likes taken back"]))]
    assert likes == [1, 0, 0, 0], "the trusted like counts for a minute, the other one never"
    likes = [closed[LIKE] for closed in trace(tuple(BOUNDARY["taken back in its minute"]))]
    assert likes == [0, 0, 0, 0]


def test_what_creators_do_is_kept_until_pools_begin_and_no_longer() -> None:
    feed = Feed(WEIGHTS, M)
    own = Act(M, "owner", sums(like=1, comment=2))
    feed.panes[M] = own.sums
    feed.promotion.leave_out(own, 1, feed.open)
    assert feed.closed == NOTHING
    assert feed.promotion.due(feed.open) is None, "nothing waits for it"
    feed.arrive(Happening(AT + 3 * MINUTE_MS, 1, "z", sums(impressions=1)))
    assert feed.closed == NOTHING
    assert feed.promotion.plain, "minutes to come are closed as those of others"
    feed.restart()
    feed.promotion.leave_out(own, -1, feed.open)  # invalidated, its minute closed
    feed.panes[M] = NOTHING
    assert feed.closed == NOTHING
    assert feed.promotion.corrections is None
    feed.panes[M] = own.sums
    feed.promotion.leave_out(own, 1, feed.open)  # late
    for number in range(100):
        feed.arrive(Happening(AT + 4 * MINUTE_MS, number + 2, f"u{number}", sums(impressions=1)))
    feed.close_before(M + 6)
    assert feed.promotion.boosting is not None
    assert feed.promotion.boosting.stages[0].sums == list(sums(impressions=101))
    assert feed.promotion.corrections is None
    feed.promotion.leave_out(own, 1, feed.open)
    assert feed.promotion.corrections is None


def test_late_events_are_corrections_of_the_first_open_minute() -> None:
    feed = Feed(WEIGHTS, M)
    feed.arrive(Happening(AT + 3 * MINUTE_MS, 1, "z", sums(impressions=1)))
    assert feed.open == M + 3
    feed.arrive(Happening(AT, 2, "a", VIEW_SUMS))
    feed.arrive(Happening(AT, 3, "a", LIKE_SUMS))
    feed.arrive(Happening(AT, 4, "b", LIKE_SUMS))
    assert feed.promotion.due(feed.open) == M + 3
    feed.close_before(M + 4)
    # who watched comes too late to make the like of that minute trusted
    assert feed.closed == VIEW_SUMS
    feed.arrive(Happening(AT + 4 * MINUTE_MS, 5, targets=(2, 3, 4)))
    feed.close_before(M + 9)
    assert feed.closed == sums(impressions=1)


def test_a_hold_ends_though_nobody_comes() -> None:
    shown = [Happening(AT + n, n, f"u{n}", sums(impressions=1)) for n in range(100)]
    watching = [Happening(AT + n, 200 + n, f"u{n}", VIEW_SUMS) for n in range(3)]
    liking = [Happening(AT + n, 300 + n, f"u{n}", LIKE_SUMS) for n in range(3)]
    decisions, _ = decide([*shown, *watching, *liking], WEIGHTS, M)
    (stopped,) = decisions
    assert (stopped.verdict, stopped.reason) == ("stop", "hold ended")
    assert stopped.decided_at_ms == AT + 4 * MINUTE_MS


def test_likes_without_watching_do_not_promote() -> None:
    shown = [Happening(AT + n, n, f"u{n}", sums(impressions=1)) for n in range(200)]
    watching = [Happening(AT + n, 1_000 + n, f"u{n}", VIEW_SUMS) for n in range(150)]
    liking = [Happening(AT + n, 2_000 + n, f"u{n}", LIKE_SUMS) for n in range(2)]
    bots = [Happening(AT + n, 3_000 + n, f"bot{n}", LIKE_SUMS) for n in range(20)]
    real = [Happening(AT + n, 4_000 + n, f"u{50 + n}", LIKE_SUMS) for n in range(20)]
    organic = [*shown, *watching, *liking]
    without, _ = decide(organic, WEIGHTS, M)
    burst, _ = decide([*organic, *bots], WEIGHTS, M)
    liked, _ = decide([*organic, *real], WEIGHTS, M)
    assert burst == without
    assert [d.verdict for d in without] == ["stop"]
    assert liked[0].verdict == "promote"


@pytest.mark.parametrize(
    "kind",
    [
        *("impression", "view", "like", "unlike", "comment", "reply", "share", "favorite"),
        *("follow", "profile_view", "not_interested", "report", "unfavorite", "unfollow"),
        *("comment_deleted", "video_published", "deal_signed"),
    ],
)
def test_an_act_is_what_the_window_counts(kind: str) -> None:
    for watch_ms in (500, 6_000, 90_000) if kind == "view" else (None,):
        made = event(kind, **({} if watch_ms is None else {"watch_ms": watch_ms}))
        (parsed,), _ = decode_run([line_of(made)])
        assert isinstance(parsed, wire.VideoEvent)
        act = act_of(parsed)
        counters = minute(count(made), 0)
        assert act.sums == sums_of([counters.get(name, 0) for name in COUNTERS])
        assert (act.minute, act.user_id) == (M, "u")


def test_a_video_that_nobody_saw_has_no_pools() -> None:
    promotion = Promotion(VIDEO)
    counted = sums(impressions=99, like=3)
    assert promotion.close(M, counted, lambda: counted, WEIGHTS) == []
    assert promotion.boosting is None
    assert promotion.due(M + 1) is None
    assert (promotion.shown, promotion.played, promotion.exposures) == (99, 0, 99)


@pytest.mark.data
def test_pools_of_the_real_log(data_dir: Path, rng: Random) -> None:
    """Of 5,564 videos 13 are shown to 300 people in that week; the best three are promoted."""
    log = open_log(data_dir / "kuairand_log.csv.gz", "kuairand").records()
    decoded, _ = decode_run([record.value for record in log])
    videos: dict[str, dict[str, Happening]] = {}
    for number, one in enumerate(decoded):
        assert isinstance(one, wire.VideoEvent)
        act = act_of(one)
        happened = Happening(one.event_time_ms, number, one.user_id, act.sums)
        videos.setdefault(one.video_id, {}).setdefault(one.id, happened)
    shown = {name: sum(e.sums[0] for e in events.values()) for name, events in videos.items()}
    large = [name for name, impressions in shown.items() if impressions >= 300]
    assert (len(videos), len(large), max(shown.values())) == (5_564, 13, 664)
    verdicts: Counter[str] = Counter()
    for name in large:
        events = sorted(videos[name].values())
        decisions, state = decide(events, load_weights(), events[0].minute, close_days=30)
        verdicts.update(decision.verdict for decision in decisions)
        shuffled = arrivals(events, rng)
        again = decide(shuffled, load_weights(), events[0].minute, close_days=30)
        assert again == (decisions, state)
    assert verdicts == {"promote": 3, "stop": 10}
