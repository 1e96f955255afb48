"""Played worlds beside the real logs: each bound of the report holds, by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.reading import open_ledger
from scripts.world.assumptions import CONTROL, Assumptions
from scripts.world.reality import Likeness, likenesses
from scripts.world.sitting import plan, play
from scripts.world.weights import world_weights
from sinks.client import connect
from streams.config import load_settings

# Worlds as a report shows them, but for two days. So many that the rarest deed, a comment taken back,
# happens often enough for its bound. A longer delay of decisions makes fewer barriers: less time.
ASSUMED = replace(Assumptions(), days=2, decision_delay_min=60)
SEEDS = (1, 2, 3, 4)
NAMES = (
    *("views per impression", "completions per view", "seconds watched per view"),
    *("likes per view", "comments per view", "shares per view", "favorites per view"),
    *("follows per view", "profile views per view", "not interested per view"),
    *("un-likes per like", "un-favorites per favorite", "unfollows per follow"),
    *("deleted per comment", "share of the busiest hour"),
    *("impressions of the top 1 % of videos", "inequality of impressions (Gini)"),
)


def tell(done: float, events: int) -> None:
    """Nobody watches."""
    assert done >= 0 <= events


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Likeness]:
    """The figures of some worlds together, by name; the same in every run."""
    folder: Path = tmp_path_factory.mktemp("likeness") / "world"
    planned = plan(SEEDS, (CONTROL,), ASSUMED, world_weights(), partitions=len(SEEDS))
    play(folder, planned, tell)
    with open_ledger(folder, None) as url:
        client = connect(url, load_settings().database)
        try:
            found = likenesses(client, sum(arm.first_follows for arm in planned.arms))
        finally:
            client.close()
    return {one.name: one for one in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_bound_holds(figures: dict[str, Likeness], name: str) -> None:
    assert figures[name].holds, figures[name]


def test_every_bound_is_tested(figures: dict[str, Likeness]) -> None:
    assert tuple(figures) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_world_that_is_further_off_would_fail(figures: dict[str, Likeness], name: str) -> None:
    """The bounds are close: a few times the figure, either way, is beyond each."""
    one = figures[name]
    for world in (one.reality * one.times_max * 1.001, one.reality / one.times_max / 1.001, 0.0):
        assert not one._replace(world=world).holds
