"""A stack that stays up: producers come and go, broken messages keep their bytes, Ctrl-C ends it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from scripts.stack import running_stack
from streams.clients import stop_client
from streams.topics import DEAD_LETTERS
from tests.stack import known
from tests.stack.command import Engage
from tests.stack.views import Answers, ask_all

BROKEN_LINE = 17
BROKEN = b'{"type": "like",\t"id": \xc3\x28 \x00 "line seventeen'
EVENTS = 3_000
HOURS = 20.0  # shorter than the memory of ids: the second time every message is known
FATES = ("messages", "counted", "duplicates", "suppressed", "late", "dead_letters")


def log_with_a_broken_line(seed: int) -> list[bytes]:
    lines = known.make_log(seed, EVENTS, hours=HOURS)
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


def assert_counted_once(first: Answers, second: Answers, messages: int) -> None:
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
    fates = [
        {name: sum(row[name] for row in rows["partitions"]) for name in FATES}
        for rows in (first, second)
    ]
    assert fates[1]["messages"] == 2 * messages == 2 * fates[0]["messages"]
    assert fates[1]["counted"] == fates[0]["counted"]
    # What came too late, or was broken, is no less so the second time.
    for name in ("late", "dead_letters"):
        assert fates[1][name] == 2 * fates[0][name], name
    again = fates[0]["counted"] + fates[0]["duplicates"] + fates[0]["suppressed"]
    assert sum(fates[1][name] - fates[0][name] for name in ("duplicates", "suppressed")) == again


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


def test_the_demo_counts_its_sample(engage: Engage, tmp_path: Path) -> None:
    data = tmp_path / "demo"
    done = engage("demo", "--once", "--data", data).ok()
    engage.nothing_left()
    for title in ("Trending videos", "Top creators by gift", "Top creators by creator_rewards"):
        assert title in done.output
    assert "no difference" in engage("audit", "--data", data).ok().output
