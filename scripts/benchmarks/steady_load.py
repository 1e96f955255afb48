"""Events at a steady rate, as a process: what goes on coming while workers die.

python -m scripts.benchmarks.steady_load HOST:PORT RATE BEFORE     BEFORE events come at once
"""

from __future__ import annotations

import asyncio
import sys
import time

from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.offer import Plan, offer

DURATION_S = 3_600.0
SPAN_BEFORE_MS = 600_000
SPEC = LoadSpec(users=100_000, videos=1_000, broken=0, unknown=0)


async def send(kafka: str, rate: float, before: int) -> None:
    """Send for an hour, or until ended."""
    model = LoadModel(SPEC)
    if before:
        start_ms = time.time_ns() // 1_000_000 - SPAN_BEFORE_MS
        plan = Plan(events=before, start_ms=start_ms, span_ms=SPAN_BEFORE_MS)
        await offer(model, kafka, plan, idempotent=True)
    await offer(model, kafka, Plan(rate=rate, duration_s=DURATION_S), idempotent=True)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
