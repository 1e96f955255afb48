"""docker-compose.yml and what it mounts: as much as can be proven without a Docker engine."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from scripts import cli
from scripts.kafka_local import kafka_version
from streams.config import ENV_NAMES, load_settings
from tests.guides import blocks

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "engage:local")
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
SECRETS = dict.fromkeys(("CLICKHOUSE_PASSWORD", "GRAFANA_CLICKHOUSE_PASSWORD"), "0a1b") | {
    "DASHBOARD_CLICKHOUSE_PASSWORD": "6a7b",
    "GRAFANA_ADMIN_PASSWORD": "2c3d",
    "HTTP_TOKEN": "4e5f",
}


def environment_of(service: str) -> dict[str, str]:
    """The service's environment as Compose would fill it in."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        return SECRETS[name] if kind == "?" else (rest or "")

    given: dict[str, str] = SERVICES[service].get("environment", {})
    assert all(isinstance(text, str) for text in given.values()), f"{service}: quote the values"
    return {key: VARIABLE.sub(value, text) for key, text in given.items()}


def mounts() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            yield name, source, target


def test_the_parts_are_there() -> None:
    assert set(SERVICES) == {
        *("kafka", "clickhouse", "migrate", "worker", "dashboard", "grafana", "tools"),
        "prometheus",
    }
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["restart"] == "always"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "engage:local" or re.search(r":v?\d+\.\d+\.\d+", image), image


def test_versions_are_those_that_the_tests_run_against() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"
    engine = re.search(r"^chdb-core==(\d+\.\d+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert engine is not None
    assert SERVICES["clickhouse"]["image"].split(":")[1].startswith(f"{engine[1]}.")


@pytest.mark.parametrize("name", OURS)
def test_commands_parse(name: str) -> None:
    command, *rest = SERVICES[name]["command"]
    if command == "--help":
        return
    if command not in cli.available():
        pytest.skip(f"engage {command} comes with a later change")
    cli.parser_of(command).parse_args(rest)


@pytest.mark.parametrize("name", OURS)
def test_settings_are_known_and_valid(name: str) -> None:
    environment = environment_of(name)
    unknown = {key for key in environment if key.startswith("ENGAGE_")} - ENV_NAMES
    assert not unknown
    settings = load_settings(environment)
    if name == "dashboard":
        assert settings.clickhouse == "http://dashboard:6a7b@clickhouse:8123"
    else:
        assert settings.kafka == "kafka:9092"
        assert settings.clickhouse == "http://engage:0a1b@clickhouse:8123"
        assert settings.transactions
    assert settings.http_token == "4e5f"


def test_secrets_are_asked_for_and_never_given() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = {name for name, kind, _ in VARIABLE.findall(text) if kind == "?"}
    assert asked == set(SECRETS)
    example = (ROOT / "deploy" / "env.example").read_text()
    for name in asked:
        assert f"\n{name}=\n" in example
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or value.startswith("${"), key
            assert "TOKEN" not in key or value.startswith("${"), key


def test_ports_are_open_to_this_machine_only() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_is_waited_for_can_be_seen() -> None:
    for name, service in SERVICES.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in SERVICES
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"
    for name in ("kafka", "clickhouse", "dashboard", "grafana"):
        assert {"test", "interval", "timeout", "retries"} <= set(SERVICES[name]["healthcheck"])


def test_mounts_exist_and_data_is_kept() -> None:
    kept = {source for _, source, _ in mounts() if not source.startswith(".")}
    assert kept == set(COMPOSE["volumes"])
    assert kept == {"kafka-data", "clickhouse-data", "grafana-data", "prometheus-data"}
    for name, source, target in mounts():
        if source.startswith("."):
            assert (ROOT / source).exists(), f"{name} mounts {source}"
        assert target.startswith("/")


def test_files_for_the_servers_parse() -> None:
    for path in (ROOT / "deploy").rglob("*.xml"):
        assert ElementTree.parse(path).getroot().tag == "clickhouse", path
    for path in (ROOT / "deploy" / "grafana").rglob("*.yaml"):
        assert yaml.safe_load(path.read_text())["apiVersion"] == 1, path
    ours = "GRANT SELECT ON engagement.*"
    for name, grants in (
        ("grafana", [ours, "GRANT SELECT ON system.parts"]),
        ("dashboard", [ours]),
    ):
        user = ElementTree.parse(ROOT / f"deploy/clickhouse/users.d/{name}.xml")
        password = user.find(f"users/{name}/password")
        assert password is not None
        assert password.get("from_env") in SERVICES["clickhouse"]["environment"]
        assert user.findtext(f"profiles/{name}/readonly") == "2"
        assert [q.text for q in user.iterfind(f"users/{name}/grants/query")] == grants


def test_the_image_contains_what_runs_and_nothing_else() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignore = (ROOT / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.M)
    assert {f"!{name}" for name in copied} == {word for word in ignore if word.startswith("!")}
    for name in copied:
        assert (ROOT / name).exists()
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER (?!root)", dockerfile, re.M)
    pins = re.findall(r"^FROM python:(3\.11\.\d+)-slim", dockerfile, re.M)
    assert len(pins) == 2
    assert len(set(pins)) == 1


def test_the_guide_names_services_commands_and_settings_that_there_are() -> None:
    lines = [line for block in blocks("console", "production.md") for line in block.splitlines()]
    ours = [
        shlex.split(line, comments=True)[5:]
        for line in lines
        if line.startswith("docker compose run --rm tools ")
    ]
    assert [command for command, *_ in ours] == ["doctor", "settle", "audit", "payout"]
    for command, *rest in ours:
        cli.parser_of(command).parse_args(rest)
    named = {name for line in lines for name in re.findall(r"ENGAGE_\w+(?==)", line)}
    assert len(named) > 5
    assert {name.removesuffix("_FILE") for name in named} <= ENV_NAMES
    assert (ROOT / "deploy/env.example").is_file()


def test_docker_compose_accepts_it() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], check=False).returncode:
        pytest.skip("docker compose is not installed here")
    command = [docker, "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    subprocess.run(command, env=dict(SECRETS), check=True)
