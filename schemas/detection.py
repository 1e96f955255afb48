"""The rows of a weights file that say what is unusual: bursts of trends, and fraud."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.rate_rows import DatedRow

Number = Annotated[int, Field(ge=1, le=1_000_000)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class BurstRules(DatedRow):
    """When an entity bursts; z is in standard deviations, counts are per window."""

    z_enter: Amount
    z_leave: float = Field(ge=-100, le=1_000, allow_inf_nan=False)
    users_min: Number
    user_share_max: Share
    dwell_windows: int = Field(ge=0, le=1_000_000)
    warmup_windows: int = Field(ge=0, le=1_000_000)
    baseline_half_life_windows: Number
    expected_min: Amount
    variance_extra: float = Field(ge=0, le=1_000, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check_hysteresis(self) -> Self:
        if self.z_leave >= self.z_enter:
            raise ValueError("z_leave must be below z_enter")
        return self


class FraudRules(DatedRow):
    """What no real viewer does; times are in milliseconds, counts per user, device or group."""

    likes_per_minute: Number
    likes_at_once: Number
    watched_ms: Number
    unwatched_likes: Number
    unwatched_share: Share
    lockstep_users: Annotated[int, Field(ge=2, le=1_000_000)]
    lockstep_videos: Number
    lockstep_span_ms: Annotated[int, Field(ge=1_000, le=86_400_000)]
    crowd_max: Annotated[int, Field(ge=2, le=10_000)]
    device_users: Annotated[int, Field(ge=2, le=1_000_000)]
    device_span_ms: Annotated[int, Field(ge=60_000, le=86_400_000)]
