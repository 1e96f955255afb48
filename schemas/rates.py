"""Dated rates and score weights: configuration that money and ranking depend on.

Both files are checked whole when they are loaded; a fault names the file and the key. Rates are
looked up by event time, never by the clock, so a replay prices events as it did the first time.
"""

import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from schemas.base import Currency
from schemas.errors import ConfigError

RATES_PATH = Path(__file__).with_name("rates.toml")
WEIGHTS_PATH = Path(__file__).with_name("weights.toml")

EVERY_REGION = "*"

Version = Annotated[str, Field(min_length=1, max_length=64)]
Points = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class _Config(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DatedRate(_Config):
    """A rate that is valid for event times in [valid_from, valid_to)."""

    version: Version
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None = None
    currency: Currency
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


class GiftRate(DatedRate):
    """What a coin that a viewer spends is worth to the creator."""

    preset: Literal["A", "B"]
    # 2^62 micro-units is the most an amount may be; 10^13 coins is the largest streak there can be
    micros_per_coin: int = Field(ge=0, le=100_000)


class RewardsRate(DatedRate):
    """What qualified views earn."""

    region: str = Field(min_length=1, max_length=16)
    rpm_micros_per_1000: int = Field(ge=0, le=1_000_000_000)
    min_duration_ms: int = Field(ge=0, le=86_400_000)
    threshold_views: int = Field(ge=0, le=1_000_000_000)
    threshold_variant: Literal["excess", "backlog"]


class _RatesFile(_Config):
    gift_preset: Literal["A", "B"]
    gift: Annotated[list[GiftRate], Field(min_length=1)]
    creator_rewards: Annotated[list[RewardsRate], Field(min_length=1)]


_Rate = TypeVar("_Rate", bound=DatedRate)


class _Timeline(Generic[_Rate]):
    """Rates of one kind, by time."""

    __slots__ = ("_ends_ms", "_rates", "_starts_ms")

    def __init__(self, rates: Iterable[_Rate]) -> None:
        self._rates = sorted(rates, key=lambda rate: rate.valid_from)
        for earlier, later in pairwise(self._rates):
            if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                raise ValueError(f"{later.version} begins before {earlier.version} ends")
        self._starts_ms = [rate.valid_from_ms for rate in self._rates]
        self._ends_ms = [rate.valid_to_ms for rate in self._rates]

    def at(self, time_ms: int) -> _Rate | None:
        index = bisect_right(self._starts_ms, time_ms) - 1
        if index < 0:
            return None
        end_ms = self._ends_ms[index]
        return self._rates[index] if end_ms is None or time_ms < end_ms else None


class Rates:
    """All rates of one file. Raises ValueError when rows contradict each other."""

    def __init__(
        self, *, gift_preset: str, gift: Sequence[GiftRate], creator_rewards: Sequence[RewardsRate]
    ) -> None:
        versions = Counter(rate.version for rate in (*gift, *creator_rewards))
        repeated = [version for version, times in versions.items() if times > 1]
        if repeated:
            raise ValueError(f"version {repeated[0]!r} is used by several rows")
        self.all: tuple[DatedRate, ...] = (*gift, *creator_rewards)
        for preset in ("A", "B"):
            _timeline(f"gift, preset {preset}", (rate for rate in gift if rate.preset == preset))
        chosen = [rate for rate in gift if rate.preset == gift_preset]
        if not chosen:
            raise ValueError(f"gift_preset: there is no gift row of preset {gift_preset}")
        self._gift = _timeline("gift", chosen)
        regions = sorted({rate.region for rate in creator_rewards})
        self._rewards = {
            region: _timeline(
                f"creator_rewards, region {region}",
                (rate for rate in creator_rewards if rate.region == region),
            )
            for region in regions
        }
        self.rewards_threshold_views_min = min(rate.threshold_views for rate in creator_rewards)

    def gift(self, at_ms: int) -> GiftRate | None:
        """The gift rate of the chosen preset at an event time."""
        return self._gift.at(at_ms)

    def rewards(self, day_ms: int, region: str = EVERY_REGION) -> RewardsRate | None:
        """The Creator Rewards rate at the start of a UTC day; a region's own row goes first."""
        for name in (region, EVERY_REGION):
            timeline = self._rewards.get(name)
            rate = None if timeline is None else timeline.at(day_ms)
            if rate is not None:
                return rate
        return None


class PointsTable(_Config):
    """Points of each event type; the keys are event types, and `completion` for a full play."""

    view: Points
    completion: Points
    like: Points
    unlike: Points
    comment: Points
    reply: Points
    share: Points
    favorite: Points
    unfavorite: Points
    follow: Points
    not_interested: Points
    report: Points

    @model_validator(mode="after")
    def _check_opposites(self) -> Self:
        for name in ("like", "favorite"):
            if getattr(self, f"un{name}") != -getattr(self, name):
                raise ValueError(f"un{name} must be minus {name}")
        return self


class Weights(_Config):
    """One version of the score's weights."""

    version: Version
    valid_from: AwareDatetime
    half_life_ms: int = Field(ge=60_000, le=365 * 86_400_000)
    fast_half_life_ms: int = Field(ge=60_000, le=365 * 86_400_000)
    table: PointsTable = Field(alias="points")

    @property
    def points(self) -> dict[str, float]:
        """Points by name, for look-ups."""
        return self.table.model_dump()


def load_rates(path: Path | str | None = None) -> Rates:
    """The rates of a file; without one, those that ship with the project.

    Raises:
        ConfigError: the file cannot be used; the message names the file and the key.
    """
    file = RATES_PATH if not path else Path(path)
    table = _read(file)
    try:
        rows = _RatesFile.model_validate(table)
    except ValidationError as error:
        raise _config_error(file, error) from error
    try:
        return Rates(
            gift_preset=rows.gift_preset, gift=rows.gift, creator_rewards=rows.creator_rewards
        )
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error


def load_weights(path: Path | str | None = None) -> Weights:
    """The weights of a file; without one, those that ship with the project.

    Raises:
        ConfigError: the file cannot be used; the message names the file and the key.
    """
    file = WEIGHTS_PATH if not path else Path(path)
    table = _read(file)
    try:
        return Weights.model_validate(table)
    except ValidationError as error:
        raise _config_error(file, error) from error


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # broken TOML or broken UTF-8
        raise ConfigError(f"{file}: not valid TOML: {error}") from error


def _config_error(file: Path, error: ValidationError) -> ConfigError:
    """The first fault, as `FILE: gift[1].micros_per_coin: what is wrong`."""
    first = error.errors(include_url=False)[0]
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"]).lstrip(".")
    return ConfigError(f"{file}: {key}: {first['msg']}" if key else f"{file}: {first['msg']}")


def _timeline(kind: str, rates: Iterable[_Rate]) -> _Timeline[_Rate]:
    try:
        return _Timeline(rates)
    except ValueError as error:
        raise ValueError(f"{kind}: {error}") from error


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
