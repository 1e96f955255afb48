"""Strategies for logs, rules and cuts; shared by the properties of the core."""

from random import Random

from hypothesis import strategies as st

from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS
from tests.simulation.ruleset import RuleSet, rule_set
from tests.simulation.story import AHEAD_MS, BEHIND_MS, KINDS, TWISTS, Step

HORIZONS_MS = (DAY_MS, 2 * HOUR_MS)
PANES_KEPT_MS = (15 * MINUTE_MS, MINUTE_MS)

# what interacts most comes often
_OFTEN = ("view", "like", "gift", "invalidate", "copy", "video_published")

steps = st.builds(
    Step,
    kind=st.one_of(st.sampled_from(_OFTEN), st.sampled_from(KINDS), st.sampled_from(TWISTS)),
    subject=st.integers(0, 3),
    user=st.integers(0, 2),
    ahead_ms=st.sampled_from(AHEAD_MS),
    behind_ms=st.sampled_from(BEHIND_MS),
    pick=st.integers(0, 40),
    detail=st.integers(0, 1 << 12),
)
logs = st.lists(steps, min_size=1, max_size=40)
rule_sets = st.builds(
    rule_set,
    horizon_ms=st.sampled_from(HORIZONS_MS),
    pane_keep_ms=st.sampled_from(PANES_KEPT_MS),
    threshold_views=st.sampled_from((1, 2)),
    backlog=st.booleans(),
    free_gifts=st.booleans(),
    price_list=st.booleans(),
)
chances = st.integers(0, 1 << 32).map(Random)


def random_rules(rng: Random) -> RuleSet:
    """Return rules drawn from a generator."""
    return rule_set(
        horizon_ms=rng.choice(HORIZONS_MS),
        pane_keep_ms=rng.choice(PANES_KEPT_MS),
        threshold_views=rng.choice((1, 2)),
        backlog=rng.random() < 0.5,
        free_gifts=rng.random() < 0.5,
        price_list=rng.random() < 0.3,
    )
