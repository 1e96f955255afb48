"""Events at a steady rate, as a process: what goes on coming while workers die.

python -m scripts.benchmarks.steady_load HOST:PORT RATE BEFORE     BEFORE events come at once

The stream of the load model has few orders; clicks are added, so that no partition is ever quiet.
"""

from __future__ import annotations

import asyncio
import sys
import time
from random import Random

from scripts.generator.load import LoadModel, LoadSpec
from scripts.records import LogRecord, address
from scripts.sending import open_sender

TICK_S = 0.1
CLICKS_SHARE = 0.1
SPAN_BEFORE_MS = 600_000
CHUNK = 2_000
SPEC = LoadSpec(users=100_000, videos=1_000, broken=0, unknown=0)
CLICK = (
    '{"id":"click-%d","type":"affiliate_click","event_time_ms":%d,"user_id":"u%d",'
    '"product_id":"p1","seller_id":"s1","creator_id":"c1"}'
)


async def send(kafka: str, rate: float, before: int) -> None:
    """Send until ended."""
    model, clicks = LoadModel(SPEC), Clicks()
    async with open_sender(kafka, idempotent=True) as sender:
        await sender.send(model.opening(_now_ms() - SPAN_BEFORE_MS), _now_ms())
        for start in range(0, before, CHUNK):
            at_ms = _now_ms() - SPAN_BEFORE_MS + start * SPAN_BEFORE_MS // before
            await sender.send(model.chunk(CHUNK, at_ms), _now_ms())
        number = round(rate * CLICKS_SHARE * TICK_S)
        while True:
            due_s = time.monotonic() + TICK_S
            now_ms = _now_ms()
            events = model.chunk(round(rate * TICK_S) - number, now_ms)
            await sender.send(events + clicks.next(number, now_ms), now_ms)
            await sender.push()
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))


class Clicks:
    """Clicks of any users, and so in any partition."""

    def __init__(self) -> None:
        self._rng = Random("clicks")
        self._made = 0

    def next(self, number: int, time_ms: int) -> list[LogRecord]:
        """Return the next clicks."""
        first, self._made = self._made, self._made + number
        user = self._rng.randrange
        texts = (CLICK % (n, time_ms, user(SPEC.users)) for n in range(first, self._made))
        return [address(text.encode()) for text in texts]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
