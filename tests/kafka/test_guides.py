"""The guides that need servers, command by command, against a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.kafka_local import KafkaCluster
from sinks.embedded import EmbeddedClickHouse
from tests.guides import run_guide

SERVED = ("production.md", "scale_out.md", "upgrade.md", "restore.md")


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVED)
def test_a_guide_works_as_it_stands(name: str, kafka_possible: None, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    with KafkaCluster() as kafka, EmbeddedClickHouse(tmp_path / "clickhouse") as clickhouse:
        env = {"ENGAGE_KAFKA": kafka.address, "ENGAGE_CLICKHOUSE": clickhouse.url}
        said = run_guide(name, folder, env, limit_s=500)
    assert said.count("no difference") == said.count("cells, ")
    assert "no difference" in said
