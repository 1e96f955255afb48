"""Dated rates: configuration that money depends on.

The file is checked whole when it is loaded; a fault names the file and the key. Rates are
looked up by event time, never by the clock, so a replay prices events as it did the first time.
Every look-up returns the one row that is valid then, or None: nothing is guessed.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator

from schemas.config_files import config_error, read_toml
from schemas.errors import ConfigError
from schemas.rate_rows import (
    EVERY_PRODUCT,
    EVERY_REGION,
    AffiliateTerms,
    BrandTerms,
    CatalogueRow,
    CommissionRate,
    ConfigRow,
    DatedRate,
    DatedRow,
    FundRate,
    GiftRate,
    PayoutTerms,
    RewardsRate,
    SaleFees,
)
from schemas.timelines import Book, regions
from schemas.weights import WEIGHTS_PATH, Weights, load_weights

__all__ = [
    "EVERY_REGION",
    "RATES_PATH",
    "WEIGHTS_PATH",
    "DatedRate",
    "GiftRate",
    "Rates",
    "RewardsRate",
    "Weights",
    "load_rates",
    "load_weights",
]

RATES_PATH = Path(__file__).with_name("rates.toml")


class RateRows(ConfigRow):
    """All rows of a rates file but those of its two oldest programs; any may be missing."""

    pay_day_time_zone: str = "UTC"
    unknown_gifts: Literal["accept", "refuse"] = "accept"
    gift_catalogue: list[CatalogueRow] = Field(default_factory=list)
    creator_fund: list[FundRate] = Field(default_factory=list)
    affiliate: list[AffiliateTerms] = Field(default_factory=list)
    commission: list[CommissionRate] = Field(default_factory=list)
    sale_fees: list[SaleFees] = Field(default_factory=list)
    brand_deal: list[BrandTerms] = Field(default_factory=list)
    payout: list[PayoutTerms] = Field(default_factory=list)

    @field_validator("pay_day_time_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        try:
            zone_of(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone like UTC or Asia/Shanghai") from error
        return name


class RatesFile(RateRows):
    """A whole rates file."""

    gift_preset: Literal["A", "B"]
    gift: Annotated[list[GiftRate], Field(min_length=1)]
    creator_rewards: Annotated[list[RewardsRate], Field(min_length=1)]


class Rates:
    """All rates of one file. Raises ValueError when rows contradict each other.

    Where a look-up takes a region, the region's own row goes before that of every region (`*`).
    """

    def __init__(
        self,
        *,
        gift_preset: str,
        gift: Sequence[GiftRate],
        creator_rewards: Sequence[RewardsRate],
        more: RateRows | None = None,
    ) -> None:
        rows = more or RateRows()
        self.all: tuple[DatedRow, ...] = (
            *(*gift, *rows.gift_catalogue, *rows.creator_fund, *creator_rewards, *rows.affiliate),
            *(*rows.commission, *rows.sale_fees, *rows.brand_deal, *rows.payout),
        )
        repeated = [name for name, n in Counter(r.version for r in self.all).items() if n > 1]
        if repeated:
            raise ValueError(f"version {repeated[0]!r} is used by several rows")
        presets: Book[str, GiftRate] = Book("gift, preset", gift, lambda row: row.preset)
        if gift_preset not in presets:
            raise ValueError(f"gift_preset: there is no gift row of preset {gift_preset}")
        self.gift_preset = gift_preset
        self._gift = presets.timeline(gift_preset)
        self._rewards = Book("creator_rewards, region", creator_rewards, lambda row: row.region)
        self._catalogue = Book(
            "gift_catalogue, gift and region",
            rows.gift_catalogue,
            lambda row: (row.gift_id, row.region),
        )
        self._fund = Book("creator_fund, region", rows.creator_fund, lambda row: row.region)
        self._affiliate = Book("affiliate, region", rows.affiliate, lambda row: row.region)
        self._commission = Book(
            "commission, seller and product",
            rows.commission,
            lambda row: (row.seller_id, row.product_id),
        )
        self._sale_fees = Book("sale_fees, region", rows.sale_fees, lambda row: row.region)
        self._brand = Book("brand_deal, region", rows.brand_deal, lambda row: row.region)
        self._payout = Book("payout, currency", rows.payout, lambda row: row.currency)
        self._versions = frozenset(row.version for row in self.all)
        self.payout_hold_days_max = max((row.hold_days for row in rows.payout), default=0)
        self.rewards_threshold_views_min = min(rate.threshold_views for rate in creator_rewards)
        self.refuses_unknown_gifts = rows.unknown_gifts == "refuse"
        self.pay_day_time_zone = rows.pay_day_time_zone
        self.pay_day_zone = zone_of(rows.pay_day_time_zone)

    def has(self, version: str) -> bool:
        """Tell whether any row is of this version."""
        return version in self._versions

    def gift(self, at_ms: int) -> GiftRate | None:
        """The gift rate of the chosen preset at an event time."""
        return self._gift.at(at_ms)

    def rewards(self, day_ms: int, region: str = EVERY_REGION) -> RewardsRate | None:
        """The Creator Rewards rate at the start of a UTC day."""
        return self._rewards.at(day_ms, *regions(region))

    def catalogue(self, gift_id: str, at_ms: int, region: str) -> CatalogueRow | None:
        """The price of a gift at an event time."""
        return self._catalogue.at(at_ms, *((gift_id, name) for name in regions(region)))

    def fund(self, day_ms: int, region: str) -> FundRate | None:
        """The Creator Fund's pool and rules at the start of a pay day."""
        return self._fund.at(day_ms, *regions(region))

    def affiliate(self, at_ms: int, region: str) -> AffiliateTerms | None:
        """The affiliate terms at the time of an order."""
        return self._affiliate.at(at_ms, *regions(region))

    def commission(self, seller_id: str, product_id: str, at_ms: int) -> CommissionRate | None:
        """What the seller pays for the product; a product's own row goes before the seller's."""
        return self._commission.at(at_ms, *_goods(seller_id, product_id))

    def commission_changes_ms(
        self, seller_id: str, product_id: str, region: str, first_ms: int, last_ms: int
    ) -> list[int]:
        """The instants in [first, last] at which a product's commission may change, in order."""
        own = self._commission.changes_ms(first_ms, last_ms, *_goods(seller_id, product_id))
        common = self._affiliate.changes_ms(first_ms, last_ms, *regions(region))
        return sorted(own | common)

    def sale_fees(self, at_ms: int, region: str) -> SaleFees | None:
        """The fees of own sales at the time of an order."""
        return self._sale_fees.at(at_ms, *regions(region))

    def brand(self, at_ms: int, region: str) -> BrandTerms | None:
        """How engagement is measured and posts are quoted."""
        return self._brand.at(at_ms, *regions(region))

    def payout(self, at_ms: int, currency: str) -> PayoutTerms | None:
        """When and how much of balances of this currency is paid out."""
        return self._payout.at(at_ms, currency)


def zone_of(name: str) -> tzinfo:
    """The time zone of a name; UTC needs no database of zones."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _goods(seller_id: str, product_id: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (seller_id, product_id), (seller_id, EVERY_PRODUCT)


def load_rates(path: Path | str | None = None) -> Rates:
    """The rates of a file; without one, those that ship with the project.

    Raises:
        ConfigError: the file cannot be used; the message names the file and the key.
    """
    file = RATES_PATH if not path else Path(path)
    table = read_toml(file)
    try:
        rows = RatesFile.model_validate(table)
    except ValidationError as error:
        raise config_error(file, error) from error
    try:
        return Rates(
            gift_preset=rows.gift_preset,
            gift=rows.gift,
            creator_rewards=rows.creator_rewards,
            more=rows,
        )
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
