"""The embedded broker starts, serves, names a used port, and never outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import ConfigError
from scripts.embedded_kafka import EmbeddedBroker
from scripts.kafka_probe import broker_answers
from scripts.processes import free_port

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


async def test_topics_have_explicit_partitions_and_keep_records(broker: EmbeddedBroker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("three", 3, 1)])
        described = await admin.describe_topics(["three"])
    finally:
        await admin.close()
    assert len(described[0]["partitions"]) == 3

    sent = [(f"key-{number}".encode(), f"value-{number}".encode()) for number in range(200)]
    async with AIOKafkaProducer(
        bootstrap_servers=broker.address, enable_idempotence=False
    ) as producer:
        for key, value in sent:
            await producer.send("three", value, key=key)
        await producer.flush()

    got: list[tuple[bytes | None, bytes | None]] = []
    async with AIOKafkaConsumer(
        "three", bootstrap_servers=broker.address, auto_offset_reset="earliest"
    ) as consumer:
        while len(got) < len(sent):
            got += [
                (record.key, record.value)
                for records in (await consumer.getmany(timeout_ms=500)).values()
                for record in records
            ]
    assert sorted(got) == sorted(sent)


def test_a_used_port_is_named(broker: EmbeddedBroker) -> None:
    with pytest.raises(ConfigError, match=f"port {broker.port} for the embedded broker"):
        EmbeddedBroker(port=broker.port)


def test_a_given_port_is_used_and_free_after_stop(tmp_path: Path) -> None:
    port = free_port()
    for _ in range(2):
        broker = EmbeddedBroker(port=port, log=tmp_path / "broker.log")
        assert broker.address == f"127.0.0.1:{port}"
        assert broker.is_running()
        broker.stop()
        broker.stop()
        assert not broker.is_running()
        assert not broker_answers("127.0.0.1", port)


def test_settings_in_the_environment_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTENER_URL", "tcp://127.0.0.1:1")
    monkeypatch.setenv("STORAGE_ENGINE", "nonsense")
    with EmbeddedBroker() as broker:
        assert broker_answers("127.0.0.1", broker.port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans")
def test_it_dies_with_a_killed_parent(repository: Path) -> None:
    program = (
        "import time; from scripts.embedded_kafka import EmbeddedBroker;"
        "broker = EmbeddedBroker(); print(broker.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=repository
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline_s = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
