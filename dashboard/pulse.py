"""How fast the log is read: totals of all partitions, and their change over the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOTALS = ("messages", "counted", "duplicates", "suppressed", "late", "dead_letters")
RATE_SPAN_S = 5.0  # workers flush about once a second: a shorter span would show their beat
KEPT_S = 180.0
KEPT_MAX = 800


@dataclass(frozen=True)
class _Sample:
    at_s: float
    totals: dict[str, int]
    by_type: dict[str, int]


@dataclass
class Pulse:
    """Takes the rows of `partitions` as they are read, and tells what moved.

    Time is an argument: seconds of any clock that does not jump.
    """

    _samples: deque[_Sample] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _history: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _changed_clock_ms: int | None = None

    def take(self, rows: Sequence[Mapping[str, Any]], at_s: float, clock_ms: int) -> dict[str, Any]:
        """Remember a reading and return what the dashboard shows of it.

        `changed_ms` is the wall clock when a total last changed, as far as anybody looked.
        """
        sample = _Sample(at_s, _totals(rows), _by_type(rows))
        if self._samples and sample.totals != self._samples[-1].totals:
            self._changed_clock_ms = clock_ms
        self._samples.append(sample)
        while at_s - self._samples[0].at_s > KEPT_S:
            self._samples.popleft()
        before = self._before(at_s)
        rate = _rate(before, sample, "messages")
        self._history.append((clock_ms, round(rate, 1)))
        return {
            "clock_ms": clock_ms,
            "now_ms": max((row["max_event_time"] for row in rows), default=None),
            "changed_ms": self._changed_clock_ms,
            "per_second": rate,
            "totals": {name: str(total) for name, total in sample.totals.items()},
            "types": [
                {
                    "type": name,
                    "messages": str(total),
                    "per_second": _type_rate(before, sample, name),
                }
                for name, total in sorted(sample.by_type.items(), key=lambda item: -item[1])
            ],
            "partitions": [{name: row[name] for name in row if name != "by_type"} for row in rows],
            "workers": _workers(rows, clock_ms),
        }

    @property
    def history(self) -> list[tuple[int, float]]:
        """Wall clock (ms) and messages per second of the last minutes, as far as anybody looked."""
        if not self._history:
            return []
        from_ms = self._history[-1][0] - int(KEPT_S * 1000)
        return [point for point in self._history if point[0] >= from_ms]

    @property
    def moved(self) -> bool:
        """Whether the last reading differs from the one before it."""
        last = list(self._samples)[-2:]
        return len(last) < 2 or last[0].totals != last[1].totals

    def _before(self, at_s: float) -> _Sample:
        """The newest sample that is old enough to measure against, or the oldest there is."""
        for sample in reversed(self._samples):
            if at_s - sample.at_s >= RATE_SPAN_S:
                return sample
        return self._samples[0]


def _workers(rows: Sequence[Mapping[str, Any]], clock_ms: int) -> dict[str, Any] | None:
    """What waits, and for how long the partition that is silent longest has not been heard of.

    None where no worker ever told; `stopped` where all ended as they should.
    """
    told = [row for row in rows if row["beat_at"] > 0]
    if not told:
        return None
    return {
        "waiting": str(sum(int(row["waiting"]) for row in told)),
        "silent_ms": max(0, clock_ms - min(row["beat_at"] for row in told)),
        "stopped": all(row["stopped"] for row in told),
    }


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(int(row[name]) for row in rows) for name in (*TOTALS, "unknown_fields")}


def _by_type(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        for name, count in row["by_type"].items():
            found[name] = found.get(name, 0) + int(count)
    return found


def _rate(before: _Sample, now: _Sample, name: str) -> float:
    return _per_second(now.totals[name] - before.totals[name], now.at_s - before.at_s)


def _type_rate(before: _Sample, now: _Sample, name: str) -> float:
    return _per_second(now.by_type[name] - before.by_type.get(name, 0), now.at_s - before.at_s)


def _per_second(difference: int, span_s: float) -> float:
    # A topic that was made anew begins again at 0: nothing flows backwards.
    return round(max(0, difference) / span_s, 1) if span_s > 0 else 0.0
