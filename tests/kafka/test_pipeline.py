"""The whole pipeline on a real Kafka: transactions, one and three workers, every answer exact."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.boosts import BOOSTS_TOPIC, BoostDecision
from scripts.kafka_local import KafkaCluster
from scripts.progress_of import end_offsets
from streams.config import Settings
from tests.crash.rig import committed_offsets
from tests.kafka.test_cluster import read_committed
from tests.oracle import expected_from_lines
from tests.stack import known
from tests.stack.command import Engage
from tests.stack.real_log import LOG, assert_known_in, messages_of
from tests.stack.views import Answers, read_all

pytestmark = pytest.mark.slow

EVENTS = 20_000
LAG_S_MAX = 15.0


@pytest.fixture
def own_kafka(kafka_possible: None) -> Iterator[KafkaCluster]:
    """A broker of the test's own: the pipeline's topics have fixed names."""
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def answers() -> dict[int, Answers]:
    """What each number of workers said."""
    return {}


def assert_no_lag(kafka: str) -> None:
    """The group's offsets are the topics' ends; it may be told a moment after ClickHouse."""
    settings = Settings(kafka=kafka)
    deadline_s = time.monotonic() + LAG_S_MAX
    while True:
        ends = asyncio.run(end_offsets(settings))
        committed = asyncio.run(committed_offsets(settings))
        if all(committed.get(tp, 0) == end for tp, end in ends.items()):
            return
        assert time.monotonic() < deadline_s, (committed, ends)
        time.sleep(0.2)


def decisions_told(kafka: str) -> dict[str, str]:
    """What the boosts topic says, each decision once."""
    partitions = range(Settings().partitions)
    values = [v for n in partitions for v in asyncio.run(read_committed(kafka, BOOSTS_TOPIC, n))]
    told = [BoostDecision.model_validate_json(value) for value in values]
    assert told, "some videos of the log are shown to enough people"
    assert len({decision.id for decision in told}) == len(told)
    return {decision.id: decision.verdict for decision in told}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_generated_log(
    workers: int,
    own_kafka: KafkaCluster,
    engage: Engage,
    tmp_path: Path,
    run_seed: int,
    answers: dict[int, Answers],
) -> None:
    lines = known.make_log(run_seed, EVENTS)
    log, data = tmp_path / "log.jsonl", tmp_path / "results"
    log.write_bytes(b"\n".join(lines) + b"\n")
    options = ("--kafka", own_kafka.address, "--data", data)
    engage("run", "--input", log, "--processes", workers, *options).ok()
    engage.nothing_left()
    assert "no difference" in engage("audit", *options).ok().output
    assert_no_lag(own_kafka.address)

    found = answers[workers] = read_all(data)
    expected = expected_from_lines(lines, Settings().partitions)
    likes = {row["video_id"]: row["likes"] for row in found["videos"]}
    assert likes == {video_id: row["likes"] for video_id, row in expected.videos.items()}
    for other in answers.values():
        assert found == other


@pytest.mark.data
@pytest.mark.parametrize(("workers", "arrival"), [(1, "log-hour"), (3, "file")])
def test_the_real_log_twice(
    workers: int,
    arrival: str,
    own_kafka: KafkaCluster,
    engage: Engage,
    tmp_path: Path,
    data_dir: Path,
) -> None:
    log, data = data_dir / LOG, tmp_path / "results"
    options = ("--kafka", own_kafka.address, "--data", data)
    source = ("--input", log, "--input", log, "--arrival", arrival)
    done = engage("run", *source, "--processes", workers, *options, limit_s=300).ok()
    assert f"{2 * messages_of(log):,} messages counted" in done.errors
    assert_known_in(data, log)
    assert "no difference" in engage("audit", *options, limit_s=300).ok().output
    assert_no_lag(own_kafka.address)
    assert decisions_told(own_kafka.address) == {
        row["decision_id"]: row["verdict"] for row in read_all(data)["boosts"]
    }
