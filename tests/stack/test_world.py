"""A world played twice: the same ledger, whatever the number of workers and whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.stack import Stack
from scripts.world.assumptions import CONTROL, Assumptions, Treatment
from scripts.world.outcomes import Outcome
from scripts.world.sitting import Plan, Played, plan, play
from scripts.world.weights import world_weights
from tests.stack.command import Engage

ASSUMED = replace(
    Assumptions(), users=70, creators=8, days=1, slots_per_day=25.0, decision_delay_min=40
)
LIKED = Treatment("likes x 3", like_factor=3.0)
KILLS_AFTER_S = (2.0, 6.0)
# An entry names what it is for; the id of a like would be a like's.
ENTRIES = """
SELECT count() AS entries, countIf(
    source NOT IN ('creator_fund', 'creator_rewards', 'brand_deal', 'gift', 'affiliate', 'sale')
        OR substring(reference, position(reference, ':') + 1) IN (SELECT event_id FROM engagements WHERE type = 'like')
) AS for_likes
FROM ledger FINAL
"""


def planned(seed: int) -> Plan:
    weights = world_weights(pools_divisor=20)
    return plan([seed], (CONTROL, LIKED), ASSUMED, weights, partitions=2)


def tell(done: float, events: int) -> None:
    """Nobody watches."""
    assert done >= 0 <= events


class Killer:
    """Kills a worker from another thread, again and again, while the world is played."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def __call__(self, stack: Stack) -> None:
        for after_s in KILLS_AFTER_S:
            timer = threading.Timer(after_s, self._kill, (stack,))
            timer.daemon = True
            timer.start()

    def _kill(self, stack: Stack) -> None:
        for pid in stack.supervisor.pids[:1]:
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)


@pytest.mark.parametrize("world", [7])
def test_the_same_ledger_whatever_happens(world: int, tmp_path: Path, engage: Engage) -> None:
    calm = play(tmp_path / "calm", planned(world), tell)
    killer = Killer()
    rough = play(tmp_path / "rough", planned(world), tell, processes=3, meanwhile=killer)
    assert killer.killed
    assert rough.ledger_digest == calm.ledger_digest
    assert rough.outcomes == calm.outcomes
    assert rough.messages == calm.messages
    assert "no difference" in engage("audit", "--data", tmp_path / "rough").ok().output
    liked_more(calm)
    (found,) = json.loads(
        engage("sql", ENTRIES, "--data", tmp_path / "rough", "--format", "JSON").ok().output
    )["data"]
    assert int(found["entries"]) > 0
    assert int(found["for_likes"]) == 0, "nothing is booked for a like"


def liked_more(played: Played) -> None:
    """Something happened: people watched, liked and paid; the treated were liked more."""

    def likes(treatment: str) -> int:
        return sum(chosen(one) for one in played.outcomes if one.treatment == treatment)

    def chosen(one: Outcome) -> int:
        return one.measures["likes"] if one.group == "chosen" else 0

    assert likes(LIKED.name) > likes(CONTROL.name) > 0
    assert all(one.measures["views"] > 0 for one in played.outcomes)
    assert any(one.measures["earnings"] > 0 for one in played.outcomes)
