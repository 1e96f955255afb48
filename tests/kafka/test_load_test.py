"""The load test against servers that are there already."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.kafka_local import KafkaCluster
from sinks.embedded import EmbeddedClickHouse
from tests.stack.command import Engage


def test_a_load_test_runs_against_servers_that_are_there(
    kafka_possible: None, engage: Engage, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    with KafkaCluster() as kafka, EmbeddedClickHouse(tmp_path / "clickhouse") as clickhouse:
        engage(
            *("load-test", "--kafka", kafka.address, "--from", 300, "--to", 300, "--step-s", 4),
            *("--output", report),
            limit_s=300,
            ENGAGE_CLICKHOUSE=clickhouse.url,
        ).ok()
    found = json.loads((report / "load_test.json").read_text())
    step = found["steps"][0]
    assert step["sent"] == 1_200
    assert 0 < step["p50_ms"] <= step["p95_ms"] <= step["p99_ms"] <= step["most_ms"]
    assert "Kafka" in found["servers"]
