"""What an experiment found: for each treatment and measure the effect, and what came with 1,000 likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scripts.world.estimates import Effect, difference, per_thousand
from scripts.world.outcomes import MEASURES, Outcome


class Finding(NamedTuple):
    """One row of the report; amounts are micro-USD. No ratio where likes did not change."""

    treatment: str
    group: str
    measure: str
    control_mean: float
    effect: Effect
    per_1000_likes: Effect | None


def findings(
    outcomes: Sequence[Outcome], treatments: Sequence[str], groups: Sequence[str], control: str
) -> list[Finding]:
    """Return the effects of each treatment on each group; likes are those of the first group."""
    return [
        _finding(outcomes, treatment, control, group, measure, groups[0])
        for treatment in treatments
        for group in groups
        for measure in MEASURES
    ]


def _finding(
    outcomes: Sequence[Outcome],
    treatment: str,
    control_name: str,
    group: str,
    measure: str,
    liked: str,
) -> Finding:
    treated = _column(outcomes, treatment, group, measure)
    control = _column(outcomes, control_name, group, measure)
    likes = [
        after - before
        for after, before in zip(
            _column(outcomes, treatment, liked, "likes"),
            _column(outcomes, control_name, liked, "likes"),
            strict=True,
        )
    ]
    change = [after - before for after, before in zip(treated, control, strict=True)]
    effect = difference(treated, control)
    # A ratio to next to nothing says nothing.
    ratio = per_thousand(change, likes) if difference(likes, [0.0] * len(likes)).low > 0 else None
    return Finding(treatment, group, measure, sum(control) / len(control), effect, ratio)


def _column(outcomes: Sequence[Outcome], treatment: str, group: str, measure: str) -> list[float]:
    """One value a seed, in the order of the seeds."""
    chosen = [one for one in outcomes if (one.treatment, one.group) == (treatment, group)]
    return [float(one.measures[measure]) for one in sorted(chosen, key=lambda one: one.seed)]
