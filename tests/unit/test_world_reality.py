"""How alike a world and the real logs are: the arithmetic of bounds, and figures of very small worlds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from scripts.world.assumptions import CONTROL, Assumptions, Treatment
from scripts.world.reality import Likeness, gini, likenesses
from tests.dashboard_rows import partition
from tests.unit.clickhouse_rows import Tables, video
from tests.unit.test_world import arm, counts, told


@pytest.mark.parametrize(
    ("world", "holds"),
    [(0.02, True), (0.04, True), (0.01, True), (0.041, False), (0.0098, False), (0.0, False)],
)
def test_a_bound_is_a_ratio_either_way(world: float, holds: bool) -> None:
    assert Likeness("likes per view", world, 0.02, 2.0, "[PURE]").holds is holds


def test_a_world_of_other_assumptions_breaks_a_bound() -> None:
    """Everybody's videos liked three times as readily: no longer within twice the real rate."""
    everybody = replace(Assumptions(), users=300, creators=30, days=1, chosen_share=1.0)

    def likes_per_view(treatment: Treatment) -> Likeness:
        found = counts(told(arm(treatment, assumed=everybody)))
        return Likeness("likes per view", found["like"] / found["view"], 0.029, 2.0, "[PURE]")

    assert likes_per_view(CONTROL).holds
    assert not likes_per_view(Treatment("x", like_factor=3.0)).holds


def test_gini_of_known_amounts() -> None:
    assert gini([5, 5, 5, 5]) == 0
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([1, 3]) == pytest.approx(0.25)
    assert gini([]) == 0


@pytest.mark.stack
def test_a_world_without_any_shares_is_reported_too(client: Client, tables: Tables) -> None:
    by_type = {"impression": 10, "view": 9, "like": 1}
    tables.write("partitions", partition(0, 100, by_type=by_type))
    tables.write("video_totals", video("v1", impressions=10, views=9, watch_ms=9_000))
    found = {one.name: one for one in likenesses(client, 0)}
    assert found["views per impression"].world == pytest.approx(0.9)
    assert found["shares per view"].world == 0
    assert not found["shares per view"].holds
    assert not found["deleted per comment"].holds
