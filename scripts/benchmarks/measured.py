"""From samples of a run to its figures.

Whole run: from the start of the process to the last event, so imports, joining the group and the
first touch of all memory are in it. Steady: between the first sample at or after 20 % of the events
and the last; where no sample lies between, the run was too short and steady is the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WARM_UP_SHARE = 0.2


class Sample(NamedTuple):
    """How far a run was: seconds since its start, events done, CPU seconds used."""

    at_s: float
    events: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What a stretch of a run came to."""

    events: int
    seconds: float
    events_per_s: float
    cpu_us_per_event: float


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `after` says when an event counts as done."""

    job: str
    after: str
    whole: Rate
    steady: Rate
    peak_rss_mb: float
    samples: tuple[Sample, ...]


def result_of(job: str, after: str, samples: Sequence[Sample], peak_rss_mb: float) -> Result:
    """Return the figures of a run whose samples end with its last event."""
    start, end = samples[0], samples[-1]
    warm = next((s for s in samples[:-1] if s.events >= WARM_UP_SHARE * end.events), start)
    return Result(
        job, after, _rate(start, end), _rate(warm, end), round(peak_rss_mb, 1), tuple(samples)
    )


def _rate(start: Sample, end: Sample) -> Rate:
    events, seconds = end.events - start.events, end.at_s - start.at_s
    cpu_us = (end.cpu_s - start.cpu_s) * 1e6
    return Rate(events, round(seconds, 3), round(events / seconds), round(cpu_us / events, 3))
