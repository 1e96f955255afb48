"""Plays arms on the embedded stack, in waves, settles them, and reads what came of it.

Each arm of a wave has a partition of its own, and every arm days of its own: no pool, no daily fund, no
clock is shared. The next wave uses the same partitions and later days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from schemas.weights import Weights
from schemas.weights_text import text_of
from scripts.interrupts import run_async
from scripts.progress import ProgressUpdate
from scripts.run import drain, settle
from scripts.stack import Stack
from scripts.world.arm import MINUTES_A_DAY, Arm
from scripts.world.assumptions import Assumptions, Treatment
from scripts.world.outcomes import CHOSEN, Grouping, Outcome, outcomes
from scripts.world.places import Place
from scripts.world.stage import Stage
from streams.config import DAY_MS, Settings, load_settings

PARTITIONS = 16
SPARE_DAYS = 2  # between two arms: what an arm's orders need to be settled
_FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
_RATES = Path(__file__).resolve().parents[2] / "samples" / "rates.toml"
_LEDGER = """
SELECT entry_id, toUnixTimestamp64Milli(occurred_at), creator_id, source, state, amount_micros,
    currency, reference, rate_version
FROM earnings_ledger
ORDER BY ALL
"""
_ENTRIES = "SELECT source, count() FROM earnings_ledger GROUP BY source ORDER BY source"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played, and under which weights."""

    arms: list[Arm]
    assumed: Assumptions
    weights: Weights
    partitions: int

    @property
    def minutes_a_wave(self) -> int:
        """Virtual minutes."""
        return self.assumed.days * MINUTES_A_DAY

    @property
    def minutes(self) -> int:
        """Virtual minutes of all waves, for progress."""
        return self.minutes_a_wave * len(list(self.waves()))

    def waves(self) -> Iterator[list[Arm]]:
        """Yield the arms that are played together."""
        for start in range(0, len(self.arms), self.partitions):
            yield self.arms[start : start + self.partitions]


@dataclass(frozen=True, slots=True)
class Played:
    """What a sitting came to.

    Of its time, `told_s` went into making up what happens, `waited_s` into waiting until that was counted.
    `entries` are those of the ledger, by source.
    """

    outcomes: list[Outcome]
    messages: int
    ledger_digest: str
    entries: dict[str, int]
    told_s: float
    waited_s: float


def plan(
    seeds: Iterable[int],
    treatments: Sequence[Treatment],
    assumed: Assumptions,
    weights: Weights,
    partitions: int = PARTITIONS,
) -> Plan:
    """Plan an arm for each seed and treatment, each in its own place and time."""
    first_ms = int(_FIRST_DAY.timestamp()) * 1_000
    ranking = weights.ranking(first_ms)
    assert ranking is not None, "the shipped weights are valid from 2016 on"
    wanted = [(seed, treatment) for seed in seeds for treatment in treatments]
    alone = len(wanted) == 1
    arms = [
        Arm(
            seed,
            treatment,
            assumed,
            ranking.model.pools,
            Place(
                f"w{number}",
                tuple(range(partitions)) if alone else (number % partitions,),
                partitions,
            ),
            first_ms + number * (assumed.days + SPARE_DAYS) * DAY_MS,
        )
        for number, (seed, treatment) in enumerate(wanted)
    ]
    return Plan(arms, assumed, weights, partitions)


def play(
    data: Path,
    plan: Plan,
    tell: ProgressUpdate,
    *,
    processes: int = 1,
    grouping: Grouping = CHOSEN,
    meanwhile: Callable[[Stack], None] | None = None,
) -> Played:
    """Play all arms in a new folder and keep the results there.

    `meanwhile` is called with the running stack before each wave. `tell` hears virtual minutes.
    """
    delay_min = plan.assumed.decision_delay_min
    with Stack(data, _settings(data, plan), processes=processes) as stack:
        messages = minutes = 0
        told_s = waited_s = 0.0
        for wave in plan.waves():
            if meanwhile is not None:
                meanwhile(stack)
            told = _added(tell, minutes, messages)
            stage = Stage(stack, wave, delay_min)
            messages += run_async(stage.play(told))
            minutes += plan.minutes_a_wave
            told_s, waited_s = told_s + stage.told_s, waited_s + stage.waited_s
        run_async(Stage(stack, plan.arms, delay_min).end())
        drain(stack)
        settle(stack)
        found = outcomes(stack.client, plan.arms, grouping)
        digest = _digest(stack)
        entries = dict(stack.query(_ENTRIES))
        stack.finish()
    return Played(found, messages, digest, entries, told_s, waited_s)


def _added(tell: ProgressUpdate, minutes: int, messages: int) -> ProgressUpdate:
    def told(done: float, events: int) -> None:
        tell(minutes + done, messages + events)

    return told


def _settings(data: Path, plan: Plan) -> Settings:
    data.mkdir(parents=True, exist_ok=True)
    path = data / "world-weights.toml"
    path.write_text(text_of(plan.weights))
    return load_settings().with_(
        weights=str(path),
        rates=str(_RATES),
        partitions=plan.partitions,
        flush_interval_ms=50,  # the world waits for what is visible
        checkpoint_interval_ms=2_000,
        idle_tick_s=0,  # event time is the world's, not this machine's
    )


def _digest(stack: Stack) -> str:
    """Return a digest of the whole ledger: equal runs have equal ones."""
    found = blake2b(digest_size=16)
    for row in stack.query(_LEDGER):
        found.update(repr(row).encode())
    return found.hexdigest()
