"""Pools inside a partition: when minutes close, what a tick is for, and who is promoted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.pools import Decision
from tests.oracle.events import MINUTE_MS, SECOND_MS, T0_MS, event, invalidated
from tests.pooling import pool_weights
from tests.simulation.core import Core, core_of
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Tables

BY_LIKES = pool_weights(quotas=(20, 60, 200), by="like", thresholds=(0.02, 0.04, 0.06))
RULES = replace(rule_set().pipeline, weights=BY_LIKES)
CLOSED = MINUTE_MS + RULES.disorder_ms  # after T0: when its minute is closed

Event = dict[str, Any]


def shown(number: int, at: int = 0) -> list[Event]:
    """Impressions with views of people who watch."""
    users = [f"u{n}" for n in range(number)]
    seen = [event("impression", at=at, user_id=user) for user in users]
    return seen + [event("view", at=at + 1, user_id=user) for user in users]


def liked(number: int, at: int = 2, who: str = "u") -> list[Event]:
    return [event("like", at=at, user_id=f"{who}{n}") for n in range(number)]


def after(*events: Event, at: int = CLOSED) -> Core:
    """Return a partition in which these happened, and time went on to T0 + at on another video."""
    return core_of(*events, event("impression", at=at, video_id="other"), rules=RULES)


def decided(core: Core) -> list[Decision]:
    return [one.decision for one in core.state.for_you.decided]


def test_a_brand_new_video_is_promoted_when_its_first_minute_closes() -> None:
    core = after(*shown(20), *liked(4), at=CLOSED - 1)
    assert decided(core) == []
    core = after(*shown(20), *liked(4))
    (decision,) = decided(core)
    assert (decision.decision_id, decision.verdict, decision.pool_after) == (
        "v:1",
        "promote",
        "L2",
    )
    assert (decision.decided_at_ms, decision.impressions) == (T0_MS + MINUTE_MS, 20)
    tables = Tables()
    tables.write_all(core.flush())
    pools = {row["video_id"]: row["pool"] for row in tables.rows("video_totals")}
    assert pools == {"v": "L2", "other": "L1"}
    (row,) = tables.rows("boosts_log")
    assert row["decision_id"] == "v:1"
    assert row["lower_bound"] >= row["threshold"] == 0.02


def test_a_burst_of_bots_that_watch_nothing_does_not_promote() -> None:
    few = after(*shown(40), *liked(1), at=CLOSED)
    burst = after(*shown(40), *liked(1), *liked(30, who="bot"), at=CLOSED)
    assert decided(burst) == decided(few)
    assert all(decision.verdict != "promote" for decision in decided(burst))


def test_bots_that_watch_are_held_and_demoted_when_they_are_invalidated() -> None:
    bots = [e for e in shown(30) if e["type"] == "view"] + liked(6)
    real = [event("impression", user_id=f"r{n}") for n in range(60)]
    later = invalidated(*bots[-6:], at=2 * MINUTE_MS)
    core = after(*real, *bots, later, at=2 * MINUTE_MS + CLOSED)
    assert [d.verdict for d in decided(core)] == ["promote", "demote"]
    assert decided(core)[1].reason == "corrected"
    assert core.state.videos[b"v"].promotion.pool == "L1"


@pytest.mark.parametrize("likes", range(1, 20))
def test_one_more_like_never_lowers_what_is_decided(likes: int) -> None:
    order = ("stop", "hold", "promote")
    pair = [decided(after(*shown(25), *liked(n))) for n in (likes, likes + 1)]
    fewer, more = (order.index(found[0].verdict if found else "hold") for found in pair)
    implausible = likes + 1 > 0.25 * 25
    assert more >= fewer or implausible


def test_of_two_invalidations_the_earlier_minute_stands_whichever_comes_first() -> None:
    seen, (like,) = shown(1), liked(1)
    first, second = invalidated(like, at=65 * SECOND_MS), invalidated(like, at=58 * SECOND_MS)
    for order in ([like, first, second], [like, second, first], [first, second, like]):
        core = core_of(*seen, *order, rules=RULES)
        minute = T0_MS // MINUTE_MS
        assert [due for due, _ in core.state.for_you.namings.by_target.values()] == [minute]
        promotion = core.state.videos[b"v"].promotion
        pending = {} if promotion.corrections is None else promotion.corrections.pending
        assert not any(any(sums) for changes in pending.values() for sums in changes.values())
        core = after(*seen, *order, at=MINUTE_MS + CLOSED)
        assert core.state.for_you.namings.by_target == {}
        assert core.state.videos[b"v"].promotion.plain


def test_time_that_passes_is_a_reason_for_a_tick_only_where_something_may_be_decided() -> None:
    idle_ms = T0_MS + 2 * MINUTE_MS
    assert not core_of(*shown(19), rules=RULES).state.would_close(idle_ms)
    core = core_of(*shown(20), rules=RULES)
    assert core.state.would_close(idle_ms)
    assert not core.state.would_close(T0_MS + CLOSED - 1)


def test_a_tick_ends_a_hold() -> None:
    core = after(*shown(20), *liked(1))
    assert decided(core) == []
    held = core.state.videos[b"v"].promotion.due(0)
    assert held == T0_MS // MINUTE_MS + 3 + 1
    end_ms = (held + 1) * MINUTE_MS + RULES.disorder_ms
    assert core.state.would_close(end_ms)
    assert not core.state.would_close(end_ms - 1)
    tick = event("tick", at=end_ms - T0_MS, user_id="engage")
    other = event("impression", at=CLOSED, video_id="other")
    run = core_of(*shown(20), *liked(1), other, tick, rules=RULES)
    (decision,) = decided(run)
    assert (decision.verdict, decision.reason) == ("stop", "hold ended")
    assert not run.state.would_close(end_ms + 60 * MINUTE_MS)


def test_minutes_stay_open_as_long_as_the_disorder_says_even_if_panes_are_kept_shorter() -> None:
    slow = replace(RULES, disorder_ms=30 * MINUTE_MS, pane_keep_ms=MINUTE_MS)
    last = event("impression", at=31 * MINUTE_MS, video_id="other")
    core = core_of(*shown(20), *liked(4), last, rules=slow)
    assert [d.verdict for d in decided(core)] == ["promote"]
