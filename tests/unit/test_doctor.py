"""doctor names what is wrong and what to do, and exits 2 only for what cannot work."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from scripts import doctor
from scripts.doctor import Finding
from scripts.embedded_kafka import EmbeddedBroker
from scripts.kafka_probe import broker_answers, split_address
from scripts.processes import free_port


def arguments(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"kafka": None, "clickhouse": None, "data": None, **given})


def test_a_sound_machine_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = doctor.run(arguments(data=tmp_path / "not" / "yet"))
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert "Python 3.11" in shown
    assert "libraries as in the lock file" in shown


def test_unreachable_servers_fail_with_their_address(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    code = doctor.run(
        arguments(kafka=f"127.0.0.1:{port}", clickhouse=f"http://me:secret@127.0.0.1:{port}")
    )
    shown = capsys.readouterr().out
    assert code == 2
    assert f"fail  Kafka broker 127.0.0.1:{port} does not answer" in shown
    assert f"fail  ClickHouse at http://127.0.0.1:{port} does not answer" in shown
    assert "secret" not in shown


@pytest.mark.stack
def test_a_broker_without_topics_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        assert doctor.run(arguments(kafka=broker.address)) == 0
    shown = capsys.readouterr().out
    assert "warn  topics are missing: engagement.events" in shown
    assert "-> engage migrate" in shown


@pytest.mark.parametrize(
    ("value", "grade"), [(99, "fail"), (100, "warn"), (199, "warn"), (200, "ok")]
)
def test_scarce_things_are_graded(value: int, grade: str) -> None:
    finding = doctor._graded(value, "things", 200, 100, "get more")
    assert finding.grade == grade
    assert bool(finding.do) == (grade != "ok")


def test_an_absent_program_is_optional() -> None:
    finding = doctor.check_optional(["no-such-program", "--version"], "nothing")
    assert finding == Finding("-", "no no-such-program, for nothing")


@pytest.mark.parametrize("address", ["", "host", "host:", ":9092", "host:port", "a:1,b", "a:70000"])
def test_a_wrong_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="host:port"):
        split_address(address)


def test_addresses_are_split() -> None:
    assert split_address("a:1, b.c:65535,[::1]:3") == [("a", 1), ("b.c", 65535), ("::1", 3)]


def test_a_listener_that_is_no_broker_does_not_count() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not broker_answers("127.0.0.1", port, timeout_s=0.1)
