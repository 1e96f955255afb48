"""A stack that stays up: producers come and go, broken messages keep their bytes, Ctrl-C ends it."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from scripts.stack import running_stack
from sinks.client import connect
from streams.clients import stop_client
from streams.topics import DEAD_LETTERS
from tests.stack import known
from tests.stack.command import Engage
from tests.stack.views import ask_all

BROKEN_LINE = 17
BROKEN = b'{"type": "like",\t"id": \xc3\x28 \x00 "line seventeen'
EVENTS = 3_000


def log_with_a_broken_line(seed: int) -> list[bytes]:
    lines = known.make_log(seed, EVENTS)
    lines.insert(BROKEN_LINE - 1, BROKEN)
    return lines


async def test_a_stack_takes_the_same_log_twice(engage: Engage, tmp_path: Path, seed: int) -> None:
    lines = log_with_a_broken_line(seed)
    log, data = tmp_path / "log.jsonl", tmp_path / "results"
    log.write_bytes(b"\n".join(lines) + b"\n")
    up = engage.start("up", "--data", data, "--processes", 2)
    up.until_it_says("ready; Ctrl-C stops everything")
    where = running_stack(data)
    assert where is not None
    replay = ("replay", log, "--kafka", where["kafka"], "--plain")

    engage(*replay).ok()
    assert "no difference" in engage("audit", "--data", data).ok().output
    first = ask_all(where["clickhouse"])
    raws = [row["raw"] for row in first["dead_letters"]]
    assert raws.count(BROKEN.hex().upper()) == 1
    assert BROKEN in await buried(where["kafka"])

    engage(*replay).ok()
    assert "no difference" in engage("audit", "--data", data).ok().output
    second = ask_all(where["clickhouse"])
    assert_counted_once(first, second, len(lines))

    up.interrupt(group=True)
    assert up.finish(15).code == 0
    engage.nothing_left()
    assert "no difference" in engage("audit", "--data", data).ok().output


def assert_counted_once(first: Any, second: Any, messages: int) -> None:
    """The second time changed nothing but what says that there was one."""
    for view in (
        "engagement_1m",
        "engagement_1d",
        "videos",
        "lives",
        "creators",
        "earnings_ledger",
    ):
        assert second[view] == first[view], view
    sums = {
        name: (sum(row[name] for row in rows["partitions"]))
        for name, rows in (("counted", second), ("messages", second))
    }
    assert sums["counted"] == sum(row["counted"] for row in first["partitions"])
    assert sums["messages"] == 2 * messages
    assert len(second["dead_letters"]) == 2 * len(first["dead_letters"])


async def buried(kafka: str) -> list[bytes]:
    """Return the raw messages in the topic of dead letters."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(DEAD_LETTERS, number) for number in range(4)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[bytes] = []
        while fetched := await consumer.getmany(timeout_ms=2_000):
            for records in fetched.values():
                found += [base64.b64decode(json.loads(r.value)["raw_base64"]) for r in records]
        return found
    finally:
        await stop_client(consumer)


def test_the_demo_counts_its_sample(engage: Engage, tmp_path: Path, repository: Path) -> None:
    """Once, and once more: a second run works at once and says the same."""
    shutil.copy(repository / "samples" / "day.jsonl.zst", tmp_path / "day.jsonl.zst")
    data = tmp_path / "demo"
    shown = []
    for _ in range(2):
        done = engage("demo", "--once", "--data", data, "--input", "day.jsonl.zst").ok()
        engage.nothing_left()
        assert "Trending videos" in done.output
        assert "Top creators by gift" in done.output
        # the first line tells the time that it took
        shown.append([line for line in done.output.splitlines() if "messages in" not in line])
    assert shown[0] == shown[1]
    assert "no difference" in engage("audit", "--data", data).ok().output
