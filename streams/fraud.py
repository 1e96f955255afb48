"""What no real viewer does, as rules over the events of a closed span of time.

    rate        a user likes faster than a token bucket fills
    unwatched   a user likes again and again what was not watched
    lockstep    a group likes the same videos in the same minutes (streams/lockstep.py)
    device      one device acts for many users
    self        a creator engages with the own video

The rules are those that platforms and observers name in public; the figures are dated rows of the
weights file. Every rule is a function of the set of events (duplicates are out already), not of
their order. A finding holds the original events, whole, so an `invalidated` event can be made of it; naming an event twice does
nothing, so findings may overlap.

A single like without watching proves nothing: 3.7 % of the likes of a real log have less than a
second of watching behind them. It is distrusted, and does not lift a video in its pool
(`distrusted`); only a user who does it again and again is found.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from xxhash import xxh3_64_hexdigest

from schemas import wire
from schemas.detection import FraudRules
from streams.lockstep import Like, lockstep_likes

MINUTE_MS = 60_000
TARGETS_MAX = 500  # an invalidation names at most 1,000, in at most a mebibyte
ENGAGEMENT = frozenset({wire.Like, wire.Comment, wire.Share, wire.Favorite, wire.Follow})

OWNERS = frozenset({wire.VideoPublished, wire.DealSigned})  # what creators do, not viewers

Event = wire.VideoEvent


class Finding(NamedTuple):
    """Events of one video that one rule names, in order of (time, id)."""

    rule: str
    video_id: str
    events: tuple[Event, ...]
    rules_version: str

    @property
    def finding_id(self) -> str:
        """Return an id that follows from rule, video and events."""
        digest = xxh3_64_hexdigest("\n".join(event.id for event in self.events).encode())
        return f"{self.rule}:{digest}"


class Buckets:
    """Token buckets by user. Times of one user must not fall.

    Credit is kept in milliseconds, so that nothing is rounded: a like costs a minute divided by the
    likes a minute may have, and at most `likes_at_once` of them are saved up.
    """

    __slots__ = ("_cost_ms", "_full_ms", "_kept")

    def __init__(self, rules: FraudRules) -> None:
        self._cost_ms = MINUTE_MS // rules.likes_per_minute
        self._full_ms = self._cost_ms * rules.likes_at_once
        self._kept: dict[str, tuple[int, int]] = {}  # user -> credit, as of

    def take(self, user: str, at_ms: int) -> bool:
        """Return whether there is credit for one like, and spend it."""
        credit, as_of = self._kept.get(user, (self._full_ms, at_ms))
        credit = min(self._full_ms, credit + at_ms - as_of)
        allowed = credit >= self._cost_ms
        self._kept[user] = (credit - self._cost_ms if allowed else credit, at_ms)
        return allowed

    def forget(self, before_ms: int) -> None:
        """Drop users whose bucket has been full since before this time."""
        full = [
            user
            for user, (credit, as_of) in self._kept.items()
            if as_of + self._full_ms - credit < before_ms
        ]
        for user in full:
            del self._kept[user]

    def dump(self) -> dict[str, tuple[int, int]]:
        """Return the state as plain values."""
        return dict(self._kept)

    def load(self, dumped: Mapping[str, tuple[int, int]]) -> None:
        """Take back the state that was dumped."""
        self._kept = {user: (credit, as_of) for user, (credit, as_of) in dumped.items()}


def over_rate(events: Iterable[Event], rules: FraudRules, buckets: Buckets) -> list[Event]:
    """Return the likes for which their users have no credit; `buckets` go on from span to span."""
    likes = _in_order(event for event in events if isinstance(event, wire.Like))
    return [like for like in likes if not buckets.take(like.user_id, like.event_time_ms)]


def watched_pairs(events: Iterable[Event], rules: FraudRules) -> set[tuple[str, str]]:
    """Return the (user, video) pairs of which there is a view that was watched."""
    return {
        (event.user_id, event.video_id)
        for event in events
        if isinstance(event, wire.View) and event.watch_ms >= rules.watched_ms
    }


def distrusted(events: Iterable[Event], watched: Collection[tuple[str, str]]) -> list[Event]:
    """Return the likes that no watching stands behind: they do not count in pools."""
    likes = (event for event in events if isinstance(event, wire.Like))
    return _in_order(like for like in likes if (like.user_id, like.video_id) not in watched)


def unwatched(events: Collection[Event], rules: FraudRules) -> list[Event]:
    """Return the unwatched likes of users who hardly ever like what they watched."""
    of_user: dict[str, int] = {}
    bare: dict[str, list[Event]] = {}
    for event in events:
        if isinstance(event, wire.Like):
            of_user[event.user_id] = of_user.get(event.user_id, 0) + 1
    for like in distrusted(events, watched_pairs(events, rules)):
        bare.setdefault(like.user_id, []).append(like)
    return _in_order(
        like
        for user, likes in bare.items()
        if len(likes) >= rules.unwatched_likes
        and len(likes) >= rules.unwatched_share * of_user[user]
        for like in likes
    )


def lockstep(events: Iterable[Event], rules: FraudRules) -> list[Event]:
    """Return the likes that groups of users made together."""
    by_id = {event.id: event for event in events if isinstance(event, wire.Like)}
    likes = [Like(e.user_id, e.video_id, e.event_time_ms, e.id) for e in by_id.values()]
    return _in_order(by_id[like.event_id] for like in lockstep_likes(likes, rules))


def device_fan_in(events: Iterable[Event], rules: FraudRules) -> list[Event]:
    """Return everything done on a device that acted for too many users in one span."""
    acts: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        if event.device_id and event.__class__ not in OWNERS:
            span = event.event_time_ms // rules.device_span_ms
            acts.setdefault((event.device_id, span), []).append(event)
    return _in_order(
        event
        for group in acts.values()
        if len({event.user_id for event in group}) >= rules.device_users
        for event in group
    )


def self_engagement(events: Iterable[Event], rules: FraudRules) -> list[Event]:
    """Return what creators do on their own videos, but for watching and replying."""
    return _in_order(
        event
        for event in events
        if event.__class__ in ENGAGEMENT and event.user_id == event.creator_id
    )


def find(events: Collection[Event], rules: FraudRules, buckets: Buckets) -> list[Finding]:
    """Return what all rules find in the events of a closed span, by rule and video."""
    named: tuple[tuple[str, Callable[[], list[Event]]], ...] = (
        ("rate", lambda: over_rate(events, rules, buckets)),
        ("unwatched", lambda: unwatched(events, rules)),
        ("lockstep", lambda: lockstep(events, rules)),
        ("device", lambda: device_fan_in(events, rules)),
        ("self", lambda: self_engagement(events, rules)),
    )
    return [finding for name, rule in named for finding in _by_video(name, rule(), rules.version)]


def invalidations(findings: Iterable[Finding], at_ms: int) -> Iterator[dict[str, Any]]:
    """Yield `invalidated` events of findings, of the event time given, as they go to Kafka.

    Ids follow from what was found: the same findings made again are duplicates.
    """
    for finding in findings:
        for part, first in enumerate(range(0, len(finding.events), TARGETS_MAX)):
            targets = finding.events[first : first + TARGETS_MAX]
            yield {
                "id": f"{finding.finding_id}:{part}",
                "type": "invalidated",
                "event_time_ms": at_ms,
                "user_id": "fraud-rules",
                "video_id": finding.video_id,
                "targets": [msgspec.to_builtins(target) for target in targets],
                "reason": f"{finding.rule} ({finding.rules_version})",
            }


def _by_video(rule: str, events: Iterable[Event], version: str) -> Iterator[Finding]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.video_id, []).append(event)
    for video_id, group in sorted(groups.items()):
        yield Finding(rule, video_id, tuple(group), version)


def _in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.event_time_ms, event.id))
