"""One real Apache Kafka for all tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.kafka_local import KafkaCluster, missing_reason

_HERE = Path(__file__).parent
# Small segments and an eager cleaner: compaction happens within a test, not after a week.
_OPTIONS = {
    "log.segment.bytes": "1048576",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.min.cleanable.ratio": "0.01",
    "log.retention.check.interval.ms": "1000",
    "num.partitions": "4",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def kafka_possible() -> None:
    """Skip without Java or Maven; in CI that is an error instead."""
    reason = missing_reason()
    if reason is not None and os.environ.get("CI") == "true":
        pytest.fail(f"CI must run these tests: {reason}")
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka(
    kafka_possible: None, request: pytest.FixtureRequest, repository: Path
) -> Iterator[KafkaCluster]:
    """A running broker. Tests share it: give topics, groups and ids a name of their own."""
    with KafkaCluster(options=_OPTIONS) as cluster:
        yield cluster
        if request.session.testsfailed:
            kept = repository / ".engage" / "kafka-failed.log"
            kept.parent.mkdir(exist_ok=True)
            shutil.copy(cluster.log(), kept)
            print(f"the broker's log is kept: {kept}")
