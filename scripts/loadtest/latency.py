"""From acknowledgements and positions seen to latencies and backlog; pure.

A record's latency is the time from when it was due, not from when it was sent, to the first look that
found it visible in ClickHouse: waiting in the sender counts (no coordinated omission), and the look's
own distance (`LOOK_EVERY_S`) is in it. All records of a batch are given the time of its oldest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scripts.sending import Ack

GROWTH_SHARE_MAX = 0.05  # of the rate: a backlog that grows by more is one that grows
CALM_BACKLOG_S = 2.0  # what rows and flushes of a second hold back anyway

Place = tuple[str, int]  # topic, partition


class Look(NamedTuple):
    """Which positions were visible when an answer came back."""

    at_ms: float
    positions: Mapping[Place, int]


class Latency(NamedTuple):
    """Of one batch: when it was due, how long until it was visible, how many records it has."""

    due_ms: float
    took_ms: float
    records: int


def latencies(
    acks: Sequence[Ack], looks: Sequence[Look], origin_ms: float, rate: float
) -> tuple[list[Latency], int]:
    """Return the latency of each batch, and how many records were never seen."""
    seen: dict[Place, list[int]] = {}
    for ack in acks:
        place = (ack.topic, ack.partition)
        if place not in seen:
            seen[place] = [look.positions.get(place, 0) for look in looks]
    found, missing = [], 0
    for ack in acks:
        at = bisect_left(seen[ack.topic, ack.partition], ack.end)
        if at == len(looks):
            missing += ack.records
            continue
        due_ms = origin_ms + 1000 * ack.first / rate
        found.append(Latency(due_ms, looks[at].at_ms - due_ms, ack.records))
    return sorted(found), missing


def percentile(found: Sequence[Latency], share: float) -> float:
    """Return the latency, in ms, that this share of the records does not exceed."""
    ordered = sorted(found, key=lambda each: each.took_ms)
    wanted, total = share * sum(each.records for each in ordered), 0
    for each in ordered:
        total += each.records
        if total >= wanted:
            return each.took_ms
    return 0.0


class Backlog:
    """How many records were due and not visible, at any look."""

    def __init__(
        self, acks: Sequence[Ack], looks: Sequence[Look], origin_ms: float, rate: float, sent: int
    ) -> None:
        by_place: dict[Place, tuple[list[int], list[int]]] = {}
        for ack in sorted(acks, key=lambda each: each.end):
            ends, totals = by_place.setdefault((ack.topic, ack.partition), ([], [0]))
            ends.append(ack.end)
            totals.append(totals[-1] + ack.records)
        self._times = [look.at_ms for look in looks]
        self._values = []
        for look in looks:
            visible = sum(
                totals[bisect_right(ends, look.positions.get(place, 0))]
                for place, (ends, totals) in by_place.items()
            )
            due = min(float(sent), max(0.0, (look.at_ms - origin_ms) * rate / 1000))
            self._values.append(max(0.0, due - visible))

    def mean(self, from_ms: float, to_ms: float) -> float:
        """Return the mean over the looks in a time; 0 where nobody looked."""
        values = self._values[bisect_left(self._times, from_ms) : bisect_left(self._times, to_ms)]
        return sum(values) / len(values) if values else 0.0

    def back_at_ms(self, after_ms: float, most: float) -> float | None:
        """Return the first look after a time from which on the backlog is not above `most` again."""
        back: float | None = None
        for at_ms, value in zip(self._times, self._values, strict=True):
            if at_ms < after_ms:
                continue
            if value > most:
                back = None
            elif back is None:
                back = at_ms
        return back

    def most(self, from_ms: float, to_ms: float) -> float:
        """Return the highest backlog in a time."""
        return max(
            (v for t, v in zip(self._times, self._values, strict=True) if from_ms <= t < to_ms),
            default=0.0,
        )


def grows(backlog: Backlog, origin_ms: float, duration_s: float, rate: float) -> bool:
    """Tell whether the backlog grew over the second half of a step."""
    half, quarter = duration_s * 500, duration_s * 250
    third = backlog.mean(origin_ms + half, origin_ms + half + quarter)
    fourth = backlog.mean(origin_ms + half + quarter, origin_ms + 2 * half)
    growth = (fourth - third) / (duration_s / 4)  # records per second
    return growth > GROWTH_SHARE_MAX * rate and fourth > CALM_BACKLOG_S * rate
