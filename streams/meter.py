"""What a worker counts about itself: plain numbers, touched once per run or flush, never per event.

Nothing here knows how they are exposed (streams/exposition.py), and nothing that is counted depends
on them. Another thread reads them while the worker writes: each is a number or a Counter that only
grows, so a reader sees a value of a moment ago, never half a value.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from streams.values import DeadMessage

FLUSH_BOUNDS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
FATES = ("duplicates", "suppressed", "late", "dead_letters")


class Meter:
    """Counts of one process since its start."""

    def __init__(self) -> None:
        self.stage_events: Counter[tuple[str, str]] = Counter()  # by (topic, stage)
        self.stage_seconds: dict[str, float] = {}
        self.events: Counter[tuple[str, str]] = Counter()  # by (topic, fate)
        self.dead_letters: Counter[tuple[str, str]] = Counter()  # by (topic, reason)
        self.rows: Counter[str] = Counter()  # by table
        self.flushes = [0] * (len(FLUSH_BOUNDS_S) + 1)  # by the first bound not below the time
        self.flush_seconds = 0.0

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage, also when it raises."""
        began_s = perf_counter()
        try:
            yield
        finally:
            self.took(stage, perf_counter() - began_s)

    def took(self, stage: str, seconds: float) -> None:
        """Add time to a stage."""
        self.stage_seconds[stage] = self.stage_seconds.get(stage, 0.0) + seconds

    def flushed(self, seconds: float) -> None:
        """Count a flush that wrote something."""
        self.flushes[bisect_left(FLUSH_BOUNDS_S, seconds)] += 1
        self.flush_seconds += seconds

    def fates(self, topic: str, told: Counter[str], counts: Mapping[str, int]) -> None:
        """Count what became of messages since `told`, which becomes what is told now."""
        new = {name: counts.get(name, 0) - told[name] for name in ("messages", *FATES)}
        new["counted"] = new.pop("messages") - sum(new[name] for name in FATES)
        for fate, messages in new.items():
            self.events[topic, fate] += messages
        told.clear()
        told.update(counts)

    def refused(self, topic: str, dead: Iterable[DeadMessage]) -> None:
        """Count refused messages by reason."""
        for message in dead:
            self.dead_letters[topic, str(message.failure.reason)] += 1
