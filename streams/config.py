"""The one Settings object, parsed from the environment once at start.

Nothing else in the project reads the environment. A wrong value raises ConfigError with the key.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import ConfigError

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default; the environment key is ENGAGE_<NAME>.

    `transactions` chooses how checkpoints are fenced: True needs a broker with transactions
    (Apache Kafka), False is the marker form for the embedded broker, which has none.
    """

    kafka: str = "127.0.0.1:9092"
    clickhouse: str = "http://default@127.0.0.1:8123"
    database: str = "engagement"
    app_id: str = "engage"
    transactions: bool = True
    partitions: int = 4
    replication: int = 1
    events_retention_ms: int = 7 * DAY_MS
    dead_letters_retention_ms: int = 30 * DAY_MS
    changelog_segment_bytes: int = 64 << 20
    flush_interval_ms: int = 1_000
    checkpoint_interval_ms: int = 5_000
    run_messages_max: int = 2_000
    unflushed_events_max: int = 400_000
    session_timeout_s: int = 10
    horizon_ms: int = DAY_MS
    disorder_ms: int = 10_000
    streak_timeout_ms: int = 60_000
    ahead_ms_max: int = 300_000
    idle_tick_s: int = 60
    pane_keep_ms: int = 15 * MINUTE_MS
    rates: str = ""
    weights: str = ""
    region: str = "US"
    log_level: str = "warning"

    def __post_init__(self) -> None:
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{env_name(name)}={value}: must be from {low} to {high}")
        for part in self.kafka.split(","):
            host, _, port = part.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ConfigError(f"ENGAGE_KAFKA={self.kafka}: must be HOST:PORT[,HOST:PORT...]")
        url = urlsplit(self.clickhouse)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError("ENGAGE_CLICKHOUSE: must look like http://USER:PASSWORD@HOST:PORT")
        for name in ("rates", "weights"):
            value = getattr(self, name)
            if value and not Path(value).is_file():
                raise ConfigError(f"{env_name(name)}={value}: no such file")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise ConfigError(f"ENGAGE_LOG_LEVEL={self.log_level}: debug, info, warning or error")

    def with_(self, **changes: Any) -> "Settings":
        """Return a copy with some values changed (flags override the environment)."""
        return replace(self, **{key: value for key, value in changes.items() if value is not None})

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables, for a child process."""
        return {env_name(f.name): _text(getattr(self, f.name)) for f in fields(self)}


_BOUNDS = (
    ("partitions", 1, 4096),
    ("replication", 1, 15),
    ("events_retention_ms", -1, 10_000 * DAY_MS),
    ("dead_letters_retention_ms", -1, 10_000 * DAY_MS),
    ("changelog_segment_bytes", 1 << 20, 1 << 30),
    ("flush_interval_ms", 50, 60_000),
    ("checkpoint_interval_ms", 50, 600_000),
    ("run_messages_max", 1, 100_000),
    ("unflushed_events_max", 1_000, 100_000_000),
    ("session_timeout_s", 6, 300),
    ("horizon_ms", HOUR_MS, 30 * DAY_MS),
    ("disorder_ms", 0, HOUR_MS),
    ("streak_timeout_ms", 1_000, DAY_MS),
    ("ahead_ms_max", 0, DAY_MS),
    ("idle_tick_s", 0, 86_400),
    ("pane_keep_ms", MINUTE_MS, DAY_MS),
)


def env_name(name: str) -> str:
    """Return the environment key of a setting."""
    return f"ENGAGE_{name.upper()}"


ENV_NAMES = frozenset(env_name(f.name) for f in fields(Settings))


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read Settings from the environment.

    Raises:
        ConfigError: a value cannot be parsed or is out of bounds; the message names the key.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for field in fields(Settings):
        raw = source.get(env_name(field.name))
        if raw is not None:
            values[field.name] = _PARSERS[type(field.default)](env_name(field.name), raw)
    return Settings(**values)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _bool(key: str, raw: str) -> bool:
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{key}={raw}: must be 1 or 0")


def _int(key: str, raw: str) -> int:
    try:
        return int(raw)
    except ValueError as error:
        raise ConfigError(f"{key}={raw}: must be a whole number") from error


_PARSERS: dict[type, Callable[[str, str], Any]] = {bool: _bool, int: _int, str: lambda _, raw: raw}
