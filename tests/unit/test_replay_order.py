"""Replays on the embedded broker: every record, in the log's order, and resumable."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.errors import InputError, Refused, Unavailable
from scripts import generate, replay
from scripts.embedded_kafka import EmbeddedBroker
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import Spec
from scripts.generator.model import generate as generate_log
from scripts.generator.offer import Plan, offer
from scripts.logs import open_log
from scripts.processes import free_port
from scripts.records import LogRecord, address
from scripts.replay import Pace
from scripts.resume import ResumeFile
from streams.config import Settings
from streams.topics import SOURCES, create_topics

pytestmark = pytest.mark.stack

PARTITIONS = 3
Stored = list[tuple[bytes | None, bytes | None]]
Positions = dict[TopicPartition, int]


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        asyncio.run(create_topics(Settings(kafka=broker.address, partitions=PARTITIONS)))
        yield broker.address


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    return [message.value for message in generate_log(Spec(seed=5, events=8_000, broken=0.01))]


@pytest.fixture
def log(values: list[bytes], tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(values) + b"\n")
    return path


async def end_of(kafka: str) -> Positions:
    """Return where each partition ends, found by reading: see BatchSender.ends."""
    every = [TopicPartition(topic, n) for topic in SOURCES for n in range(PARTITIONS)]
    return (await read(kafka, dict.fromkeys(every, 0)))[1]


async def stored_since(kafka: str, start: Positions) -> dict[TopicPartition, Stored]:
    """Return what was written after `start`, partition by partition."""
    return (await read(kafka, start))[0]


async def read(kafka: str, start: Positions) -> tuple[dict[TopicPartition, Stored], Positions]:
    """Read from `start` until nothing more comes."""
    found: dict[TopicPartition, Stored] = {partition: [] for partition in start}
    async with AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign(list(start))
        for partition, offset in start.items():
            consumer.seek(partition, offset)
        while fetched := await consumer.getmany(timeout_ms=1_000):
            for partition, records in fetched.items():
                found[partition] += [(record.key, record.value) for record in records]
        return found, {partition: await consumer.position(partition) for partition in start}


def expected_of(values: list[bytes]) -> dict[TopicPartition, Stored]:
    """Return where every value belongs, by the client library's own partitioner."""
    choose = DefaultPartitioner()
    numbers = list(range(PARTITIONS))
    expected: dict[TopicPartition, Stored] = defaultdict(list)
    for value in values:
        record = address(value)
        number = choose(record.key, numbers, numbers)
        expected[TopicPartition(record.topic, number)].append((record.key, value))
    return expected


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "scripts.cli", "replay", *arguments]


async def test_every_record_in_order_where_its_key_belongs(
    kafka: str, log: Path, values: list[bytes]
) -> None:
    start = await end_of(kafka)
    told: list[int] = []
    report = await replay.replay(
        open_log(log).records(), kafka, idempotent=False, progress=told.append
    )
    assert report.sent == len(values)
    assert report.bytes == sum(map(len, values))
    assert report.refused == ()
    assert told == sorted(told)
    assert told[-1] == len(values)
    stored = await stored_since(kafka, start)
    assert {partition: found for partition, found in stored.items() if found} == expected_of(values)
    end = await end_of(kafka)
    assert report.ends == {(p.topic, p.partition): end[p] for p, found in stored.items() if found}


async def test_large_messages_and_small_ones_keep_their_order(kafka: str) -> None:
    lines = [b'{"type":"like","video_id":"v","n":%d}' % n for n in range(50)]
    for place, size in ((10, 300_000), (20, 1_500_000), (21, 262_144)):
        lines.insert(place, b'{"type":"like","video_id":"v","n":"' + b"x" * size + b'"}')
    start = await end_of(kafka)
    await replay.replay(map(address, lines), kafka, idempotent=False)
    stored = await stored_since(kafka, start)
    (found,) = [found for found in stored.values() if found]
    assert [value for _, value in found] == lines


async def test_an_empty_log_is_fine(kafka: str) -> None:
    report = await replay.replay([], kafka, idempotent=False)
    assert report.sent == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_stopped_and_resumed_loses_nothing(
    kafka: str, log: Path, values: list[bytes], tmp_path: Path, repository: Path, number: int
) -> None:
    """Paced, so that it is surely stopped in the middle; the rest goes as fast as it can."""
    state = tmp_path / "replay.state"
    span_s = 48 * 3600
    line = [str(log), "--kafka", kafka, "--plain", "--resume", str(state)]
    environment = os.environ | {"PYTHONPATH": str(repository)}
    start = await end_of(kafka)
    first = subprocess.Popen(
        command(*line, "--speed", str(span_s / 8)), env=environment, stdout=subprocess.DEVNULL
    )
    await wait_for_records(state, 200)
    first.send_signal(number)
    assert first.wait(30) != 0
    acknowledged = json.loads(state.read_bytes())["acknowledged"]
    assert 200 <= acknowledged < len(values)
    second = subprocess.run(command(*line), env=environment, check=True, capture_output=True)
    assert f"{len(values) - acknowledged:,} records".encode() in second.stdout
    stored = await stored_since(kafka, start)
    for partition, expected in expected_of(values).items():
        found = stored[partition]
        assert not Counter(expected) - Counter(found), "nothing lost"
        repeated = len(found) - len(expected)
        assert repeated <= len(values) - acknowledged
        tail = min(len(expected), 50)
        assert found[-tail:] == expected[-tail:], "in order to the end"
    assert json.loads(state.read_bytes())["acknowledged"] == len(values)


async def wait_for_records(state: Path, count: int) -> None:
    for _ in range(600):
        if state.exists() and json.loads(state.read_bytes())["acknowledged"] >= count:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the replay does not get going")


def test_a_resume_file_belongs_to_one_replay(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    opened = open_log(log)
    ResumeFile(state, opened, "file", "a:1").save(70)
    assert ResumeFile(state, opened, "file", "a:1").acknowledged == 70
    with pytest.raises(Refused, match="kafka differ"):
        ResumeFile(state, opened, "file", "b:1")
    with log.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(Refused, match="log_bytes differ"):
        ResumeFile(state, open_log(log), "file", "a:1")
    assert json.loads(state.read_bytes())["acknowledged"] == 70


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"acknowledged": -1}', b"\xff"])
def test_what_is_no_resume_file_is_left_alone(log: Path, tmp_path: Path, content: bytes) -> None:
    state = tmp_path / "state"
    state.write_bytes(content)
    with pytest.raises((InputError, Refused)):
        ResumeFile(state, open_log(log), "file", "a:1")
    assert state.read_bytes() == content


def test_a_resume_file_that_cannot_be_written_is_told_first(log: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be"):
        ResumeFile(tmp_path / "no" / "state", open_log(log), "file", "a:1")


async def test_topics_are_never_made_by_accident() -> None:
    with EmbeddedBroker() as broker:
        records = [LogRecord(ENGAGEMENT_TOPIC, b"v", b"{}", None)]
        for _ in range(2):  # the first try must not have made them
            with pytest.raises(Refused, match=r"no topic .*engage migrate"):
                await replay.replay(records, broker.address, idempotent=False)


async def test_no_broker_is_said() -> None:
    with pytest.raises(Unavailable, match=r"no Kafka answers at 127\.0\.0\.1"):
        await replay.replay([], f"127.0.0.1:{free_port()}", idempotent=False)


def test_the_command_says_it_in_one_line(log: Path, repository: Path) -> None:
    shown = subprocess.run(
        command(str(log), "--kafka", f"127.0.0.1:{free_port()}"),
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: no Kafka answers")
    assert shown.stderr.count("\n") == 1


def test_limit_and_progress_for_a_log(
    kafka: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    replay.add_arguments(parser)
    args = parser.parse_args([str(log), "--kafka", kafka, "--plain", "--limit", "1234"])
    assert replay.run(args) == 0
    assert capsys.readouterr().out.startswith("1,234 records")


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "1e99"])
def test_a_wrong_speed_is_refused(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    replay.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["log", "--speed", speed])
    assert "--speed" in capsys.readouterr().err


async def test_speed_follows_event_time(kafka: str) -> None:
    lines = [b'{"type":"like","video_id":"v","event_time_ms":%d}' % (n * 1_000) for n in range(21)]
    start = await end_of(kafka)
    started_s = time.monotonic()
    report = await replay.replay(map(address, lines), kafka, idempotent=False, speed=20)
    assert 1.0 <= time.monotonic() - started_s < 5.0, "20 s at 20 times the speed"
    assert report.sent == len(lines)
    (found,) = [found for found in (await stored_since(kafka, start)).values() if found]
    assert [value for _, value in found] == lines


def test_pace_goes_forward_only_and_skips_gaps() -> None:
    day_ms = 86_400_000
    pace = Pace(2.0, now_ms=100 * day_ms)
    times = [10_000, 12_000, 11_000, None, 14_000, 10**30, -5, 101 * day_ms, 3 * day_ms, 3 * day_ms]
    assert [pace.due_s(t) for t in times] == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert pace.due_s(3 * day_ms + 1_000) == 2.5


async def test_generated_load_holds_its_rate(kafka: str) -> None:
    model = LoadModel(LoadSpec(videos=50, users=100, broken=0, unknown=0, duplicates=0))
    for last in (False, False, True):  # what else runs on the machine may win a second or two
        start = await end_of(kafka)
        report = await offer(model, kafka, Plan(rate=2_000, duration_s=1.5), idempotent=False)
        assert report.sent == 3_000
        if report.rate == pytest.approx(2_000, rel=0.1):
            break
        assert not last, report
    stored = await stored_since(kafka, start)
    assert sum(map(len, stored.values())) == 3_000 + 50
    assert any(stored[TopicPartition(COMMERCE_TOPIC, n)] for n in range(PARTITIONS))


def test_the_generate_command_reports_offered_and_achieved(
    kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    generate.add_arguments(parser)
    line = ["--kafka", kafka, "--plain", "--videos", "50", "--events", "4000", "--rate", "2000"]
    assert generate.run(parser.parse_args(line)) == 0
    assert "2,000/s offered (held)" in capsys.readouterr().out
