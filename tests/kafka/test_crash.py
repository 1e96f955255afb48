"""The crash matrix in its short form: after whatever happened, the audit finds no difference.

The long form: python -m tests.crash --help
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from tests.crash import faults, scenarios
from tests.crash.rig import Rig

pytestmark = pytest.mark.slow

WORKERS = (1, 3)
SCENARIOS = (
    scenarios.kill_a_worker,
    scenarios.pause_a_worker,
    scenarios.end_a_worker,
    scenarios.kill_clickhouse,
    scenarios.kill_a_broker,
)

# Here the workers only see a server come back, whatever their number: with three of them partitions
# move as well, which one alone cannot show.
SERVERS = (
    scenarios.pause_clickhouse,
    scenarios.pause_clickhouse_and_kill_a_worker,
    scenarios.end_clickhouse,
    scenarios.pause_a_broker,
    scenarios.end_a_broker,
)

GetRig = Callable[[int], Rig]


@pytest.fixture(scope="module")
def rigs(kafka_possible: None) -> Iterator[dict[int, Rig]]:
    """The rigs that work; one that has failed is not used again."""
    opened: dict[int, Rig] = {}
    yield opened
    for rig in opened.values():
        rig.close()


@pytest.fixture
def get_rig(
    rigs: dict[int, Rig], run_seed: int, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Rig]:
    """A pipeline of some workers that goes on from test to test, for as long as it is exact."""

    def get(workers: int) -> Rig:
        for number, rig in list(rigs.items()):
            if number != workers or not rig.exact:
                rigs.pop(number).close()  # two cores are not enough for two
        if workers not in rigs:
            folder = tmp_path_factory.mktemp(f"rig-{workers}")
            rigs[workers] = Rig(folder, workers=workers, seed=run_seed)
        return rigs[workers]

    return get


@pytest.mark.parametrize(
    ("workers", "scenario"),
    [(workers, scenario) for workers in WORKERS for scenario in SCENARIOS]
    + [(max(WORKERS), scenario) for scenario in SERVERS],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_exact_after(workers: int, scenario: scenarios.Scenario, get_rig: GetRig) -> None:
    get_rig(workers).survive(scenario)


@pytest.mark.parametrize("workers", WORKERS)
def test_exact_after_exits_at_every_step(workers: int, run_seed: int, get_rig: GetRig) -> None:
    """Some here, the others with the other number of workers: more workers die side by side."""
    steps = random.Random(run_seed).sample(faults.STEPS, len(faults.STEPS))
    mine = steps[:3] if workers == 1 else steps[3:]
    get_rig(workers).survive(scenarios.die_at(*mine))


def test_exact_after_a_pause_inside_a_flush(rng: random.Random, get_rig: GetRig) -> None:
    step = rng.choice([step for step in faults.STEPS if step not in faults.TAKE_OVER])
    get_rig(3).survive(scenarios.pause_at(step))
