"""Settings that come as TOML files: how they are read, and how a fault in one is named."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.errors import ConfigError


def read_toml(file: Path) -> Mapping[str, Any]:
    """Return the file's table.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # broken TOML or broken UTF-8
        raise ConfigError(f"{file}: not valid TOML: {error}") from error


def config_error(file: Path, error: ValidationError) -> ConfigError:
    """The first fault, as `FILE: gift[1].micros_per_coin: what is wrong`."""
    first = error.errors(include_url=False)[0]
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"]).lstrip(".")
    return ConfigError(f"{file}: {key}: {first['msg']}" if key else f"{file}: {first['msg']}")
