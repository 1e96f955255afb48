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
from streams.corrections import Corrections
from streams.pools import Boosting, Decision
from streams.value_model import FIELDS, NOTHING, added, exposures, taken_back

MINUTE_MS = 60_000
DISORDER_MS = 10_000
VIDEO = "v"


class Happening(NamedTuple):
    """One event of the video: sums by name, or the ids that it invalidates."""

    at_ms: int
    id: int
    sums: tuple[int, ...] = NOTHING
    targets: tuple[int, ...] = ()


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
    """One video of one partition, wired as streams/corrections.py says.

    A lazy one begins its pools when the first quota is reached, as streams/pools.py says.
    """

    def __init__(self, weights: Weights, first_minute: int, *, lazy: bool = False) -> None:
        self.weights = weights
        self.decisions: list[Decision] = []
        self.boosting = None if lazy else Boosting(VIDEO)
        self.total = NOTHING
        self.corrections = Corrections()
        self.panes: dict[int, tuple[int, ...]] = {}
        self.counted: dict[int, Happening] = {}
        self.invalidated: dict[int, int] = {}  # id -> the minute of its invalidation
        self.newest_ms = 0
        self.open = first_minute  # the first minute that is not closed

    def arrive(self, event: Happening) -> None:
        self.newest_ms = max(self.newest_ms, event.at_ms)
        self.close_before((self.newest_ms - DISORDER_MS) // MINUTE_MS)
        minute = event.at_ms // MINUTE_MS
        if event.targets:
            for target in event.targets:
                self._invalidate(target, max(minute, self.open))
        elif event.id in self.invalidated:
            due = self.invalidated[event.id]
            if due > minute >= self.open:
                self.corrections.note(due, minute, taken_back(event.sums))
        else:
            self.counted[event.id] = event
            self._count(minute, event.sums)

    def close_before(self, minute: int) -> None:
        while self.open < minute:
            closing = self.open
            whole = added((self.panes.pop(closing, NOTHING), self.corrections.hidden(closing)))
            due = self.corrections.due(closing)
            if self.boosting is None:
                self._begin(closing)
            elif any(whole) or due:
                self.decisions += self.boosting.close(closing, whole, due, self.weights)
            self.open += 1

    def _begin(self, closing: int) -> None:
        still_open = (taken_back(pane) for pane in self.panes.values())
        closed = added((self.total, *still_open, self.corrections.hidden_through(closing)))
        ranking = self.weights.ranking(closing * MINUTE_MS)
        assert ranking is not None
        if exposures(closed) >= ranking.model.pools[0].impressions:
            self.boosting = Boosting(VIDEO)
            self.decisions += self.boosting.close(closing, closed, (), self.weights)

    def restart(self) -> None:
        """Write the state as bytes and read it again."""
        boosting = self.boosting and self.boosting.dump()
        dumped = msgspec.msgpack.encode((boosting, self.corrections.dump()))
        boosting, corrections = msgspec.msgpack.decode(dumped)
        self.boosting = boosting and Boosting.load(VIDEO, boosting)
        self.corrections = Corrections.load(corrections)

    def _count(self, minute: int, counted: tuple[int, ...]) -> None:
        self.total = added((self.total, counted))
        if minute >= self.open:
            self.panes[minute] = added((self.panes.get(minute, NOTHING), counted))
        else:
            self.corrections.note(self.open, minute, counted)

    def _invalidate(self, target: int, due: int) -> None:
        if target in self.invalidated:
            return
        self.invalidated[target] = due
        event = self.counted.get(target)
        if event is None:
            return
        minute = event.at_ms // MINUTE_MS
        if minute >= self.open:
            self._count(minute, taken_back(event.sums))
        else:
            self.total = added((self.total, taken_back(event.sums)))
        if due > minute:
            self.corrections.note(due, minute, taken_back(event.sums))


def decide(
    events: Iterable[Happening],
    weights: Weights,
    first_minute: int,
    restarts: Random | None = None,
    *,
    lazy: bool = False,
) -> tuple[list[Decision], Any]:
    """Return what is decided when these arrive, and the state at the end."""
    feed = Feed(weights, first_minute, lazy=lazy)
    for event in events:
        if restarts is not None and restarts.random() < 0.1:
            feed.restart()
        feed.arrive(event)
    feed.close_before(feed.newest_ms // MINUTE_MS + 20)
    if feed.boosting is None:
        return feed.decisions, None
    feed.decisions += feed.boosting.expire(feed.open + 10_000, weights)
    return feed.decisions, feed.boosting.dump()


def arrivals(events: Sequence[Happening], rng: Random) -> list[Happening]:
    """Return the events shuffled within the allowed disorder."""
    return sorted(events, key=lambda event: event.at_ms + rng.randrange(DISORDER_MS))
