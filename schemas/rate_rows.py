"""The rows of a rates file: one strict model per program, in the words of the file's keys.

Money is in micro-units, shares in basis points (bps, 1/10,000) or parts per million (ppm), spans in
milliseconds or days. What each figure rests on stands in the file itself, beside the figure.
"""

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.base import Coins, Currency, Id
from schemas.currencies import CURRENCIES

EVERY_REGION = "*"
EVERY_PRODUCT = "*"
ONE_PPM = 1_000_000

Version = Annotated[str, Field(min_length=1, max_length=64)]
Region = Annotated[str, Field(min_length=1, max_length=16)]
Bps = Annotated[int, Field(ge=0, le=10_000)]
Ppm = Annotated[int, Field(ge=0, le=100_000_000)]
PositivePpm = Annotated[int, Field(ge=1, le=100_000_000)]
Days = Annotated[int, Field(ge=0, le=3_650)]
SpanMs = Annotated[int, Field(ge=0, le=3_650 * 86_400_000)]
Views = Annotated[int, Field(ge=0, le=10**12)]
# 10^15 micro-units are 10^9 of a currency: sums of millions of them still fit into an int64
RateMicros = Annotated[int, Field(ge=0, le=10**15)]
Numerator = Literal["likes", "comments", "shares", "favorites"]


class ConfigRow(BaseModel):
    """Base of what is read from a file of settings: nothing is converted, nothing is ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DatedRow(ConfigRow):
    """A row that is valid for event times in [valid_from, valid_to)."""

    version: Version
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None = None
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check_period(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")
        return self

    @property
    def valid_from_ms(self) -> int:
        """Start of validity, included."""
        return _ms(self.valid_from)

    @property
    def valid_to_ms(self) -> int | None:
        """End of validity, excluded; None = open."""
        return None if self.valid_to is None else _ms(self.valid_to)


class DatedRate(DatedRow):
    """A dated row that states amounts, in the micro-units of its currency."""

    currency: Currency

    @model_validator(mode="after")
    def _check_currency(self) -> Self:
        if self.currency not in CURRENCIES:
            raise ValueError(f"currency {self.currency} is none of ISO 4217")
        return self


class GiftRate(DatedRate):
    """What a coin that a viewer spends is worth to the creator."""

    currency: Literal["USD"]  # the worker books gifts, and its rows have one currency
    preset: Literal["A", "B"]
    # 2^62 micro-units is the most an amount may be; 10^13 coins is the largest streak there can be
    micros_per_coin: int = Field(ge=0, le=100_000)


class CatalogueRow(DatedRow):
    """The price list of gifts: what one gift costs its sender."""

    gift_id: Id
    region: Region
    name: str = Field(min_length=1, max_length=64)
    coins: Coins


class FundRate(DatedRate):
    """Creator Fund: the pool of one pay day, who shares in it, and what quality is worth.

    A video's weight is views x (1 + k x min(rate / reference, cap)), with k = `quality_k_ppm`,
    `quality_reference_ppm` and `quality_cap_ppm` in millionths.
    """

    region: Region
    pool_micros_per_day: RateMicros
    followers_min: Views
    views_30d_min: Views
    person_age_years_min: int = Field(ge=0, le=150)
    account_age_days_min: Days
    quality_k_ppm: Ppm
    quality_reference_ppm: PositivePpm
    quality_cap_ppm: Ppm


class RewardsRate(DatedRate):
    """What qualified views earn.

    The factor is the weighted sum of four numbers from 0 to 1, held between its bounds; with both
    bounds at 1,000,000 (the default) it is 1 and changes nothing.
    """

    region: Region
    rpm_micros_per_1000: int = Field(ge=0, le=1_000_000_000)
    min_duration_ms: int = Field(ge=0, le=86_400_000)
    threshold_views: int = Field(ge=0, le=1_000_000_000)
    threshold_variant: Literal["excess", "backlog"]
    factor_min_ppm: Ppm = ONE_PPM
    factor_max_ppm: Ppm = ONE_PPM
    originality_weight_ppm: Ppm = 0
    play_weight_ppm: Ppm = 0
    search_weight_ppm: Ppm = 0
    engagement_weight_ppm: Ppm = 0
    engagement_full_ppm: PositivePpm = ONE_PPM

    @model_validator(mode="after")
    def _check_factor(self) -> Self:
        if self.factor_max_ppm < self.factor_min_ppm:
            raise ValueError("factor_max_ppm must not be below factor_min_ppm")
        return self


class AffiliateTerms(DatedRow):
    """Affiliate marketing: who is credited with an order, when it is paid, and the common rate."""

    region: Region
    commission_bps: Bps
    cut_lock_days: Days
    settlement_delay_days: Days
    click_window_ms: SpanMs
    view_window_ms: SpanMs
    live_click_window_ms: SpanMs


class CommissionRate(DatedRow):
    """What a seller pays for one product, or for every product (`*`) without a row of its own."""

    seller_id: Id
    product_id: Id
    commission_bps: int = Field(ge=100, le=8_000)  # sellers may offer 1 to 80 %


class SaleFees(DatedRow):
    """What is kept of a creator's own sale, each part of what the buyer paid and kept."""

    region: Region
    platform_bps: Bps
    payment_bps: Bps
    referral_bps: Bps

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if self.platform_bps + self.payment_bps + self.referral_bps > 10_000:
            raise ValueError("the fees add up to more than 10000 basis points")
        return self


class PriceTier(ConfigRow):
    """The least that one post costs from this many followers on."""

    name: str = Field(min_length=1, max_length=32)
    followers_min: Views
    floor_micros: RateMicros


class EngagementBands(ConfigRow):
    """Where average, good and excellent engagement (by views) begin, from this many followers on."""

    followers_min: Views
    average_ppm: Ppm
    good_ppm: Ppm
    excellent_ppm: Ppm

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.average_ppm <= self.good_ppm <= self.excellent_ppm:
            raise ValueError("average_ppm, good_ppm and excellent_ppm must rise")
        return self


class BandMultipliers(ConfigRow):
    """By what a quote is multiplied in each band."""

    poor_ppm: Ppm
    average_ppm: Ppm
    good_ppm: Ppm
    excellent_ppm: Ppm


class BrandTerms(DatedRate):
    """Brand deals: how a creator's engagement is measured and a post is quoted."""

    region: Region
    last_posts: int = Field(ge=1, le=1_000)
    numerator: Annotated[list[Numerator], Field(min_length=1)]
    cpm_micros_per_1000: RateMicros
    price_tiers: Annotated[list[PriceTier], Field(min_length=1)]
    bands: Annotated[list[EngagementBands], Field(min_length=1)]
    multipliers: BandMultipliers

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        if len(set(self.numerator)) < len(self.numerator):
            raise ValueError("numerator names something twice")
        for name in ("price_tiers", "bands"):
            steps = [step.followers_min for step in getattr(self, name)]
            if steps[0] != 0 or any(later <= earlier for earlier, later in pairwise(steps)):
                raise ValueError(f"{name} must begin with followers_min = 0 and rise")
        return self


class PayoutTerms(DatedRate):
    """When and how much of a balance is paid out."""

    minimum_micros: RateMicros
    daily_cap_micros: RateMicros
    hold_days: Days

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if not 0 < self.minimum_micros <= self.daily_cap_micros:
            raise ValueError("minimum_micros must be above 0 and at most daily_cap_micros")
        return self


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
