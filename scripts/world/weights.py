"""The weights that a world is played under: those that ship, with pools of the world's size."""

from __future__ import annotations

from typing import Any

from schemas.errors import ConfigError
from schemas.weights import Weights, load_weights

# A world has a few thousand people where a platform has hundreds of millions.
POOLS_DIVISOR = 4
_LIKE_RATE_MAX_OFF = 0.999_999


def world_weights(
    preset: str = "", *, likes_count: bool = True, pools_divisor: int = POOLS_DIVISOR
) -> Weights:
    """Return shipped weights with smaller pools, under versions of their own.

    Without likes, thresholds fall by what the average video's likes gave, so that about as many
    videos are promoted, for other reasons.

    Raises:
        ConfigError: there is no such preset.
    """
    table: dict[str, Any] = load_weights().model_dump(by_alias=True, exclude_none=True)
    if preset:
        table["preset"] = preset
    if table["preset"] not in {row["preset"] for row in table["value_model"]}:
        raise ConfigError(f"--weights {preset}: there is no such preset")
    like_rates = {row["version"]: row["rates"]["like"] for row in table["cohort"]}
    for row in table["value_model"]:
        row["version"] += "-world" if likes_count else "-world-no-likes"
        lost = 0.0 if likes_count else row["weights"]["like"] * like_rates[row["cohort"]]
        for pool in row["pools"]:
            pool["impressions"] = max(1, pool["impressions"] // pools_divisor)
            pool["threshold"] -= lost
        if not likes_count:
            row["weights"]["like"] = 0.0
            row["like_rate_max"] = _LIKE_RATE_MAX_OFF
    if not likes_count:
        table["points"] |= {"like": 0.0, "unlike": 0.0}
        table["version"] += "-no-likes"
    return Weights.model_validate(table)
