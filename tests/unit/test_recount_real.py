"""The recount of a real log gives the answers known of it."""

from collections import Counter
from pathlib import Path

import pytest

from scripts.logs import Arrival, open_log
from scripts.recount import recount
from scripts.recount.checks import windows_of
from scripts.recount.model import DAY_MS
from tests.oracle import records_from_lines
from tests.oracle.logs import rules

KNOWN = {
    "impressions": 91_805,
    "views": 82_024,
    "watch_ms": 2_016_922_043,
    "likes": 1_602,
    "follows": 126,
    "comments": 216,
    "shares": 76,
    "not_interested": 63,
    "profile_views": 1_825,
}
LIKES_PER_DAY = [31, 265, 205, 216, 224, 294, 367]
MOST_EXPOSED = [("2630", 664), ("2303", 612), ("5239", 561), ("1725", 436), ("6921", 418)]
MOST_LIKED = [("4640", 23), ("2594", 17), ("5239", 15), ("3670", 14), ("2303", 13)]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("arrival", ["file", "log-hour"])
def test_the_known_answers(data_dir: Path, arrival: Arrival) -> None:
    log = open_log(data_dir / "kuairand_log.csv.gz", "kuairand", arrival)
    expected = recount(records_from_lines((r.value for r in log.records()), 4), rules())
    totals: Counter[str] = Counter()
    for counts in expected.engagement_1m.values():
        totals.update(counts)
    assert {name: totals[name] for name in KNOWN} == KNOWN
    likes: Counter[int] = Counter()
    for (day_ms, _, _), counts in windows_of(expected.engagement_1m, DAY_MS).items():
        likes[day_ms] += counts.get("likes", 0)
    assert [likes[day_ms] for day_ms in sorted(likes)] == LIKES_PER_DAY
    rows = expected.videos
    assert (len(rows), len(expected.creators)) == (5_564, 5_020)
    assert sum(int(str(row["net_likes"])) for row in rows.values()) == 1_594
    for column, known in (("impressions", MOST_EXPOSED), ("likes", MOST_LIKED)):
        found = Counter({name: int(str(row[column])) for name, row in rows.items()})
        assert {name: found[name] for name, _ in known} == dict(known)
        assert [number for _, number in found.most_common(5)] == [number for _, number in known]
    assert not expected.late_events
    assert not expected.dead_letters
