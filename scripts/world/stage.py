"""Plays arms through the running pipeline, in virtual time.

A world may not run ahead of what it obeys. A decision about a video takes effect `decision_delay_min`
virtual minutes after it was made, so the minutes of one chunk may be told while the chunk before is still
being counted; then the world waits until that one is visible in ClickHouse. Once in a virtual hour it
waits for everything and asks what trends. What an arm is told depends on event time alone: the same
seeds give the same events, whatever the speed, the number of workers, or who dies on the way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from schemas.errors import Unavailable
from scripts.progress import ProgressUpdate
from scripts.sending import BatchSender, open_sender
from scripts.stack import Stack
from scripts.world.arm import DISORDER_MS, Arm
from scripts.world.diary import MINUTE_MS
from scripts.world.feed import Decided
from scripts.world.trending import what_trends

HOUR_MINUTES = 60
ENDED_MS = 2 * 86_400_000  # after the last minute: orders are settled within a day
_POLL_S = 0.05
_STALL_S_MAX = 120.0
_CHECK_S = 1.0

_CLOCKS = """
SELECT partition, toUnixTimestamp64Milli(max(max_event_time))
FROM partitions
WHERE topic = 'engagement.events'
GROUP BY partition
"""
_DECISIONS = """
SELECT video_id, pool, verdict, toUnixTimestamp64Milli(decided_at) AS decided_at_ms
FROM boosts
WHERE {between}
ORDER BY decided_at_ms, video_id, pool
"""


class Stage:
    """Arms that are played together, minute by minute of their own time."""

    def __init__(self, stack: Stack, arms: Sequence[Arm], delay_min: int) -> None:
        assert delay_min % 2 == 0, "two chunks fit into the delay"
        assert HOUR_MINUTES % (delay_min // 2) == 0, "an hour is made of whole chunks"
        self._stack = stack
        self._arms = arms
        self._chunk = delay_min // 2
        self._delay = delay_min
        self._obeyed = 0  # minutes up to whose end decisions were read
        self._checked_s = 0.0
        self.told_s = 0.0  # spent on making up what happens
        self.waited_s = 0.0  # spent on waiting until it is counted

    async def play(self, tell: ProgressUpdate) -> int:
        """Play all arms to their end; return the number of messages. `tell` hears virtual minutes.

        Raises:
            Unavailable: the pipeline makes no progress, or a part of it ended.
        """
        settings = self._stack.settings
        async with open_sender(settings.kafka, idempotent=settings.transactions) as sender:
            minutes = max(arm.minutes for arm in self._arms)
            for minute in range(0, minutes, self._chunk):
                self._prepare(minute)
                await self._send_chunk(sender)
                tell(minute + self._chunk, sender.sent)
            return sender.sent

    async def end(self) -> None:
        """Move event time of all arms past the last one's days, so that these can be settled."""
        settings = self._stack.settings
        end_ms = max(arm.end_ms for arm in self._arms) + ENDED_MS
        async with open_sender(settings.kafka, idempotent=settings.transactions) as sender:
            for arm in self._arms:
                await sender.send(arm.end(end_ms), _now_ms())
            await sender.flush()

    async def _send_chunk(self, sender: BatchSender) -> None:
        for _ in range(self._chunk):
            for arm in self._arms:
                if not arm.is_over:
                    began_s = time.monotonic()
                    records = arm.tell()
                    self.told_s += time.monotonic() - began_s
                    await sender.send(records, _now_ms())
        for arm in self._arms:
            await sender.send(arm.tick(), _now_ms())
        await sender.flush()

    def _prepare(self, minute: int) -> None:
        """Wait for what the minutes from `minute` on depend on, and tell the arms."""
        hourly = minute % HOUR_MINUTES == 0
        seen = minute if hourly else minute - self._chunk
        if seen <= 0:
            return
        self._wait_until(seen)
        for arm, decided in self._decisions(seen):
            arm.hear(decided)
        self._obeyed = seen
        if hourly:
            found = what_trends(self._stack.client, [arm.place.prefix for arm in self._arms])
            for arm in self._arms:
                arm.learn(found[arm.place.prefix])

    def _wait_until(self, minute: int) -> None:
        """Return when all minutes before this one are closed and visible for every arm."""
        wanted = {
            partition: arm.start_ms + min(minute, arm.minutes) * MINUTE_MS + DISORDER_MS
            for arm in self._arms
            for partition in arm.place.own
        }
        started_s = time.monotonic()
        while True:
            found = dict(self._stack.query(_CLOCKS))
            now_s = time.monotonic()
            if all(found.get(partition, 0) >= at_ms for partition, at_ms in wanted.items()):
                self.waited_s += now_s - started_s
                return
            if now_s - started_s > _STALL_S_MAX:
                raise Unavailable(f"the pipeline does not reach virtual minute {minute}")
            if now_s - self._checked_s > _CHECK_S:
                self._checked_s = now_s
                self._stack.check()
            time.sleep(_POLL_S)

    def _decisions(self, seen: int) -> list[tuple[Arm, list[Decided]]]:
        """Return what was decided in each arm since the last time.

        A hold that ends is known when the minute after it is closed, so the last closed minute is
        left for the next time.
        """
        spans = [
            (arm.start_ms + (self._obeyed - 1) * MINUTE_MS, arm.start_ms + (seen - 1) * MINUTE_MS)
            for arm in self._arms
        ]
        between = " OR ".join(
            f"(decided_at > fromUnixTimestamp64Milli({low}, 'UTC')"
            f" AND decided_at <= fromUnixTimestamp64Milli({high}, 'UTC'))"
            for low, high in spans
        )
        rows: list[Any] = self._stack.query(_DECISIONS.format(between=between))
        return [
            (arm, [Decided(*row) for row in rows if low < row[3] <= high])
            for arm, (low, high) in zip(self._arms, spans, strict=True)
        ]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
