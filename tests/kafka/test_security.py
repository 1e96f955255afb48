"""A real Kafka that speaks TLS and asks who we are: the whole pipeline over it, and who is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.kafka_local import KafkaCluster
from scripts.processes import free_port
from tests.certificates import Authority
from tests.stack import known
from tests.stack.command import Engage

pytestmark = pytest.mark.slow

EVENTS = 3_000
USER, PASSWORD = "engage", "s3cret-of-a-test"


class SecuredCluster(KafkaCluster):
    """A broker with one more listener, of SASL over TLS; clients show a certificate as well."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        super().__init__(folder=folder)
        cert, key = authority.sign("broker")
        self._store = folder / "broker-store.pem"
        self._store.write_text(key.read_text() + cert.read_text())
        self._authority = authority
        self.secured = f"SASL_SSL://127.0.0.1:{free_port()}"

    def properties(self, node: int) -> dict[str, str]:
        base = super().properties(node)
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        plain = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_{USER}="{PASSWORD}";'
        )
        listener = "listener.name.sasl_ssl"
        return base | {
            "listeners": f"{base['listeners']},{self.secured}",
            "advertised.listeners": f"{base['advertised.listeners']},{self.secured}",
            "listener.security.protocol.map": (
                f"{base['listener.security.protocol.map']},SASL_SSL:SASL_SSL"
            ),
            f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            f"{listener}.scram-sha-512.sasl.jaas.config": scram,
            f"{listener}.plain.sasl.jaas.config": plain,
            f"{listener}.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._authority.ca),
        }

    def storage_tool(self, *arguments: str) -> str:
        if arguments[0] == "format":
            scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
            arguments = (*arguments, "--add-scram", scram)
        return super().storage_tool(*arguments)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def secured(kafka_possible: None, authority: Authority, tmp_path: Path) -> Iterator[SecuredCluster]:
    folder = tmp_path / "kafka"
    folder.mkdir()
    cluster = SecuredCluster(authority, folder)
    with cluster:
        yield cluster


def test_the_pipeline_over_tls_and_sasl(
    secured: SecuredCluster, authority: Authority, engage: Engage, tmp_path: Path, run_seed: int
) -> None:
    cert, key = authority.sign("client")
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    env: dict[str, Any] = {
        "ENGAGE_KAFKA": secured.secured,
        "ENGAGE_KAFKA_USER": USER,
        "ENGAGE_KAFKA_PASSWORD_FILE": str(secret),
        "ENGAGE_KAFKA_CA": str(authority.ca),
        "ENGAGE_KAFKA_CERT": str(cert),
        "ENGAGE_KAFKA_KEY": str(key),
        "ENGAGE_LOG_LEVEL": "info",
    }
    log, data = tmp_path / "log.jsonl", tmp_path / "results"
    log.write_bytes(b"\n".join(known.make_log(run_seed, EVENTS)) + b"\n")
    engage("run", "--input", log, "--data", data, "--processes", 2, **env).ok()
    done = engage("audit", "--kafka", secured.secured, "--data", data, **env).ok()
    assert "no difference" in done.output
    found = engage("doctor", "--kafka", secured.secured, **env)
    assert "all topics exist" in found.output

    everywhere = [path for path in data.rglob("*") if path.is_file()]
    everywhere += [*tmp_path.glob("*.out"), *tmp_path.glob("*.err")]
    assert (data / "worker.log") in everywhere
    for path in everywhere:
        assert PASSWORD.encode() not in path.read_bytes(), path

    plain = env | {"ENGAGE_KAFKA_SASL": "PLAIN"}
    assert "all topics exist" in engage("doctor", "--kafka", secured.secured, **plain).output
    other = Authority(tmp_path / "other")
    refused = {
        "a wrong password": env | {"ENGAGE_KAFKA_PASSWORD_FILE": str(log)},
        "a wrong user": env | {"ENGAGE_KAFKA_USER": "somebody"},
        "an unknown authority": env | {"ENGAGE_KAFKA_CA": str(other.ca)},
        "no certificate": env | {"ENGAGE_KAFKA_CERT": "", "ENGAGE_KAFKA_KEY": ""},
        "no TLS": env | {"ENGAGE_KAFKA": secured.secured.replace("SASL_SSL", "SASL_PLAINTEXT")},
        "no keys at all": {"ENGAGE_KAFKA": secured.secured.rpartition("/")[2]},
    }
    for what, wrong in refused.items():
        said = engage("replay", log, "--plain", limit_s=120, **(dict.fromkeys(env, "") | wrong))
        assert said.code == 2, (what, said)
        assert said.errors.count("\n") <= 2, (what, said.errors)
        assert PASSWORD not in said.output + said.errors
    assert PASSWORD not in " ".join(os.environ.values())
