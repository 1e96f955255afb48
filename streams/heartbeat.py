"""Tells ClickHouse every few seconds which partitions this worker reads, and what waits in them.

The rows of a flush cannot tell it: where no events come there are none, and from a worker that died
neither. No count depends on a beat; one that cannot be written is left out.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from schemas.errors import EngageError
from sinks.writer import Writer

log = logging.getLogger("engage.heartbeat")

BEAT_EVERY_S = 3.0
WRITE_S_MAX = 5.0
LAST_S_MAX = 2.0  # a ClickHouse that hangs does not hold up the end
Waiting = Mapping[tuple[str, int], int]  # messages not applied yet, by topic and partition


class Heart:
    """Beats from a thread of its own, because the event loop may be what is stuck."""

    def __init__(self, url: str, database: str, waiting: Callable[[], Waiting]) -> None:
        self._writer = Writer(url, database, timeout_s=WRITE_S_MAX)
        self._waiting = waiting
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    def start(self) -> None:
        """Beat until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Say with a last beat that this worker stops as it should; wait for it a moment."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(LAST_S_MAX)

    def beat(self, *, stopped: bool = False) -> None:
        """Write one row for each partition that is owned now."""
        try:
            waiting = dict(self._waiting())
            if waiting:
                self._writer.write("heartbeats", _columns(waiting, stopped=stopped))
        except RuntimeError as error:  # partitions came or went while they were looked at
            log.debug("no heartbeat: %s", error)
        except EngageError as error:
            log.info("no heartbeat: %s", error)

    def _beat_on(self) -> None:
        self.beat()
        while not self._ended.wait(BEAT_EVERY_S):
            self.beat()
        self.beat(stopped=True)
        self._writer.close()


def _columns(waiting: Waiting, *, stopped: bool) -> list[list[str] | list[int]]:
    now_ms = time.time_ns() // 1_000_000
    return [
        [topic for topic, _ in waiting],
        [partition for _, partition in waiting],
        [now_ms] * len(waiting),
        list(waiting.values()),
        [int(stopped)] * len(waiting),
        [now_ms] * len(waiting),
    ]
