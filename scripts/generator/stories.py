"""The rare types of a load stream that belong together: each call gives the next of many stories
told side by side (a gift streak, a like taken back, an order, a bot burst found out, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import msgspec

from scripts.generator.figures import GIFTS, STREAK_FRAMES
from scripts.generator.population import Video, World
from scripts.generator.timeline import Event
from scripts.records import LogRecord, address

_SIDE_BY_SIDE = 64
_VIEWERS_PER_LIVE = 12
_BOTS = 12
_encode = msgspec.json.Encoder().encode

# A story yields events without id and time; both are filled in when it is their turn.
Story = Iterator[Event]


class Stories:
    """Tells stories for ever; deterministic for one random source."""

    def __init__(self, world: World, rng: Random, prefix: str, users: int) -> None:
        self._world = world
        self._rng = rng
        self._prefix = prefix
        self._users = users
        self._told = 0
        kinds: list[tuple[Callable[[], Story], int]] = [
            (self._live, 10),
            (self._order, 30),
            (self._undone, 40),
            (self._comment, 15),
            (self._bots, 2),
            (self._deal, 1),
            (self._registration, 1),
        ]
        self._kinds = [kind for kind, weight in kinds for _ in range(weight)]
        self._open = [self._begin() for _ in range(_SIDE_BY_SIDE)]

    def next(self, number: int, time_ms: int) -> LogRecord:
        """Return the next event of one of the open stories."""
        at = int(self._rng.random() * _SIDE_BY_SIDE)
        event = next(self._open[at], None)
        while event is None:
            self._open[at] = self._begin()
            event = next(self._open[at], None)
        event["id"] = f"{self._prefix}{number:x}"
        event["event_time_ms"] = time_ms
        return address(_encode(event))

    def _begin(self) -> Story:
        self._told += 1
        return self._rng.choice(self._kinds)()

    def _user(self) -> str:
        return f"u{int(self._rng.random() ** 2 * self._users)}"

    def _name(self, letter: str) -> str:
        return f"{letter}{self._prefix}{self._told:x}"

    def _live(self) -> Story:
        rng = self._rng
        creator = rng.choice(self._world.creators).id
        live = {"live_id": self._name("l"), "creator_id": creator}
        yield _event("live_started", creator) | live
        for viewer in range(_VIEWERS_PER_LIVE):
            user = self._user()
            yield _event("live_joined", user) | live
            yield _event("live_like", user) | live | {"count": 1 + int(rng.random() * 14)}
            if viewer % 3 == 0:
                yield from self._streak(user, live, f"{live['live_id']}-{viewer}")
            yield _event("live_left", user) | live
        yield _event("live_ended", creator) | live

    def _streak(self, user: str, live: Event, name: str) -> Story:
        gift_id, coins, _, _ = self._rng.choice(GIFTS[:4])
        gift = {"gift_id": gift_id, "coins": coins, "group_id": f"g{name}"}
        frames = int(STREAK_FRAMES(self._rng.random()))
        for count in range(1, frames + 1):
            last = {"repeat_count": count, "repeat_end": count == frames, "order_id": f"o{name}"}
            yield _event("gift", user) | live | gift | last
        if self._rng.random() < 0.03:
            refund = {"order_id": f"o{name}", "reason": "store_refund"}
            yield _event("gift_refunded", user) | live | refund

    def _order(self) -> Story:
        rng, user = self._rng, self._user()
        creator = rng.choice(self._world.creators).id
        product = int(rng.random() * 60)
        goods = {"product_id": f"p{product}", "seller_id": f"s{product % 20}"}
        goods |= {"creator_id": creator, "link_id": f"k{creator}-{product}"}
        yield _event("affiliate_click", user) | goods
        fate = rng.random()
        if fate < 0.5:
            return
        paid_micros = (499 + int(rng.random() * 9_000)) * 10_000
        order = {"order_id": self._name("so"), "quantity": 1, "paid_micros": paid_micros}
        order["currency"] = "USD"
        yield _event("order_placed", user) | goods | order
        if fate < 0.56:
            held = {"reason": "risk_review"}
            yield _event("order_frozen", user) | goods | order | held
            if fate < 0.54:
                yield _event("order_released", user) | goods | order | held
        if fate < 0.88:
            yield _event("order_settled", user) | goods | order
        elif fate < 0.9:
            yield _event("order_ineligible", user) | goods | order | {"reason": "canceled"}
        else:
            yield _event("order_refunded", user) | goods | order | {"refund_micros": paid_micros}

    def _undone(self) -> Story:
        video, user = self._world.pick_video(self._rng), self._user()
        kinds = (("like", "unlike"), ("favorite", "unfavorite"), ("follow", "unfollow"))
        done, undone = self._rng.choice(kinds)
        yield _event(done, user) | _about(video)
        yield _event(undone, user) | _about(video)

    def _comment(self) -> Story:
        video, user = self._world.pick_video(self._rng), self._user()
        comment = {"comment_id": self._name("m")}
        yield _event("comment", user) | _about(video) | comment
        fate = self._rng.random()
        if fate < 0.2:
            reply = {"comment_id": self._name("r"), "in_reply_to": comment["comment_id"]}
            yield _event("reply", video.creator.id) | _about(video) | reply
        elif fate < 0.253:
            yield _event("comment_deleted", user) | _about(video) | comment

    def _bots(self) -> Story:
        video = self._world.pick_video(self._rng)
        done: list[Event] = []
        for number in range(_BOTS):
            like = _event("like", f"x{self._told}-{number}") | _about(video)
            done.append(like)
            yield like
        invalidated = _event("invalidated", "trust-and-safety")
        yield invalidated | {"video_id": video.id, "targets": done, "reason": "bot_burst"}

    def _deal(self) -> Story:
        video = self._world.pick_video(self._rng)
        fee_micros = (50 + int(self._rng.random() * 2_000)) * 1_000_000
        deal = {"deal_id": self._name("d"), "brand_id": "b1", "fee_micros": fee_micros}
        milestones = [{"views": 1_000, "share_bps": 4_000}, {"views": 50_000, "share_bps": 6_000}]
        deal |= {"currency": "USD", "milestones": milestones}
        yield _event("deal_signed", "b1") | _about(video) | deal

    def _registration(self) -> Story:
        creator = self._rng.choice(self._world.creators).id
        born = f"{1970 + self._rng.randrange(35)}-06-15"
        known = {"registered_at_ms": 1_577_836_800_000, "birth_date": born}  # 2020
        yield _event("creator_registered", creator) | known


def _event(kind: str, user_id: str) -> Event:
    return {"id": "", "type": kind, "event_time_ms": 0, "user_id": user_id}


def _about(video: Video) -> Event:
    return {"video_id": video.id, "creator_id": video.creator.id}
