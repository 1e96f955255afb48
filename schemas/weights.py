"""The weights of scores and values: configuration that ranking depends on.

The decayed score has one set of points for all time. The value model and its pools are dated rows:
they are looked up by event time, or by the version that a decision names.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, PrivateAttr, ValidationError, model_validator

from schemas.config_files import config_error, read_toml
from schemas.detection import BurstRules, FraudRules
from schemas.ranking import Cohort, Ranking, ValueModel
from schemas.rate_rows import ConfigRow, DatedRow, Version
from schemas.timelines import Book, Row, Timeline

WEIGHTS_PATH = Path(__file__).with_name("weights.toml")

Points = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class PointsTable(ConfigRow):
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


class Weights(ConfigRow):
    """One version of the score's weights, and the dated rows of the value model."""

    version: Version
    valid_from: AwareDatetime
    half_life_ms: int = Field(ge=60_000, le=365 * 86_400_000)
    fast_half_life_ms: int = Field(ge=60_000, le=365 * 86_400_000)
    table: PointsTable = Field(alias="points")
    preset: Version
    cohorts: Annotated[list[Cohort], Field(alias="cohort", min_length=1)]
    value_models: Annotated[list[ValueModel], Field(alias="value_model", min_length=1)]
    bursts: Annotated[list[BurstRules], Field(alias="burst", min_length=1)]
    frauds: Annotated[list[FraudRules], Field(alias="fraud", min_length=1)]
    _presets: Book[str, ValueModel] = PrivateAttr()
    _bursts: Timeline[BurstRules] = PrivateAttr()
    _frauds: Timeline[FraudRules] = PrivateAttr()
    _rankings: dict[str, Ranking] = PrivateAttr()

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        versions = [self.version, *(cohort.version for cohort in self.cohorts)]
        dated: list[DatedRow] = [*self.value_models, *self.bursts, *self.frauds]
        versions += [row.version for row in dated]
        repeated = sorted({name for name in versions if versions.count(name) > 1})
        if repeated:
            raise ValueError(f"version {repeated[0]!r} is used by several rows")
        cohorts = {cohort.version: cohort for cohort in self.cohorts}
        for number, row in enumerate(self.value_models):
            if row.cohort not in cohorts:
                raise ValueError(f"value_model[{number}].cohort: there is no {row.cohort!r}")
        presets = Book("value_model, preset", self.value_models, lambda row: row.preset)
        if self.preset not in presets:
            raise ValueError(f"preset: there is no value_model of preset {self.preset!r}")
        self._bursts, self._frauds = (
            _timeline("burst", self.bursts),
            _timeline("fraud", self.frauds),
        )
        self._presets = presets
        self._rankings = {r.version: Ranking(r, cohorts[r.cohort]) for r in self.value_models}
        return self

    @property
    def points(self) -> dict[str, float]:
        """Points by name, for look-ups."""
        return self.table.model_dump()

    def ranking(self, at_ms: int, preset: str = "") -> Ranking | None:
        """The value model of a preset (else of the chosen one) valid at an event time."""
        row = self._presets.at(at_ms, preset or self.preset)
        return None if row is None else self._rankings[row.version]

    def burst_rules(self, at_ms: int) -> BurstRules | None:
        """When something bursts, at an event time."""
        return self._bursts.at(at_ms)

    def fraud_rules(self, at_ms: int) -> FraudRules | None:
        """What is fraud, at an event time."""
        return self._frauds.at(at_ms)

    def ranking_of(self, version: str) -> Ranking | None:
        """The value model that a decision names."""
        return self._rankings.get(version)


def _timeline(kind: str, rows: list[Row]) -> Timeline[Row]:
    try:
        return Timeline(rows)
    except ValueError as error:
        raise ValueError(f"{kind}: {error}") from error


def load_weights(path: Path | str | None = None) -> Weights:
    """The weights of a file; without one, those that ship with the project.

    Raises:
        ConfigError: the file cannot be used; the message names the file and the key.
    """
    file = WEIGHTS_PATH if not path else Path(path)
    table = read_toml(file)
    try:
        return Weights.model_validate(table)
    except ValidationError as error:
        raise config_error(file, error) from error
