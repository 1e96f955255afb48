"""The rates and weights that the results of a folder were made by: copies, kept beside them.

What is looked at or settled in a folder later is counted by the same figures, whatever has become of
the files meanwhile; a file named on the command line goes before them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from schemas.rates import RATES_PATH, WEIGHTS_PATH
from streams.config import Settings, load_settings

_FILES = {"rates": RATES_PATH, "weights": WEIGHTS_PATH}


def keep_rules(data: Path, settings: Settings) -> Settings:
    """Copy the files in use into a folder of results, and return settings that name the copies."""
    kept = {}
    for name, shipped in _FILES.items():
        copy = _copy_of(data, name)
        shutil.copyfile(getattr(settings, name) or shipped, copy)
        kept[name] = str(copy)
    return settings.with_(**kept)


def settings_of_folder(data: Path | None, **changes: Any) -> Settings:
    """Return the settings of a command that works on a folder; changes that are None do not count.

    Rates and weights are those in `changes`, else the folder's, else the environment's, else those
    that ship with engage.
    """
    settings = load_settings()
    if data is not None:
        copies = {name: _copy_of(data, name) for name in _FILES}
        settings = settings.with_(
            **{name: str(copy) for name, copy in copies.items() if copy.is_file()}
        )
    return settings.with_(**changes)


def _copy_of(data: Path, name: str) -> Path:
    return data / f"{name}.toml"
