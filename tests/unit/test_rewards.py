"""What a video's qualified views of each day are estimated to earn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rates import RewardsRate
from streams.rewards import daily_amounts, eligible, money_micros, payable_views
from streams.subjects import Published
from tests.oracle.events import DAY_MS, T0_MS, event, invalidated
from tests.simulation.core import core_of
from tests.simulation.ruleset import rule_set
from tests.simulation.tables import Tables

EXCESS, BACKLOG = rule_set().pipeline.rates, rule_set(backlog=True).pipeline.rates
DAY = T0_MS // DAY_MS
PUBLISHED = Published(0, "p", "c", 60_000, "", (), "", "", True, False, (), ())


def rate(variant_rates: object = EXCESS) -> RewardsRate:
    found = (EXCESS if variant_rates is EXCESS else BACKLOG).rewards(T0_MS, "US")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("views", "excess", "backlog"), [(0, 0, 0), (1, 0, 0), (2, 0, 2), (5, 3, 5)]
)
def test_views_below_the_threshold_are_not_paid(views: int, excess: int, backlog: int) -> None:
    assert payable_views(views, rate(EXCESS)) == excess
    assert payable_views(views, rate(BACKLOG)) == backlog


def test_money_is_rounded_down_on_the_running_total() -> None:
    assert [money_micros(views, rate()) for views in (0, 1, 2, 1_000)] == [0, 400, 800, 400_001]


@pytest.mark.parametrize(
    ("published", "may"),
    [
        (None, False),
        (PUBLISHED, True),
        (PUBLISHED._replace(is_original=False), False),
        (PUBLISHED._replace(is_promoted=True), False),
        (PUBLISHED._replace(duration_ms=59_999), False),
    ],
)
def test_only_original_unpromoted_videos_of_a_minute_earn(
    published: Published | None, *, may: bool
) -> None:
    assert eligible(published, rate()) is may
    amounts = daily_amounts({DAY: 9}, published, EXCESS, "US")
    assert (amounts[DAY][0] > 0) is may


@given(st.dictionaries(st.integers(DAY, DAY + 9), st.integers(0, 5_000), max_size=6), st.booleans())
def test_the_days_of_one_rate_add_up_to_the_whole(days: dict[int, int], backlog: bool) -> None:
    rates = BACKLOG if backlog else EXCESS
    amounts = daily_amounts(days, PUBLISHED, rates, "US")
    whole = money_micros(payable_views(sum(days.values()), rate(rates)), rate(rates))
    assert sum(micros for micros, _ in amounts.values()) == whole
    assert all(micros >= 0 for micros, _ in amounts.values())


def test_each_day_has_the_rate_of_its_start() -> None:
    amounts = daily_amounts({DAY - 1: 3, DAY: 1}, PUBLISHED, EXCESS, "US")
    assert amounts == {DAY - 1: (1_234, "r-1"), DAY: (800 - 400, "r-2")}


def test_a_region_may_have_its_own_rate() -> None:
    assert daily_amounts({DAY: 1_003}, PUBLISHED, EXCESS, "DE") == {DAY: (9, "r-de")}


def test_a_day_without_a_rate_earns_nothing() -> None:
    assert daily_amounts({0: 9}, PUBLISHED, EXCESS, "US") == {0: (0, "")}


# with the state around it


def estimates(*parts: list[dict[str, object]]) -> dict[str, int]:
    """Return what stands after the log was flushed at the end of each part."""
    core, tables = core_of(*parts[0], rules=rule_set().pipeline), Tables()
    tables.write_all(core.flush())
    for end in range(2, len(parts) + 1):
        log = [made for part in parts[:end] for made in part]
        tables.write_all(core_of(*log, rules=rule_set().pipeline).flush())
    return {row["entry_id"][-10:]: row["amount_micros"] for row in tables.rows("estimates")}


def views(number: int, at: int = 0) -> list[dict[str, object]]:
    return [event("view", user_id=f"{at}-{n}", at=at) for n in range(number)]


def test_a_publication_that_comes_late_brings_the_money_of_all_days() -> None:
    found = estimates([*views(3), *views(2, DAY_MS)], [event("video_published")])
    assert found == {"2024-03-01": 400, "2024-03-02": 800}


def test_an_early_view_that_comes_late_moves_the_money_of_the_days_after_it() -> None:
    log = [event("video_published"), *views(1), *views(3, DAY_MS)]
    assert estimates(log) == {"2024-03-01": 0, "2024-03-02": 800}
    assert estimates(log, views(2, 5)) == {"2024-03-01": 400, "2024-03-02": 1_200}


def test_money_that_is_taken_back_is_an_estimate_of_nothing() -> None:
    log = [event("video_published"), *views(3)]
    assert estimates(log, [invalidated(*log[1:3])]) == {"2024-03-01": 0}
    assert estimates(log, [event("video_published", is_promoted=True, at=1)]) == {"2024-03-01": 0}


def test_an_estimate_of_a_shared_video_has_parts_that_add_up_to_it() -> None:
    shares = [{"creator_id": "d", "share_bps": 3_333}, {"creator_id": "e:", "share_bps": 3_333}]
    shares += [{"creator_id": "f", "share_bps": 0}]
    log = [event("video_published", collaborators=shares), *views(3)]
    tables = Tables()
    tables.write_all(core_of(*log, rules=rule_set().pipeline).flush())
    (row,) = tables.rows("estimates")
    # 400 micro-dollars: 133.36, 133.32 and 133.32; what is left of 399 goes to the largest remainder
    assert (row["creator_id"], row["amount_micros"]) == ("c", 400)
    assert row["parts"] == ["c:134", "d:133", "e::133"]
    alone = event("video_published", at=1)
    tables.write_all(core_of(*log, alone, rules=rule_set().pipeline).flush())
    (row,) = tables.rows("estimates")
    assert (row["amount_micros"], list(row["parts"])) == (400, [])


def test_a_video_below_the_threshold_writes_no_estimates() -> None:
    assert estimates([event("video_published"), *views(1)]) == {}
