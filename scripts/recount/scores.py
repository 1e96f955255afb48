"""Rule 11: decayed scores of videos."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.events import PydanticEvent

# Whole doubling steps that a float can lose before nothing is left of a number.
STEPS_OF_A_FLOAT = 1074


@dataclass(slots=True)
class Decayed:
    """The sum of weight * 2^((time - at_ms) / half_life_ms) over what was added.

    `gross` is the same sum of the absolute weights: what rounding errors are measured by, for a
    score in which likes and un-likes cancel out can be far smaller than what went into it.
    """

    half_life_ms: int
    at_ms: int = 0
    value: float = 0.0
    gross: float = 0.0

    def add(self, weight: float, time_ms: int, gross: float | None = None) -> None:
        """Add one event's points, at its own event time."""
        if time_ms > self.at_ms:
            shrink = half(time_ms - self.at_ms, self.half_life_ms)
            self.value *= shrink
            self.gross *= shrink
            self.at_ms = time_ms
        grow = half(self.at_ms - time_ms, self.half_life_ms)
        self.value += weight * grow
        self.gross += (abs(weight) if gross is None else gross) * grow

    def add_all(self, other: "Decayed") -> None:
        """Add another sum of the same half-life."""
        self.add(other.value, other.at_ms, other.gross)

    def log2(self, slack: float = 0.0) -> float:
        """Return log2 of the sum of weight * 2^(time / half_life); minus infinity for none.

        `slack` moves the sum by that part of `gross` first.
        """
        value = self.value + slack * self.gross
        if value <= 0:
            return -math.inf
        return math.log2(value) + self.at_ms / self.half_life_ms


def half(span_ms: int, half_life_ms: int) -> float:
    """Return what is left of 1 after a span."""
    steps = span_ms / half_life_ms
    return 0.0 if steps > STEPS_OF_A_FLOAT else math.exp2(-steps)


def points(event: PydanticEvent, points_of: Mapping[str, float]) -> float:
    """Return what an event is worth: its type's weight, and more for a completed view."""
    if is_own(event):
        return 0.0
    worth = points_of.get(event.type, 0.0)
    if event.type == "view" and event.watch_ms >= event.duration_ms > 0:
        worth += points_of.get("completion", 0.0)
    return worth


def is_own(event: PydanticEvent) -> bool:
    """Rule 20: tell whether creators did it with their own video; replies are theirs to write."""
    return event.type != "reply" and event.user_id == getattr(event, "creator_id", None)
