"""From paired worlds to effects with intervals: what the treatment did, seed by seed.

A treated world and its control share a seed, so their difference is the treatment's. Over seeds the mean
difference has a t interval. What comes with 1,000 extra likes is a ratio of two means; its interval
is the jackknife's (Quenouille 1956, Tukey 1958): left out in turn, each seed gives a pseudo-value, and
those are treated as independent observations. For a mean, both are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom, as in any table.
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_T95_LARGE = 1.96
SEEDS_MIN = 3


class Effect(NamedTuple):
    """An estimate with its 95 % interval."""

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def differs(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def difference(treated: Sequence[float], control: Sequence[float]) -> Effect:
    """Return the mean of the paired differences."""
    pairs = [(b - a, 1.0) for a, b in zip(control, treated, strict=True)]
    return _jackknife(pairs, lambda some: fmean(top for top, _ in some))


def per_thousand(change: Sequence[float], extra_likes: Sequence[float]) -> Effect:
    """Return what came with 1,000 extra likes: the ratio of mean changes; nan without any."""
    pairs = list(zip(change, extra_likes, strict=True))
    return _jackknife(pairs, _ratio)


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    likes = sum(below for _, below in pairs)
    return 1_000 * sum(top for top, _ in pairs) / likes if likes else float("nan")


def _jackknife(
    pairs: Sequence[tuple[float, float]],
    estimate: Callable[[Sequence[tuple[float, float]]], float],
) -> Effect:
    count = len(pairs)
    assert count >= SEEDS_MIN, "an interval needs some seeds"
    whole = estimate(pairs)
    pseudo = [
        count * whole - (count - 1) * estimate([*pairs[:n], *pairs[n + 1 :]]) for n in range(count)
    ]
    quantile = _T95[count - 2] if count - 2 < len(_T95) else _T95_LARGE
    margin = quantile * stdev(pseudo) / sqrt(count)
    middle = fmean(pseudo)
    return Effect(middle, middle - margin, middle + margin, count)
