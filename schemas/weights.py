"""The weights of the score: configuration that ranking depends on."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from schemas.config_files import config_error, read_toml
from schemas.rate_rows import ConfigRow, Version

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
