"""The value of a video: the plain formula, and what must never turn it round."""

from fractions import Fraction
from math import isclose, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ranking import Ranking
from schemas.rows import COUNTERS
from schemas.weights import load_weights
from streams.value_model import (
    FIELDS,
    FIRST_SIGNAL,
    LIKE,
    NOTHING,
    SIGNALS,
    added,
    assess,
    expected_watch_s,
    exposures,
    smoothed_rates,
    sums_of,
    taken_back,
    value,
)
from tests.oracle.events import T0_MS

PRESETS = ("contribution", "leaked", "x-2023", "x-2026")
NEGATIVE = ("not_interested", "report")


def ranking_of(preset: str) -> Ranking:
    ranking = load_weights().ranking(T0_MS, preset)
    assert ranking is not None
    return ranking


RANKINGS = [ranking_of(preset) for preset in PRESETS]
rankings = st.sampled_from(RANKINGS)
sums_lists = st.lists(st.integers(0, 10**6), min_size=len(FIELDS), max_size=len(FIELDS))
any_sums = st.lists(st.integers(-50, 10**6), min_size=len(FIELDS), max_size=len(FIELDS))


def sums(**fields: int) -> tuple[int, ...]:
    return tuple(fields.get(name, 0) for name in FIELDS)


def more(counts: tuple[int, ...] | list[int], signal: str) -> list[int]:
    changed = list(counts)
    changed[FIRST_SIGNAL + SIGNALS.index(signal)] += 1
    return changed


def plain_value(counts: dict[str, int], ranking: Ranking) -> Fraction:
    """The formula in exact fractions."""
    m = Fraction(ranking.cohort.prior_impressions)
    usual: dict[str, Any] = ranking.cohort.rates.model_dump()
    weights: dict[str, Any] = ranking.model.weights.model_dump()
    n = max(counts["impressions"], counts["play"])
    watch_s = (Fraction(counts["watch_ms"], 1000) + m * Fraction(usual["watch_s"])) / (n + m)
    total = Fraction(weights["watch_s"]) * watch_s
    for signal in SIGNALS:
        rate = (counts[signal] + m * Fraction(usual[signal])) / (n + m)
        total += Fraction(weights[signal]) * min(Fraction(1), rate)
    return total


@given(sums_lists, rankings)
def test_it_is_the_plain_formula(counts: list[int], ranking: Ranking) -> None:
    expected = plain_value(dict(zip(FIELDS, counts, strict=True)), ranking)
    assert isclose(value(counts, ranking), float(expected), rel_tol=1e-9, abs_tol=1e-9)


@given(any_sums, rankings, st.sampled_from([s for s in SIGNALS if s not in (*NEGATIVE, "play")]))
def test_one_more_of_what_viewers_like_never_lowers_it(
    counts: list[int], ranking: Ranking, signal: str
) -> None:
    assert value(more(counts, signal), ranking) >= value(counts, ranking)


@given(any_sums, rankings, st.sampled_from(NEGATIVE))
def test_negative_feedback_never_raises_it(
    counts: list[int], ranking: Ranking, signal: str
) -> None:
    assert value(more(counts, signal), ranking) <= value(counts, ranking)


@pytest.mark.parametrize("ranking", RANKINGS, ids=PRESETS)
def test_likes_lift_and_negative_feedback_lowers(ranking: Ranking) -> None:
    usual = sums(impressions=1_000, play=630, watch_ms=23_000_000, completion=130, like=18)
    assert value(more(usual, "like"), ranking) > value(usual, ranking)
    if ranking.model.preset != "leaked":  # the leaked formula has no negative term
        assert value(more(usual, "not_interested"), ranking) < value(usual, ranking)
        assert value(more(usual, "report"), ranking) < value(usual, ranking)


@given(rankings)
def test_a_new_video_is_worth_what_is_usual(ranking: Ranking) -> None:
    usual = ranking.cohort.rates.model_dump()
    assert smoothed_rates(NOTHING, ranking.cohort) == pytest.approx(
        {signal: usual[signal] for signal in SIGNALS}
    )
    assert isclose(expected_watch_s(NOTHING, ranking.cohort), usual["watch_s"])


@given(sums_lists, sums_lists, rankings)
def test_partial_sums_give_the_same_bits(a: list[int], b: list[int], ranking: Ranking) -> None:
    whole = [x + y for x, y in zip(a, b, strict=True)]
    assert added((a, b)) == added((b, NOTHING, a)) == tuple(whole)
    assert assess(added((b, a)), ranking) == assess(whole, ranking)
    assert added((a, taken_back(a))) == NOTHING


@given(sums_lists, rankings)
def test_bounds_are_posterior_deviations(counts: list[int], ranking: Ranking) -> None:
    found = assess(counts, ranking)
    n = exposures(counts) + ranking.cohort.prior_impressions
    weights: dict[str, float] = ranking.model.weights.model_dump()
    spread = sqrt(
        sum(
            weights[signal] ** 2 * p * (1 - p) / (n + 1)
            for signal, p in smoothed_rates(counts, ranking.cohort).items()
        )
    )
    z = ranking.model.wilson_z
    assert isclose(found.value - found.lower, z * spread, rel_tol=1e-6, abs_tol=1e-9)
    assert isclose(found.upper - found.value, z * spread, rel_tol=1e-6, abs_tol=1e-9)


def test_bounds_close_with_impressions() -> None:
    for ranking in RANKINGS:
        few = assess(sums(impressions=100, like=2), ranking)
        many = assess(sums(impressions=100_000, like=2_000), ranking)
        assert many.upper - many.lower < (few.upper - few.lower) / 3


def test_sums_come_from_a_windows_counters() -> None:
    counters = list(range(1, len(COUNTERS) + 1))
    found = dict(zip(FIELDS, sums_of(counters, distrusted_likes=2), strict=True))
    by_name = dict(zip(COUNTERS, counters, strict=True))
    assert found["impressions"] == by_name["impressions"]
    assert found["watch_ms"] == by_name["watch_ms"]
    assert found["play"] == by_name["views"]
    assert found["completion"] == by_name["completions"]
    assert found["like"] == by_name["likes"] - by_name["unlikes"] - 2
    assert found["report"] == by_name["reports"]
    assert FIELDS[LIKE] == "like"


def test_plays_without_impressions_are_exposures() -> None:
    assert exposures(sums(play=7)) == exposures(sums(impressions=7, play=3)) == 7
    assert exposures(sums(impressions=-1)) == 0
