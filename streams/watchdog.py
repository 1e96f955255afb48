"""Notices a worker that does not move although there is work, and writes down where it stands.

A thread of its own looks, because the event loop may be what is stuck. It reads numbers that the loop
writes and changes nothing. Waiting for ClickHouse is also no progress: the dump then says where it
waits. Once per standstill all tasks' and all threads' stacks go into the log, as one record; nothing is
ended, for a process that waits would lose its warm state for nothing. Readiness and the alert tell people.
"""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

log = logging.getLogger("engage.watchdog")

LOOK_EVERY_S = 1.0
TASK_FRAMES_MAX = 30
_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_AWAITS = ("cr_await", "gi_yieldfrom", "ag_await")


class Glance(NamedTuple):
    """What a look finds: is there work, and a value that changes whenever something moves."""

    work: bool
    progress: Hashable


class Watchdog:
    """Looks every second; `after_s` without progress is a standstill."""

    def __init__(
        self,
        glance: Callable[[], Glance],
        after_s: float,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._glance = glance
        self._after_s = after_s
        self._loop = loop
        self._last: Hashable = None
        self._since_s = time.monotonic()
        self._dumped = False
        self._ended = threading.Event()
        self.stuck_s = 0.0
        self.dumps = 0

    @property
    def is_stuck(self) -> bool:
        """Tell whether the standstill is long enough."""
        return self.stuck_s >= self._after_s

    def start(self) -> None:
        """Look from a thread until `stop`."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the thread at its next look."""
        self._ended.set()

    def look(self, now_s: float) -> None:
        """Take one look; `now_s` is of a monotonic clock."""
        glance = self._glance()
        if not glance.work or glance.progress != self._last:
            self._last, self._since_s, self._dumped = glance.progress, now_s, False
        self.stuck_s = now_s - self._since_s if glance.work else 0.0
        if self.stuck_s >= self._after_s and not self._dumped:
            self._dumped = True
            self.dumps += 1
            log.critical(
                "no progress for %.0f s although there is work\n%s", self.stuck_s, self.stacks()
            )

    def stacks(self) -> str:
        """Return where every task of the event loop waits, and where every thread is."""
        lines = []
        for task in asyncio.all_tasks(self._loop) if self._loop else ():
            lines.append(f"Task {task.get_name()}, outermost first:")
            lines += [f"  {place}" for place in _awaited(task.get_coro())]
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            lines.append(f"Thread {names.get(ident, ident)}, outermost first:")
            lines += [line.rstrip() for line in traceback.format_stack(frame)]
        return "\n".join(lines)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                self.look(time.monotonic())
            except RuntimeError as error:  # a collection changed while it was walked: look again
                log.debug("the watchdog's look failed: %s", error)


def _awaited(waiting: Any) -> Iterator[str]:
    """Yield where a coroutine and what it awaits are suspended; Task.get_stack knows the first only."""
    for _ in range(TASK_FRAMES_MAX):
        frame = next((f for f in (getattr(waiting, n, None) for n in _FRAMES) if f), None)
        if frame is None:
            return
        yield f'File "{frame.f_code.co_filename}", line {frame.f_lineno} in {frame.f_code.co_name}'
        waiting = next((w for w in (getattr(waiting, n, None) for n in _AWAITS) if w), None)
