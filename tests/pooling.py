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
from streams.pools import Decision
from streams.promotion import Act, Promotion
from streams.value_model import FIELDS, LIKE, NOTHING, WATCH_MS, added, taken_back

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
        return Act(self.minute, self.user, self.sums, self.sums[WATCH_MS] >= WATCHED_MS)


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
        self.invalidated: dict[int, int] = {}  # id -> the minute of its invalidation
        self.newest_ms = 0
        self.open = first_minute  # the first minute that is not closed

    def arrive(self, event: Happening) -> None:
        self.newest_ms = max(self.newest_ms, event.at_ms)
        self.close_before((self.newest_ms - DISORDER_MS) // MINUTE_MS)
        if event.targets:
            for target in event.targets:
                self._invalidate(target, max(event.minute, self.open))
        elif event.id in self.invalidated:
            self.promotion.suppress(event.act, self.invalidated[event.id], self.open)
        else:
            self._count(event)

    def close_before(self, minute: int) -> None:
        while self.open < minute:
            pane = self.panes.pop(self.open, None)
            due = self.promotion.due
            if pane is not None or (due is not None and due <= self.open):
                closed = self.promotion.close(self.open, pane or NOTHING, self.weights)
                self.decisions += closed
            self.open += 1

    def restart(self) -> None:
        """Write the state as bytes and read it again."""
        dumped = msgspec.msgpack.encode(self.promotion.dump())
        self.promotion = Promotion.load(VIDEO, msgspec.msgpack.decode(dumped, strict=False))

    def _count(self, event: Happening) -> None:
        self.counted[event.id] = event
        act = event.act
        if act.minute < self.open:
            self.promotion.late(act, self.open)
            return
        self.panes[act.minute] = added((self.panes.get(act.minute, NOTHING), act.sums))
        if act.watched:
            self.promotion.trust.watch(act.user_id, act.minute, self.open)
        if act.sums[LIKE]:
            self.promotion.trust.like(act.user_id, act.minute, act.sums[LIKE])

    def _invalidate(self, target: int, due: int) -> None:
        if target in self.invalidated:
            return
        self.invalidated[target] = due
        event = self.counted.get(target)
        if event is None:
            return
        act = event.act
        if act.minute >= self.open:
            lost = taken_back(act.sums)
            self.panes[act.minute] = added((self.panes.get(act.minute, NOTHING), lost))
        self.promotion.take_back(act, due)


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
    return feed.decisions, feed.promotion.dump()


def arrivals(events: Sequence[Happening], rng: Random) -> list[Happening]:
    """Return the events shuffled within the allowed disorder."""
    return sorted(events, key=lambda event: event.at_ms + rng.randrange(DISORDER_MS))
