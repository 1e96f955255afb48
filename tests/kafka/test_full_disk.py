"""A disk fills up while the pipeline works: a clear word, nothing corrupted, exact once there is room.

The disks are small ones in memory, mounted for the test: that takes root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.disks import SmallDisk, small_disk
from tests.crash.rig import Rig

pytestmark = pytest.mark.slow

WORKERS = 2
SAID_S_MAX = 40.0


@pytest.fixture
def clickhouse_disk(kafka_possible: None, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "data", megabytes=256) as disk:
        yield disk


@pytest.fixture
def kafka_disk(kafka_possible: None, tmp_path: Path) -> Iterator[SmallDisk]:
    """Only what the broker stores is there: its log is elsewhere, and says what happens."""
    with small_disk(tmp_path / "kafka" / "node-1-data", megabytes=256) as disk:
        yield disk


def test_of_clickhouse(clickhouse_disk: SmallDisk, run_seed: int, tmp_path: Path) -> None:
    """The workers say what they wait for and go on by themselves: none of them ends."""
    with closing(Rig(tmp_path, workers=WORKERS, seed=run_seed)) as rig:
        with rig.feeding():
            rig.moment(4)
            fill_until_said("the disk of ClickHouse", clickhouse_disk, rig, rig.said)
            rig.moment(8)
            clickhouse_disk.fill()
            rig.moment(4)
            clickhouse_disk.free()
            rig.moment(4)
        rig.check()
        assert rig.supervisor.restarts == 0


def test_of_kafka(kafka_disk: SmallDisk, run_seed: int, tmp_path: Path) -> None:
    """The broker says so and ends; workers wait, or end and are restarted, until it is back."""
    folder = kafka_disk.path.parent
    with closing(Rig(tmp_path, workers=WORKERS, seed=run_seed, kafka_folder=folder)) as rig:
        with rig.feeding():
            rig.moment(4)
            fill_until_said("No space left on device", kafka_disk, rig, rig.kafka.log().read_text)
            rig.wait_until(lambda: not rig.kafka.is_running(), SAID_S_MAX, "the broker ends")
            rig.moment(15)
            kafka_disk.free()
            rig.kafka.start_node(1)
            rig.moment(4)
        rig.check()


def fill_until_said(words: str, disk: SmallDisk, rig: Rig, said: Callable[[], str]) -> None:
    """Keep the disk full, also when something is deleted there, until somebody says so."""

    def full_and_said() -> bool:
        disk.fill()
        return words in said()

    rig.wait_until(full_and_said, SAID_S_MAX, f"somebody says {words!r}")
