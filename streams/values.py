"""Values that pass between the stages: runs in, rows and rules out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.failures import Failure
from schemas.rates import Rates, Weights


class Run(NamedTuple):
    """Consecutive records of one partition, column by column."""

    offsets: Sequence[int]
    timestamps: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that results depend on; part of what a replay must keep the same."""

    rates: Rates
    weights: Weights
    region: str = "US"
    horizon_ms: int = 86_400_000
    disorder_ms: int = 10_000
    streak_timeout_ms: int = 60_000
    ahead_ms_max: int = 300_000
    pane_keep_ms: int = 900_000


class LateEvent(NamedTuple):
    """An event that came after the horizon."""

    offset: int
    type: str
    kind: str
    subject_id: str
    event_time_ms: int


class DeadMessage(NamedTuple):
    """A message that cannot be processed, with its raw bytes."""

    offset: int
    recorded_at_ms: int
    key: bytes | None
    raw: bytes | None
    failure: Failure
    event_time_ms: int | None


class Entry(NamedTuple):
    """One ledger entry; its content is decided once and never changes."""

    offset: int
    entry_id: str
    occurred_at_ms: int
    creator_id: str
    source: str
    state: str
    amount_micros: int
    reference: str
    rate_version: str
    reason: str
