"""Time-decayed scores that can be compared at any reading time.

Each event adds its weight w at its event time t; at time T it is worth w * 2^-((T - t) / h)
(forward decay: Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009). A score is kept as (S, r): the
value S at time r. L = log2(S) + r / h orders subjects the same at every T, so a leaderboard is
never decayed again. Adding is commutative; a retraction adds -w at the original time.
"""

from functools import cache
from math import log2

MINUTE_MS = 60_000
NO_SCORE = -1e308
NOTHING = 1e-9  # what rounding may leave where every event was taken back


@cache
def decay_table(half_life_ms: int) -> list[float]:
    """Return 2^(d / half-life) for each millisecond d of a minute."""
    return [2.0 ** (d / half_life_ms) for d in range(MINUTE_MS)]


class Decayed:
    """One decayed sum: `value` at `at_ms`."""

    __slots__ = ("at_ms", "value")

    def __init__(self, value: float = 0.0, at_ms: int = 0) -> None:
        self.value = value
        self.at_ms = at_ms

    def add(self, points: float, at_ms: int, half_life_ms: int) -> None:
        """Add points that are worth `points` at `at_ms`."""
        if points == 0.0:
            return
        if self.value == 0.0:
            self.value, self.at_ms = points, at_ms
        elif at_ms > self.at_ms:
            self.value = self.value * 2.0 ** ((self.at_ms - at_ms) / half_life_ms) + points
            self.at_ms = at_ms
        else:
            self.value += points * 2.0 ** ((at_ms - self.at_ms) / half_life_ms)

    def log_score(self, half_life_ms: int) -> float:
        """Return log2 of the sum of w * 2^(t / h), or NO_SCORE where no points are left."""
        if self.value <= NOTHING:
            return NO_SCORE
        return log2(self.value) + self.at_ms / half_life_ms
