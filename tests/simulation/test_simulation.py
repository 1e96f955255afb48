"""Whatever happens on the way, the tables are those of the log; with a broken rule they are not."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.protocol import MARKERS, MUTATIONS, RIGHT, Protocol
from tests.simulation.small import small_pages
from tests.simulation.world import simulate

SEEDS = 120
MUTATION_SEEDS_MAX = 400


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> Iterator[None]:
    with small_pages():
        yield


@pytest.mark.parametrize(
    ("name", "protocol"),
    [("transactions", RIGHT), ("markers", MARKERS)],
    ids=["transactions", "markers"],
)
def test_the_tables_are_those_of_the_log_whatever_happens(
    name: str, protocol: Protocol, seed: int
) -> None:
    happened: Counter[str] = Counter()
    for number in range(seed, seed + SEEDS):
        outcome = simulate(number, protocol)
        again = f"python -m tests.simulation --protocol {name} --seed {number}"
        assert not outcome.problems, "\n".join([again, *outcome.problems])
        happened.update(outcome.happened)
    must = {"lost", "redelivered", "seek", "apply", "sliced", "watched", "crashed"}
    must |= {"crashed in a flush", "paused", "woke", "fenced", "kept", "gave up"}
    assert must <= happened.keys(), "what never happens is not tested"


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_gives_wrong_numbers(name: str) -> None:
    for seed in range(MUTATION_SEEDS_MAX):
        if is_noticed(seed, MUTATIONS[name]):
            assert not simulate(seed, MARKERS if "markers" in name else RIGHT).problems
            return
    pytest.fail(f"no seed of {MUTATION_SEEDS_MAX} notices that {name}")


def is_noticed(seed: int, protocol: Protocol) -> bool:
    """Tell whether the numbers are wrong, or a state contradicts itself before there are any."""
    try:
        return bool(simulate(seed, protocol).problems)
    except AssertionError:
        return True


def test_a_seed_replays_the_same_in_another_process(repository: Path) -> None:
    said = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seeds", "100:106"],
            cwd=repository,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout.splitlines()[-1])
    assert len(said) == 1, said
