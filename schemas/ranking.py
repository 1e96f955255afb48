"""The rows of a weights file that decide visibility: value models, their cohort, their pools.

A value model turns what viewers did with a video into one number; the cohort says what is usual,
so that few impressions do not decide; pools say what a video must show to be shown to more people.
Rates are per impression, play time is in seconds, thresholds are in the unit of what they test.
"""

from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.rate_rows import ConfigRow, DatedRow, Version

Signal = Literal[
    "play",
    "completion",
    "like",
    "comment",
    "reply",
    "share",
    "favorite",
    "follow",
    "profile_view",
    "not_interested",
    "report",
]
Gain = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Loss = Annotated[float, Field(ge=-1e6, le=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=32, pattern="^[^:]+$")]
Minutes = Annotated[int, Field(ge=1, le=366 * 1_440)]


class ValueWeights(ConfigRow):
    """What each probability, and each second of expected play time, adds to the value."""

    watch_s: Gain
    play: Gain
    completion: Gain
    like: Gain
    comment: Gain
    reply: Gain
    share: Gain
    favorite: Gain
    follow: Gain
    profile_view: Gain
    not_interested: Loss
    report: Loss


class CohortRates(ConfigRow):
    """What an impression usually leads to: rates, and seconds of play time."""

    watch_s: float = Field(gt=0, le=86_400, allow_inf_nan=False)
    play: Rate
    completion: Rate
    like: Rate
    comment: Rate
    reply: Rate
    share: Rate
    favorite: Rate
    follow: Rate
    profile_view: Rate
    not_interested: Rate
    report: Rate


class Cohort(ConfigRow):
    """The videos that one is compared with; its means weigh as much as `prior_impressions`."""

    version: Version
    source: str = Field(min_length=1)
    prior_impressions: int = Field(ge=1, le=1_000_000)
    rates: CohortRates


class Pool(ConfigRow):
    """One traffic pool: how many impressions decide, by what, against which cohort quantile."""

    name: Name
    impressions: int = Field(ge=1, le=10**12)
    by: Literal["value", Signal]
    threshold: float = Field(ge=-1e9, le=1e9, allow_inf_nan=False)
    hold_minutes: Minutes

    @model_validator(mode="after")
    def _check_threshold(self) -> Self:
        if self.by in ("not_interested", "report"):
            raise ValueError("by: nothing is promoted for its negative feedback")
        if self.by != "value" and not 0 < self.threshold < 1:
            raise ValueError("threshold of a rate must be between 0 and 1")
        return self


class ValueModel(DatedRow):
    """One version of everything that a promotion depends on; `cohort` names a cohort's version."""

    preset: Version
    cohort: Version
    wilson_z: float = Field(gt=0, le=10, allow_inf_nan=False)
    like_rate_max: Rate
    weights: ValueWeights
    pools: Annotated[list[Pool], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _check_pools(self) -> Self:
        if len({pool.name for pool in self.pools}) < len(self.pools):
            raise ValueError("pools: a name is used twice")
        if any(later.impressions <= earlier.impressions for earlier, later in pairwise(self.pools)):
            raise ValueError("pools: impressions must rise")
        return self


class Ranking(NamedTuple):
    """A value model with its cohort; `model.version` names both, for rows are never edited."""

    model: ValueModel
    cohort: Cohort

    @property
    def version(self) -> str:
        """Return what every score and decision is stamped with."""
        return self.model.version
