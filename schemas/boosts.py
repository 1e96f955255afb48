"""The messages of the `boosts` topic: what a feed service reads to show a video to more people."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Id, TimeMs

BOOSTS_TOPIC = "boosts"

Verdict = Literal["promote", "stop", "demote"]


class BoostDecision(BaseModel):
    """A decision about a video in a For You pool, with the figures behind it.

    `id` names the decision: a copy written twice can be told from two decisions, and the messages of
    a video come in the order in which they were decided. `pool_after` is the pool that the video is in
    from then on; `measure` is what the pool goes by (a value, or a rate), between its bounds.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(min_length=1)
    video_id: Id
    pool: str
    pool_after: str
    verdict: Verdict
    reason: str
    decided_at_ms: TimeMs = Field(description="The end of the minute that decided, in event time.")
    measure: float
    lower_bound: float
    upper_bound: float
    threshold: float
    impressions: int = Field(ge=0)
    weights_version: str = Field(min_length=1)
