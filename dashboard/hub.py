"""Reads ClickHouse for everybody who looks, and not at all when nobody does.

Every half second the small question whether the log was read further, so that an event is seen within two
seconds, of which the worker may take one; what has moved then, once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dashboard.movement import Movement
from dashboard.parameters import Ask
from dashboard.pulse import Pulse
from dashboard.queries import PULSE
from dashboard.reader import Reader, Row
from schemas.errors import EngageError, Refused

VIEWERS_MAX = 200
ASKS_MAX = 500  # distinct questions at a time: filters differ, viewers mostly do not
ANYWAY_S = 10.0  # some rows change without the log: settlements, lives that another worker closes
COST_SHARE = 3  # a question that takes t seconds is asked again after 3 t at the earliest
READINGS = (
    2  # rows are not written all at once: what a flush changed is read once more a second later
)
FRESH_S = 1.0
REST_S_MAX = 2.0
RANKS_KEPT_S = 300.0

_PULSE_ASK = Ask(PULSE, ())
_LOG = logging.getLogger("engage.dashboard")


@dataclass(eq=False)
class Viewer:
    """Somebody who looks: what was not sent to them yet, newest of each kind only."""

    asks: frozenset[Ask]
    _waiting: dict[str, bytes] = field(default_factory=dict)
    _something: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: bool = False

    def tell(self, name: str, frame: bytes) -> None:
        """Have a frame sent; it takes the place of an unsent one of that name."""
        self._waiting[name] = frame
        self._something.set()

    def dismiss(self) -> None:
        """End the frames."""
        self._gone = True
        self._something.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """What to send, as it comes."""
        while True:
            await self._something.wait()
            if self._gone:
                return
            self._something.clear()
            waiting, self._waiting = self._waiting, {}
            yield b"".join(waiting.values())


@dataclass
class _Answer:
    """The newest answer to a question, and when it may be asked again."""

    movement: Movement
    body: bytes = b""
    read_s: float = -1e9
    cost_s: float = 0.0
    running: bool = False
    owed: int = 0  # how often it is still to be read for what has changed


class Hub:
    """Shares one poll among all viewers. Use it inside one event loop."""

    def __init__(self, reader: Reader, *, interval_s: float = 0.5) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._viewers: set[Viewer] = set()
        self._answers: dict[Ask, _Answer] = {}
        self._pulse = Pulse()
        self._pulse_frame = b""
        self._pulse_s = -1e9
        self._newcomer = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._readings: set[asyncio.Task[None]] = set()

    def join(self, asks: Sequence[Ask]) -> Viewer:
        """Begin to look at some panels; `leave` ends it.

        Raises:
            Refused: too many look already.
        """
        wanted = self._wanted() | set(asks)
        if len(self._viewers) >= VIEWERS_MAX or len(wanted) > ASKS_MAX:
            raise Refused(f"{len(self._viewers)} viewers look at this dashboard already: try later")
        viewer = Viewer(frozenset(asks))
        self._viewers.add(viewer)
        if self._pulse.history:
            viewer.tell("history", frame("history", {"points": self._pulse.history}))
        if _age_s(self._pulse_s) <= FRESH_S:
            viewer.tell("pulse", self._pulse_frame)
        for ask in asks:
            answer = self._answers.get(ask)
            if answer and answer.body:
                viewer.tell(ask.query.name, _event("panel", answer.body))
        self._newcomer.set()
        if self._loop is None:
            self._loop = asyncio.create_task(self._watch())
            self._loop.add_done_callback(self._ended)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Stop looking; with the last viewer the polling ends."""
        self._viewers.discard(viewer)
        self._forget()
        if not self._viewers and self._loop is not None:
            self._loop.cancel()
            self._loop = None

    async def close(self) -> None:
        """Dismiss all viewers and stop polling."""
        tasks = [*self._readings, *([self._loop] if self._loop else [])]
        for viewer in self._viewers:
            viewer.dismiss()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, ask: Ask) -> bytes:
        """One panel's answer as JSON, at most a second old.

        Raises:
            EngageError: ClickHouse does not answer it.
        """
        kept = self._answers.get(ask)
        if kept and kept.body and _age_s(kept.read_s) <= FRESH_S:
            return kept.body
        return _body(ask, await self._reader.rows(ask), None)

    async def _watch(self) -> None:
        while True:
            began_s = time.monotonic()
            self._newcomer.clear()
            await self._tick()
            spent_s = time.monotonic() - began_s
            with contextlib.suppress(TimeoutError):  # a ClickHouse that is slow is asked less often
                async with asyncio.timeout(
                    max(self._interval_s - spent_s, min(spent_s, REST_S_MAX))
                ):
                    await self._newcomer.wait()

    async def _tick(self) -> None:
        """Read the pulse, tell it to everybody, and have read again what may have changed."""
        began_s = time.monotonic()
        if began_s - self._pulse_s > self._interval_s / 2:  # else a newcomer has woken us
            try:
                rows = await self._reader.rows(_PULSE_ASK)
            except EngageError as error:
                self._tell_all("pulse", frame("problem", {"message": str(error)}))
                return
            self._pulse_s = began_s
            told = self._pulse.take(rows, time.monotonic(), time.time_ns() // 1_000_000)
            self._pulse_frame = frame("pulse", told)
            if self._pulse.moved:
                for answer in self._answers.values():
                    answer.owed = READINGS
            self._tell_all("pulse", self._pulse_frame)
        for ask in self._wanted():
            answer = self._answers.setdefault(ask, _Answer(Movement(ask.query.compare_by)))
            if self._due(answer):
                answer.running = True
                answer.owed = max(0, answer.owed - 1)
                task = asyncio.create_task(self._read(ask, answer))
                self._readings.add(task)
                task.add_done_callback(self._readings.discard)

    def _ended(self, loop: asyncio.Task[None]) -> None:
        """Let the viewers come again when the polling broke: that begins it anew."""
        if loop.cancelled() or loop.exception() is None:
            return
        _LOG.error("the dashboard's polling broke", exc_info=loop.exception())
        self._loop = None
        for viewer in self._viewers:
            viewer.dismiss()

    def _due(self, answer: _Answer) -> bool:
        age_s = _age_s(answer.read_s)
        if answer.running or age_s < answer.cost_s * COST_SHARE:
            return False
        if not answer.body or age_s >= ANYWAY_S:
            return True
        return answer.owed > 0 and age_s > self._interval_s * 1.5  # every other tick

    async def _read(self, ask: Ask, answer: _Answer) -> None:
        began_s = time.monotonic()
        try:
            rows = await self._reader.rows(ask)
        except EngageError as error:
            trouble = {"panel": ask.query.name, "message": str(error)}
            self._tell_lookers(ask, frame("trouble", trouble))
            answer.body = b""
            return
        finally:
            answer.running = False
            answer.read_s = time.monotonic()
            answer.cost_s = answer.read_s - began_s
        ago_s = None
        if ask.query.compare_by:
            ago_s = answer.movement.tell(rows, answer.read_s)
        body = _body(ask, rows, ago_s)
        if self._answers.get(ask) is not answer:
            return  # nobody looks any more
        if body != answer.body:
            answer.body = body
            self._tell_lookers(ask, _event("panel", body))

    def _tell_all(self, name: str, message: bytes) -> None:
        for viewer in self._viewers:
            viewer.tell(name, message)

    def _tell_lookers(self, ask: Ask, message: bytes) -> None:
        for viewer in self._viewers:
            if ask in viewer.asks:
                viewer.tell(ask.query.name, message)

    def _wanted(self) -> set[Ask]:
        return {ask for viewer in self._viewers for ask in viewer.asks}

    def _forget(self) -> None:
        """Keep no answer that is not kept current; keep ranks to compare with a while longer."""
        for ask in self._answers.keys() - self._wanted():
            answer = self._answers[ask]
            answer.body, answer.cost_s = b"", 0.0
            if not ask.query.compare_by or _age_s(answer.read_s) > RANKS_KEPT_S:
                del self._answers[ask]


def frame(event: str, content: object) -> bytes:
    """A server-sent event."""
    return _event(event, msgspec.json.encode(content))


def _event(event: str, body: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + body + b"\n\n"


def _body(ask: Ask, rows: list[Row], compared_s: float | None) -> bytes:
    content: dict[str, Any] = {
        "panel": ask.query.name,
        "parameters": dict(ask.values),
        "rows": rows,
    }
    if ask.query.compare_by:
        content["compared_s"] = None if compared_s is None else round(compared_s, -1)
    return msgspec.json.encode(content)


def _age_s(at_s: float) -> float:
    return time.monotonic() - at_s
