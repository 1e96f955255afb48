"""The one Settings object, parsed from the environment once at start.

Nothing else in the project reads the environment. A wrong value raises ConfigError with the key.
A secret may stand in a file instead, named by ENGAGE_<NAME>_FILE; no secret is in the `repr`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import ConfigError

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SECRETS = ("clickhouse", "kafka_password", "http_token")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, with its default; the environment key is ENGAGE_<NAME>.

    `transactions` chooses how checkpoints are fenced: True needs a broker with transactions
    (Apache Kafka), False is the marker form for the embedded broker, which has none.
    `kafka` says how to talk as Kafka's own listeners do: SASL_SSL://host:9093,host2:9093.
    """

    kafka: str = "127.0.0.1:9092"
    kafka_sasl: str = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: str = field(default="", repr=False)
    kafka_ca: str = ""
    kafka_cert: str = ""
    kafka_key: str = ""
    clickhouse: str = field(default="http://default@127.0.0.1:8123", repr=False)
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
    log_format: str = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    http_token: str = field(default="", repr=False)
    stuck_after_s: int = 60

    def __post_init__(self) -> None:
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{env_name(name)}={value}: must be from {low} to {high}")
        self._check_kafka()
        url = urlsplit(self.clickhouse)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError("ENGAGE_CLICKHOUSE: must look like http://USER:PASSWORD@HOST:PORT")
        for name in ("rates", "weights", "kafka_ca", "kafka_cert", "kafka_key"):
            value = getattr(self, name)
            if value and not Path(value).is_file():
                raise ConfigError(f"{env_name(name)}={value}: no such file")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise ConfigError(f"ENGAGE_LOG_LEVEL={self.log_level}: debug, info, warning or error")
        if self.log_format not in ("text", "json"):
            raise ConfigError(f"ENGAGE_LOG_FORMAT={self.log_format}: text or json")

    def _check_kafka(self) -> None:
        protocol, addresses = split_kafka(self.kafka)
        if protocol not in PROTOCOLS:
            raise ConfigError(f"ENGAGE_KAFKA={self.kafka}: begins with one of {PROTOCOLS}://")
        for part in addresses:
            host, _, port = part.rpartition(":")
            if not host or not port.isdigit():
                raise ConfigError(
                    f"ENGAGE_KAFKA={self.kafka}: must be [PROTOCOL://]HOST:PORT[,HOST:PORT...]"
                )
        if self.kafka_sasl not in MECHANISMS:
            raise ConfigError(f"ENGAGE_KAFKA_SASL={self.kafka_sasl}: one of {MECHANISMS}")
        if protocol.startswith("SASL") and not (self.kafka_user and self.kafka_password):
            raise ConfigError(
                f"{protocol} needs ENGAGE_KAFKA_USER and ENGAGE_KAFKA_PASSWORD "
                "(or ENGAGE_KAFKA_PASSWORD_FILE)"
            )
        if bool(self.kafka_cert) is not bool(self.kafka_key):
            raise ConfigError("ENGAGE_KAFKA_CERT and ENGAGE_KAFKA_KEY go together")

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
    ("metrics_port", 0, 65_535),
    ("stuck_after_s", 0, 86_400),
    ("pane_keep_ms", MINUTE_MS, DAY_MS),
)


def env_name(name: str) -> str:
    """Return the environment key of a setting."""
    return f"ENGAGE_{name.upper()}"


ENV_NAMES = frozenset(
    [*(env_name(f.name) for f in fields(Settings)), *(f"{env_name(name)}_FILE" for name in SECRETS)]
)


def split_kafka(text: str) -> tuple[str, list[str]]:
    """Return the protocol, PLAINTEXT where none is named, and each broker's HOST:PORT."""
    protocol, _, addresses = text.rpartition("://")
    return protocol or PROTOCOLS[0], [part.strip() for part in addresses.split(",")]


def text_of(name: str, source: Mapping[str, str]) -> str | None:
    """Return a setting's text: the value, or the content of the file that holds a secret.

    Raises:
        ConfigError: both are given, or the file cannot be read.
    """
    key = env_name(name)
    path = source.get(f"{key}_FILE") if name in SECRETS else None
    if not path:
        return source.get(key)
    if source.get(key):
        raise ConfigError(f"{key} and {key}_FILE are both set: which one counts?")
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}_FILE={path} cannot be read: {error}") from error


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read Settings from the environment.

    Raises:
        ConfigError: a value cannot be parsed or is out of bounds; the message names the key.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for each in fields(Settings):
        raw = text_of(each.name, source)
        if raw is not None:
            values[each.name] = _PARSERS[type(each.default)](env_name(each.name), raw)
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
