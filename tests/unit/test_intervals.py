"""Intervals against plain formulas and published examples."""

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intervals import Interval, per_1000_views, shrunk, wilson

REDDIT_Z = 1.281551565545  # one-sided 90 %
Z_95 = 1.959963984540054

counts = st.integers(0, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
trials = counts.filter(lambda pair: pair[1] > 0)


def confidence(ups: int, downs: int) -> float:
    """The lower bound as in Reddit's _sorts.pyx, written from its formula."""
    n = ups + downs
    if n == 0:
        return 0.0
    z, p = REDDIT_Z, ups / n
    left = p + z * z / (2.0 * n)
    right = z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n))
    return (left - right) / (1 + z * z / n)


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_lower_bound_is_reddits_confidence(ups: int, downs: int) -> None:
    assert isclose(wilson(ups, ups + downs, REDDIT_Z).lower, confidence(ups, downs), abs_tol=1e-12)


@pytest.mark.parametrize(
    ("successes", "n", "lower", "upper"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), p. 857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_examples(successes: int, n: int, lower: float, upper: float) -> None:
    found = wilson(successes, n, Z_95)
    assert (round(found.lower, 4), round(found.upper, 4)) == (lower, upper)


def test_ten_of_eleven_stand_above_forty_of_sixty() -> None:
    # the example with which Reddit's blog introduced the sort in 2009
    assert wilson(10, 11, REDDIT_Z).lower > wilson(40, 60, REDDIT_Z).lower


@given(trials, st.floats(0.1, 5))
def test_the_bounds_solve_the_equation_they_come_from(pair: tuple[int, int], z: float) -> None:
    """(p^ - p)^2 = z^2 p (1 - p) / n at both bounds."""
    s, n = pair
    found = wilson(s, n, z)
    assert 0 <= found.lower <= found.rate + 1e-15
    assert found.rate - 1e-15 <= found.upper <= 1
    for bound in (found.lower, found.upper):
        spread = z * z * bound * (1 - bound) / n
        assert isclose((s / n - bound) ** 2, spread, rel_tol=1e-6, abs_tol=1e-12)


@given(trials)
def test_one_more_success_never_lowers_a_bound(pair: tuple[int, int]) -> None:
    s, n = pair
    fewer, more = wilson(s, n, REDDIT_Z), wilson(min(n, s + 1), n, REDDIT_Z)
    assert more.lower >= fewer.lower
    assert more.upper >= fewer.upper


def test_corrections_cannot_leave_the_range() -> None:
    assert wilson(1, 0, 1.0) == wilson(3, -2, 1.0) == Interval(0.0, 0.0, 1.0)
    assert wilson(9, 4, 1.0) == wilson(4, 4, 1.0)
    assert wilson(-9, 4, 1.0) == wilson(0, 4, 1.0)


@given(counts, st.floats(0.001, 0.5), st.integers(1, 1_000))
def test_a_shrunk_rate_is_the_posterior_mean(pair: tuple[int, int], prior: float, m: int) -> None:
    s, n = pair
    found = shrunk(s, n, prior, m, REDDIT_Z)
    assert isclose(found.rate, float((s + m * Fraction(prior)) / (n + m)), rel_tol=1e-12)
    if n:
        low, high = sorted((s / n, prior))
        assert low - 1e-12 <= found.rate <= high + 1e-12


def test_small_samples_shrink() -> None:
    """One like of two views does not stand above a thousand of ten thousand."""
    one = per_1000_views(1, 2, 22, 150, REDDIT_Z)
    thousand = per_1000_views(1_000, 10_000, 22, 150, REDDIT_Z)
    assert 22 < one.rate < 40 < 95 < thousand.lower < thousand.rate < 100
    none = per_1000_views(0, 0, 22, 150, REDDIT_Z)
    assert isclose(none.rate, 22)
    assert none.upper - none.lower > thousand.upper - thousand.lower
