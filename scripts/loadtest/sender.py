"""Offers one step's stream, as a process of its own.

python -m scripts.loadtest.sender SPEC REPORT; nothing of the sender's work is in the process that looks how far the results are.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from scripts.generator.offer import Plan, offer
from scripts.loadtest.profiles import stream_of
from scripts.sending import Ack


class StepSpec(msgspec.Struct, frozen=True):
    """What to offer, where."""

    kafka: str
    idempotent: bool
    profile: str
    run: str
    rate: float
    duration_s: float


class Offered(msgspec.Struct, frozen=True):
    """What was offered: record n was due at `origin_ms` + 1000 n / rate."""

    origin_ms: int
    sent: int
    seconds: float
    behind_s_max: float
    cpu_s: float
    acks: list[Ack]


async def send(spec: StepSpec) -> Offered:
    """Offer the whole step."""
    acks: list[Ack] = []
    report = await offer(
        stream_of(spec.profile, spec.run),
        spec.kafka,
        Plan(rate=spec.rate, duration_s=spec.duration_s),
        idempotent=spec.idempotent,
        acks=acks,
    )
    cpu_s = time.process_time()
    return Offered(report.origin_ms, report.sent, report.seconds, report.behind_s_max, cpu_s, acks)


def main() -> None:
    """Send and report."""
    spec = msgspec.json.decode(sys.argv[1], type=StepSpec)
    report = Path(sys.argv[2])
    part = report.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(asyncio.run(send(spec))))
    part.replace(report)


if __name__ == "__main__":
    main()
