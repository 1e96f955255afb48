"""Offers a load stream to Kafka at a rate: every record has its time before anything is sent.

A record's event time is the time at which it is due, not the one at which it went out. So when
the sender or Kafka falls behind, what is measured from event time includes the waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from scripts.records import LogRecord
from scripts.sending import Ack, BatchSender, open_sender

_TICK_S = 0.01
_CHUNK_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is offered, when. `rate` per second, None is as fast as possible.

    Event times begin at `start_ms`, or now; `span_ms` spreads those of `events` over a time of
    their own, for streams that are not paced.
    """

    rate: float | None = None
    events: int | None = None
    duration_s: float | None = None
    start_ms: int | None = None
    span_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OfferReport:
    """What was offered and what Kafka took; `behind_s_max` is how late a record went out.

    Of a paced offer record number n, from 0, was due at `origin_ms` + 1000 n / rate.
    """

    sent: int
    seconds: float
    offered_rate: float | None
    behind_s_max: float
    origin_ms: int

    @property
    def rate(self) -> float:
        """Records acknowledged per second."""
        return self.sent / max(self.seconds, 1e-9)


class Stream(Protocol):
    """What can be offered: scripts.generator.load.LoadModel, or something around it."""

    def opening(self, time_ms: int) -> list[LogRecord]:
        """Return what comes first."""

    def chunk(self, count: int, time_ms: int) -> list[LogRecord]:
        """Return the next records."""


async def offer(
    model: Stream,
    kafka: str,
    plan: Plan,
    *,
    idempotent: bool,
    progress: Callable[[int, float], None] | None = None,
    acks: list[Ack] | None = None,
) -> OfferReport:
    """Send the stream until the plan's end, and return when the brokers have all of it.

    `acks` gets what the brokers acknowledged after the opening, records numbered from 0.

    Raises:
        Unavailable: no Kafka, or it stopped taking records.
        Refused: the topics do not exist.
    """
    async with open_sender(kafka, idempotent=idempotent) as sender:
        run = _Run(model, plan, sender, progress)
        await sender.send(model.opening(run.origin_ms), _now_ms())
        await sender.flush()
        opened = sender.sent
        if acks is not None:
            sender.acks = []
        run.begin()
        await (run.paced(plan.rate) if plan.rate else run.unpaced())
        await sender.flush()
        seconds = time.monotonic() - run.started_s
        if acks is not None and sender.acks is not None:
            acks += [ack._replace(first=ack.first - opened) for ack in sender.acks]
        return OfferReport(
            sender.sent - opened, seconds, plan.rate, run.behind_s_max, run.origin_ms
        )


class _Run:
    def __init__(
        self,
        model: Stream,
        plan: Plan,
        sender: BatchSender,
        progress: Callable[[int, float], None] | None,
    ) -> None:
        self._model = model
        self._plan = plan
        self._sender = sender
        self._progress = progress
        self._made = 0
        self.behind_s_max = 0.0
        self.origin_ms = _now_ms() if plan.start_ms is None else plan.start_ms

    def begin(self) -> None:
        self.started_s = time.monotonic()
        if self._plan.start_ms is None:
            self.origin_ms = _now_ms()

    async def paced(self, rate: float) -> None:
        """Send each record when it is due."""
        while (left := self._left(rate)) > 0:
            elapsed_s = time.monotonic() - self.started_s
            due = min(int(elapsed_s * rate) - self._made, left, _CHUNK_RECORDS)
            # Less than a tick's worth is left to gather: many tiny batches cost more than they say.
            if due < max(1, min(int(rate * _TICK_S), left, _CHUNK_RECORDS)):
                await asyncio.sleep(_TICK_S / 2)
                continue
            scheduled_s = self._made / rate
            self.behind_s_max = max(self.behind_s_max, elapsed_s - scheduled_s)
            await self._send(due, self.origin_ms + int(scheduled_s * 1000))
            await self._sender.push()

    async def unpaced(self) -> None:
        """Send as fast as Kafka takes it."""
        plan = self._plan
        while (left := self._left(None)) > 0:
            if plan.span_ms is not None and plan.events is not None:
                event_ms = self.origin_ms + self._made * plan.span_ms // plan.events
            else:
                event_ms = self.origin_ms + int((time.monotonic() - self.started_s) * 1000)
            await self._send(min(left, _CHUNK_RECORDS), event_ms)
            await asyncio.sleep(0)

    async def _send(self, count: int, event_ms: int) -> None:
        await self._sender.send(self._model.chunk(count, event_ms), _now_ms())
        self._made += count
        if self._progress:
            self._progress(self._made, time.monotonic() - self.started_s)

    def _left(self, rate: float | None) -> int:
        """How many records are still to be made, now."""
        plan = self._plan
        left = (1 << 62) if plan.events is None else plan.events - self._made
        if plan.duration_s is not None:
            if rate:
                return min(left, int(plan.duration_s * rate) - self._made)
            if time.monotonic() - self.started_s >= plan.duration_s:
                return 0
        return left


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
