"""How sure a rate is: intervals around counts, so that small samples do not decide.

Wilson's score interval (E. B. Wilson, JASA 22, 1927, p. 209) answers for one rate on its own;
`shrunk` first pulls the rate to what is usual (empirical Bayes: a Beta prior worth `prior_trials`).
Both are closed forms of the same few operations, so a SQL view can state them in the same words.
"""

from math import sqrt
from typing import NamedTuple


class Interval(NamedTuple):
    """A rate with its lower and upper bound."""

    rate: float
    lower: float
    upper: float

    def times(self, factor: float) -> "Interval":
        """Return the interval in another unit; the factor must not be negative."""
        return Interval(*(bound * factor for bound in self))


def wilson(successes: float, trials: float, z: float) -> Interval:
    """Return Wilson's score interval of a rate, `z` standard deviations to each side.

    Corrections may leave more successes than trials or fewer than none: both are held at the end
    of their range. Without trials nothing is known: the interval is [0, 1].
    """
    if trials <= 0:
        return Interval(0.0, 0.0, 1.0)
    n, s = float(trials), z * z
    p = min(1.0, max(0.0, successes / n))
    centre = p + s / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + s / (4 * n * n))
    scale = 1 + s / n
    return Interval(p, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def shrunk(
    successes: float, trials: float, prior_rate: float, prior_trials: float, z: float
) -> Interval:
    """Return a rate pulled to the prior, with Wilson's interval of the pulled counts.

    The rate is the mean of a Beta posterior, (successes + m p0) / (trials + m) with m =
    `prior_trials`; it lies between what was seen and what is usual, nearer to the latter the fewer
    trials there are.
    """
    known = max(0.0, float(trials))
    seen = min(known, max(0.0, float(successes)))
    return wilson(seen + prior_trials * prior_rate, known + prior_trials, z)


def per_1000_views(
    likes: float, views: float, usual_per_1000: float, prior_views: float, z: float
) -> Interval:
    """Return likes per 1,000 views, pulled to what is usual, with an interval."""
    return shrunk(likes, views, usual_per_1000 / 1000, prior_views, z).times(1000)
