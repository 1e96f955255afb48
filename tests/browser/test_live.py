"""From a producer's hand to somebody's eyes: Kafka, worker, ClickHouse, dashboard, browser."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from dashboard.server import Dashboard
from scripts.stack import running_stack
from streams.topics import ENGAGEMENT
from tests.browser.chromium import Page
from tests.stack.command import Engage

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

LIKES = 12
BOUND_S = 2.0


async def test_a_like_is_on_the_page_within_two_seconds_and_a_silent_worker_is_told(
    page: Page, engage: Engage, tmp_path: Path, rng: random.Random
) -> None:
    data = tmp_path / "live"
    up = engage.start("up", "--data", data)
    up.until_it_says("ready; Ctrl-C stops everything")
    where = running_stack(data)
    assert where is not None
    async with (
        Dashboard(where["clickhouse"]) as dashboard,
        AIOKafkaProducer(
            bootstrap_servers=where["kafka"], acks="all", enable_idempotence=False
        ) as producer,
    ):
        await page.show(f"{dashboard.url}#/overview?range=1h")
        await page.until("document.querySelector('.waiting')?.checkVisibility()")
        waits_s = []
        for number in range(1, LIKES + 1):
            await asyncio.sleep(rng.random())  # whatever the beat of flushes and looks is
            sent_s = time.monotonic()
            await producer.send_and_wait(ENGAGEMENT, key=b"v1", value=like(number))
            await page.until(seen(number), limit_s=60)
            waits_s.append(time.monotonic() - sent_s)
        # The first waits until the worker has joined its group; a busy machine may hold up another.
        assert sorted(waits_s)[-3] < BOUND_S, waits_s

        await page.until(f"{BACKLOG}.querySelector('strong').textContent === '0'")
        with stopped(engage):
            await page.until(STATE_IS.format("silent"), limit_s=40)
            banner = await page.read("document.getElementById('banner').textContent")
            assert banner.startswith("No worker has told of itself for")
            assert "silent" in await page.read(f"{BACKLOG}.textContent")
        await page.until(STATE_IS.format("live|quiet"), limit_s=60)
        assert await page.read("document.getElementById('banner').hidden")
        assert page.complaints == []
    up.interrupt(group=True)
    assert up.finish(30).code == 0
    assert engage.rows("SELECT DISTINCT stopped FROM heartbeats FINAL", data) == [{"stopped": 1}]


STATE_IS = "/^({})$/.test(document.getElementById('live').dataset.state)"
BACKLOG = (
    "[...document.querySelectorAll('.figure')].find(one => one.textContent.includes('Backlog'))"
)


def like(number: int) -> bytes:
    told = {"id": f"seen-{number}", "type": "like", "event_time_ms": int(time.time() * 1_000)}
    ids = {"user_id": f"u{number}", "video_id": "v1", "creator_id": "ana"}
    return json.dumps(told | ids).encode()


def seen(likes: int) -> str:
    """Whether the table of messages and the chart of likes both show so many."""
    return f"""[...document.querySelectorAll('tbody tr')].some(line =>
            line.cells[0].textContent === 'Like' && line.cells[2].textContent === '{likes}')
        && [...document.querySelectorAll('.mini')].some(one =>
            one.textContent.startsWith('Likes') && one.querySelector('strong').textContent === '{likes}')"""


@contextmanager
def stopped(engage: Engage) -> Iterator[None]:
    """The workers stand still meanwhile, as if their machine did."""
    pids = [int(line.split()[0]) for line in engage.left() if "streams.worker" in line]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
