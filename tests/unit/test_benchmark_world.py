"""What the benchmark of a virtual week writes down."""

from __future__ import annotations

from scripts.benchmarks.world_week import Parts, report_of
from scripts.world.assumptions import Assumptions
from scripts.world.sitting import Played


def test_the_report_says_what_was_played_and_where_the_time_went() -> None:
    heard = []
    parts = Parts()
    parts.watching(lambda done, events: heard.append((done, events)))(5.0, 100)
    assert heard == [(5.0, 100)]
    cpu, peak_mb = parts.found["world"]
    assert cpu > 0
    assert peak_mb > 1
    played = Played([], 3_000_000, "abc", {"gift": 40, "sale": 2}, told_s=60.0, waited_s=200.0)
    text = report_of(Assumptions(), 7, played, 300.0, parts, 0.25)
    for line in (
        "| events | 3,000,000 |",
        "| ledger entries | 42 |",
        "| events/s | 10,000 |",
        "| it waited until that was counted | 200 s |",
        "| start, sending, reading decisions and trends, settlement | 40 s |",
    ):
        assert line in text
    assert "load average before and after: 0.25" in text
