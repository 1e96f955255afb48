"""Everything that a partition's state is, for comparing two states."""

from typing import Any

from streams.partition import Partition
from streams.promotion import Promotion
from streams.registers import Registers
from streams.subjects import Live, Subject, Video
from streams.trust import Trust
from streams.windows import Pane


def dump(state: Partition) -> dict[str, Any]:
    """Return the state as plain values; subjects that no counted event touched say nothing."""
    return {
        "next_offset": state.next_offset,
        "event_time": (state.max_event_time_ms, state.late_before_ms),
        "counts": {name: n for name, n in state.counts.items() if n},
        "by_type": {name: n for name, n in state.by_type.items() if n},
        "videos": {v.id: _video(v) for v in state.videos.values() if v.changed >= 0},
        "lives": {x.id: _live(x) for x in state.lives.values() if x.changed >= 0},
        "ids": {hour: sorted(ids) for hour, ids in state.dedup.buckets.items() if ids},
        "seen": state.dedup.seen,
        "invalidated": state.invalidated,
        "for_you": (state.for_you.first_open, state.for_you.namings.by_target),
        "follows": {name: kept for name, r in state.follows.items() if (kept := _registers(r))},
        "open_minutes": {
            minute: sorted((s.kind, s.id) for s in subjects)
            for minute, subjects in state.open_minutes.items()
        },
    }


def first_difference(one: Any, other: Any, path: str = "") -> str:
    """Return where two dumps differ first and how, or nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=repr):
            found = first_difference(one.get(key), other.get(key), f"{path}/{key}")
            if found:
                return found
        return ""
    return "" if one == other else f"{path}: {one!r} is not {other!r}"


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "creator_id": subject.creator_id,
        "total": list(subject.total),
        "changed": subject.changed,
        "panes": {minute: _pane(pane) for minute, pane in subject.panes.items()},
    }


def _pane(pane: Pane) -> tuple[Any, ...]:
    return (pane.creator_id, pane.opened, pane.changed, tuple(pane.counters))


def _video(video: Video) -> dict[str, Any]:
    viewers = video.viewers
    return _subject(video) | {
        "scores": [(s.value, s.at_ms) for s in (video.score, video.fast_score)],
        "feeds": sorted(video.feeds.items()),
        "published": (video.published, video.product_ids, video.fact_bits_ever),
        "durations_ms": video.durations_ms,
        "days": video.days,
        "qualified": (video.qualified, viewers.qualified),
        "earns": video.earns,
        "views": (viewers.unique, {user: n for user, n in viewers.views.items() if n}),
        "waiting": {user: waiting for user, waiting in viewers.waiting.items() if waiting},
        "likes": (video.likes.on, _registers(video.likes)),
        "favorites": (video.favorites.on, _registers(video.favorites)),
        "promotion": _promotion(video.promotion),
    }


def _promotion(promotion: Promotion) -> dict[str, Any]:
    trust = promotion.trust or Trust({})
    return {
        "pools": promotion.dump(),
        "closed": (promotion.shown, promotion.played),
        "watched_from": promotion.watched_from,
        "trust": {user: trust.entry(user) for user in trust.users()},
    }


def _live(live: Live) -> dict[str, Any]:
    streaks = {}
    for key, streak in live.streaks.items():
        booked = (streak.booked_micros, streak.bookings)
        flags = (streak.final, streak.refunded, *booked, streak.changed)
        streaks[key] = (streak.best, streak.last_ms, *flags, sorted(streak.order_ids))
    return _subject(live) | {
        "times": (live.started_ms, live.ended_ms),
        "people": (live.here, live.joined, live.presence),
        "streaks": streaks,
        "refunded_orders": live.refunded_orders,
    }


def _registers(registers: Registers) -> dict[str, Any]:
    return {user: history for user, history in registers.by_key.items() if history}
