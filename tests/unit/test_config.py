"""Settings: from the environment once, bounded, and named when they are wrong."""

from dataclasses import fields
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from streams.config import ENV_NAMES, SECRETS, Settings, env_name, load_settings


def test_without_an_environment_the_defaults_stand() -> None:
    assert load_settings({}) == Settings()


def test_each_setting_has_its_key() -> None:
    assert env_name("flush_interval_ms") == "ENGAGE_FLUSH_INTERVAL_MS"
    files = {f"{env_name(name)}_FILE" for name in SECRETS}
    assert {env_name(field.name) for field in fields(Settings)} | files == ENV_NAMES


def test_what_is_not_ours_is_not_read() -> None:
    environ = {"PARTITIONS": "9", "ENGAGE_PARTITIONS": "2", "ENGAGE_NONSENSE": "x"}
    assert load_settings(environ) == Settings(partitions=2)


def test_settings_survive_the_way_to_a_child_process(tmp_path: Path) -> None:
    rates = tmp_path / "rates.toml"
    rates.touch()
    settings = Settings(
        kafka="a:1,b:2", transactions=False, partitions=7, rates=str(rates), region="DE"
    )
    assert load_settings(settings.environment()) == settings


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("on", True), ("FALSE", False), ("0", False)]
)
def test_switches_are_read_by_their_words(raw: str, *, value: bool) -> None:
    assert load_settings({"ENGAGE_TRANSACTIONS": raw}).transactions is value


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("ENGAGE_TRANSACTIONS", "maybe"),
        ("ENGAGE_TRANSACTIONS", ""),
        ("ENGAGE_PARTITIONS", "four"),
        ("ENGAGE_PARTITIONS", "1.5"),
        ("ENGAGE_PARTITIONS", "0"),
        ("ENGAGE_PARTITIONS", "5000"),
        ("ENGAGE_HORIZON_MS", "1000"),
        ("ENGAGE_SESSION_TIMEOUT_S", "5"),
        ("ENGAGE_FLUSH_INTERVAL_MS", "-1"),
        ("ENGAGE_KAFKA", "no-port"),
        ("ENGAGE_KAFKA", "good:1,bad"),
        ("ENGAGE_KAFKA", ":9092"),
        ("ENGAGE_CLICKHOUSE", "localhost:8123"),
        ("ENGAGE_CLICKHOUSE", "tcp://localhost:9000"),
        ("ENGAGE_RATES", "/nowhere/rates.toml"),
        ("ENGAGE_WEIGHTS", "/nowhere/weights.toml"),
        ("ENGAGE_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, raw: str) -> None:
    with pytest.raises(ConfigError, match=key):
        load_settings({key: raw})


def test_flags_override_what_they_name_and_are_checked_too() -> None:
    settings = Settings(partitions=3)
    assert settings.with_(partitions=None, region="DE") == Settings(partitions=3, region="DE")
    with pytest.raises(ConfigError, match="ENGAGE_PARTITIONS"):
        settings.with_(partitions=0)


def test_a_password_is_not_repeated_in_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"ENGAGE_CLICKHOUSE": "tcp://user:secret@host:1"})
    assert "secret" not in str(caught.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    for name in SECRETS:
        value = "http://u:s3cret@h:1" if name == "clickhouse" else "s3cret"
        file.write_text(f"{value}\n")
        settings = load_settings({f"{env_name(name)}_FILE": str(file)})
        assert getattr(settings, name) == value
        with pytest.raises(ConfigError, match="both"):
            load_settings({f"{env_name(name)}_FILE": str(file), env_name(name): "x"})
        with pytest.raises(ConfigError, match="cannot be read"):
            load_settings({f"{env_name(name)}_FILE": str(tmp_path / "gone")})


def test_no_secret_is_shown() -> None:
    settings = Settings(
        clickhouse="http://u:s3cret@h:1", kafka_password="s3cret", http_token="s3cret"
    )
    assert "s3cret" not in f"{settings} {settings!r}"
    with pytest.raises(ConfigError) as error:
        settings.with_(clickhouse="ftp://u:s3cret@h")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        ("TLS://h:1", "begins with one of"),
        ("SASL_SSL://h", r"\[PROTOCOL://\]HOST:PORT"),
        ("SASL_SSL://h:1", "needs ENGAGE_KAFKA_USER and ENGAGE_KAFKA_PASSWORD"),
        ("h:1,", "HOST:PORT"),
    ],
)
def test_how_to_talk_to_kafka_is_checked(kafka: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Settings(kafka=kafka)


def test_a_key_needs_its_certificate() -> None:
    with pytest.raises(ConfigError, match="go together"):
        Settings(kafka_cert=__file__)
