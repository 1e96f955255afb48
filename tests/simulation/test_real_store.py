"""The real Pipeline and CheckpointStore under the same chaos: the tables are those of the log."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from streams import pipeline
from streams.changelog import PartitionLog
from streams.source import Verdict
from tests.simulation.protocol import MARKERS, RIGHT, Protocol
from tests.simulation.real_process import RealProbe
from tests.simulation.real_world import simulate_real
from tests.simulation.small import small_pages

SEEDS = 80
MUTATION_SEEDS_MAX = 300


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # dying a hundred times is what is wanted here
    with small_pages():
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("name", "protocol"),
    [("transactions", RIGHT), ("markers", MARKERS)],
    ids=["transactions", "markers"],
)
def test_the_tables_are_those_of_the_log_whatever_happens_to_the_real_store(
    name: str, protocol: Protocol, seed: int
) -> None:
    happened: Counter[str] = Counter()
    for number in range(seed, seed + SEEDS):
        outcome = simulate_real(number, protocol)
        again = f"python -m tests.simulation --real --protocol {name} --seed {number}"
        assert not outcome.problems, "\n".join([again, *outcome.problems])
        happened.update(outcome.happened)
    must = {"lost", "redelivered", "crashed", "died between blocks", "paused", "woke", "away"}
    fenced = "exit: ProducerFenced" if protocol.transactions else "exit: Fenced"
    assert must | {fenced} <= happened.keys(), "what never happens is not tested"


async def _always_apply(probe: RealProbe, tp: object, next_offset: int, begins: int) -> Verdict:
    return Verdict.APPLY


def _no_slices(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pipeline, "slice_run", lambda run, _: run)


def _guessed_holes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RealProbe, "check_gap", _always_apply)


def _all_pages(patch: pytest.MonkeyPatch) -> None:
    read = PartitionLog.read

    def read_unclosed(
        log: PartitionLog, offset: int, key: bytes, value: bytes | None, *, marked: bool
    ) -> None:
        read(log, offset, key, value, marked=marked)
        closed, log._unclosed = log._unclosed, []
        for page_key, page in closed:
            log._apply(page_key, page)

    patch.setattr(PartitionLog, "read", read_unclosed)


@pytest.mark.parametrize(
    ("break_it", "protocol"),
    [(_no_slices, RIGHT), (_guessed_holes, RIGHT), (_all_pages, MARKERS)],
    ids=["no slices", "guessed holes", "unclosed pages are taken"],
)
def test_a_broken_store_gives_wrong_numbers(
    break_it: Callable[[pytest.MonkeyPatch], None], protocol: Protocol
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_it(patch)
        outcomes = (simulate_real(seed, protocol) for seed in range(MUTATION_SEEDS_MAX))
        assert any(outcome.problems for outcome in outcomes)
