"""Pools as the worker feeds them: events arrive, minutes close, invalidations come at any time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple

import msgspec

from schemas.config_files import read_toml
from schemas.weights import WEIGHTS_PATH, Weights
from streams.corrections import AWAITED, STANDING
from streams.pools import Decision
from streams.promotion import Act, Promotion
from streams.value_model import FIELDS, LIKE, NOTHING, WATCH_MS, added, exposures, taken_back

MINUTE_MS = 60_000
DISORDER_MS = 10_000
WATCHED_MS = 1_000
VIDEO = "v"


class Happening(NamedTuple):
    """One event of the video: what a user did, or the ids that are invalidated."""

    at_ms: int
    id: int
    user: str = ""
    sums: tuple[int, ...] = NOTHING
    targets: tuple[int, ...] = ()

    @property
    def minute(self) -> int:
        return self.at_ms // MINUTE_MS

    @property
    def act(self) -> Act:
        return Act(self.minute, self.user, self.sums)

    @property
    def watched(self) -> bool:
        return self.sums[WATCH_MS] >= WATCHED_MS


def sums(**fields: int) -> tuple[int, ...]:
    return tuple(fields.get(name, 0) for name in FIELDS)


@cache
def pool_weights(
    quotas: tuple[int, ...] = (20, 60, 200),
    by: str = "value",
    thresholds: tuple[float, ...] = (0.8, 1.0, 1.2),
    hold_minutes: int = 3,
) -> Weights:
    """The weights that ship, with small pools."""
    table = copy.deepcopy(dict(read_toml(WEIGHTS_PATH)))
    for row in table["value_model"]:
        row["pools"] = [
            {
                "name": f"L{k}",
                "impressions": quota,
                "by": by,
                "threshold": threshold,
                "hold_minutes": hold_minutes,
            }
            for k, (quota, threshold) in enumerate(zip(quotas, thresholds, strict=True), 1)
        ]
    return Weights.model_validate(table)


class Feed:
    """One video of one partition, wired as streams/promotion.py says."""

    def __init__(self, weights: Weights, first_minute: int) -> None:
        self.weights = weights
        self.decisions: list[Decision] = []
        self.promotion = Promotion(VIDEO)
        self.panes: dict[int, tuple[int, ...]] = {}
        self.counted: dict[int, Happening] = {}
        self.named: dict[int, tuple[int, int]] = {}  # invalidated id -> minute due, what of it
        self.newest_ms = 0
        self.open = first_minute  # the first minute that is not closed

    @property
    def closed(self) -> tuple[int, ...]:
        """The sums of closed minutes, until pools begin."""
        return tuple(self.promotion._closed_sums(self.open, self._counted))

    def arrive(self, event: Happening) -> None:
        self.newest_ms = max(self.newest_ms, event.at_ms)
        self.close_before((self.newest_ms - DISORDER_MS) // MINUTE_MS)
        if event.targets:
            for target in event.targets:
                self._invalidate(target, max(event.minute, self.open))
            return
        if event.watched:
            self.promotion.watch(event.user, event.minute, self.open)
        if event.id not in self.named:
            self._count(event)
            return
        due, state = self.named[event.id]
        self.counted[event.id] = event
        if state == AWAITED:
            self.named[event.id] = due, self.promotion.suppress(event.act, due, self.open)

    def close_before(self, minute: int) -> None:
        while self.open < minute:
            due = self.promotion.due(self.open)
            closing, self.open = self.open, self.open + 1
            if closing in self.panes or due == closing:
                pane = self.panes.get(closing, NOTHING)
                closed = self.promotion.close(closing, pane, self._counted, self.weights)
                assert self.promotion.boosting or self.promotion.exposures == exposures(self.closed)
                self.decisions += closed

    def restart(self) -> None:
        """Write the state as bytes and read it again."""
        old, new = self.promotion, Promotion(VIDEO)
        new.load(_through_bytes(old.dump()), self.open)
        new.watched_from.update(old.watched_from)
        if old.trust is not None:
            for user in old.trust.users():
                new.load_user(user, *_through_bytes(old.trust.entry(user)))
        new.settle(self.open, self._counted)
        assert (new.shown, new.played) == (old.shown, old.played)
        self.promotion = new

    def _counted(self) -> tuple[int, ...]:
        return added(pane for minute, pane in self.panes.items() if minute < self.open)

    def _count(self, event: Happening) -> None:
        self.counted[event.id] = event
        act = event.act
        self.panes[act.minute] = added((self.panes.get(act.minute, NOTHING), act.sums))
        if act.minute < self.open:
            self.promotion.late(act, self.open)
        elif act.sums[LIKE]:
            self.promotion.like(act.user_id, act.minute, act.sums[LIKE])

    def _invalidate(self, target: int, due: int) -> None:
        event = self.counted.get(target)
        if target in self.named:
            before, state = self.named[target]
            if due < before:
                if state == STANDING and event is not None:
                    state = self.promotion.move(event.act, before, due, self.open)
                self.named[target] = due, state
            return
        if event is None:
            self.named[target] = due, AWAITED
            return
        act = event.act
        self.panes[act.minute] = added((self.panes.get(act.minute, NOTHING), taken_back(act.sums)))
        self.named[target] = due, self.promotion.take_back(act, due, self.open)


def _through_bytes(dumped: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(dumped), strict=False)


def decide(
    events: Iterable[Happening],
    weights: Weights,
    first_minute: int,
    restarts: Random | None = None,
    close_days: int = 0,
) -> tuple[list[Decision], Any]:
    """Return what is decided when these arrive, and the state at the end."""
    feed = Feed(weights, first_minute)
    for event in events:
        if restarts is not None and restarts.random() < 0.1:
            feed.restart()
        feed.arrive(event)
    feed.close_before(feed.newest_ms // MINUTE_MS + 60 + close_days * 1_440)
    return feed.decisions, (feed.promotion.dump(), feed.promotion.exposures)


def arrivals(events: Sequence[Happening], rng: Random) -> list[Happening]:
    """Return the events shuffled within the allowed disorder."""
    return sorted(events, key=lambda event: event.at_ms + rng.randrange(DISORDER_MS))
