"""The worker's consumer does not leave a fetch open for long."""

from __future__ import annotations

from typing import Any

import aiokafka

from streams.app import build_app
from streams.config import load_settings
from streams.transport import FETCH_WAIT_MS_MAX


async def test_a_fetch_is_kept_open_for_a_tenth_of_a_second() -> None:
    app = build_app(load_settings().with_(partitions=2))
    thread: Any = app._new_consumer()._new_consumer_thread()
    made = thread._create_worker_consumer(app.transport)
    asked = aiokafka.AIOKafkaConsumer(fetch_max_wait_ms=FETCH_WAIT_MS_MAX)
    try:
        # The name is aiokafka's own: where it keeps what it is asked for, and hands to its fetcher.
        assert made._fetch_max_wait_ms == asked._fetch_max_wait_ms == FETCH_WAIT_MS_MAX
    finally:
        await made.stop()
        await asked.stop()
