"""What the dashboard asks about simulated experiments; apart, for nothing else reads their table."""

from __future__ import annotations

from dashboard.parameters import Query

EXPERIMENTS = Query(
    "experiments",
    "What simulated experiments found: the change that each treatment made, with its 95 % interval.",
    """
    SELECT experiment, question, treatment, group_name, measure, weights, seeds, control_mean, change,
        change_low, change_high, has_ratio, per_1000_likes, per_1000_low, per_1000_high
    FROM experiments FINAL
    ORDER BY experiment, treatment, group_name, measure
    LIMIT 2000
    """,
)
