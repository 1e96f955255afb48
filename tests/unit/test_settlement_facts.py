"""What settlement reads of videos and creators: every query on a few rows, at the edges of days and ids."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

from scripts.settlement.facts import Facts, shares_of
from streams.programs.days import PayDay, pay_day
from streams.programs.facts import Creator, FundVideo, Quality, Share
from tests.unit.clickhouse_rows import Tables, video
from tests.unit.settlement_rows import (
    DAY,
    DAY_NUMBER,
    END_MS,
    END_S,
    ODD_ID,
    START_MS,
    START_S,
    follow,
    minute,
)


@pytest.fixture
def facts(client: Client) -> Facts:
    return Facts(client)


# --- days


def test_no_minute_is_no_first_day(facts: Facts) -> None:
    assert facts.days_with_minutes("UTC") == []


def test_days_are_those_of_any_minute_in_both_calendars(facts: Facts, tables: Tables) -> None:
    tables.write("windows_1m", minute("v", END_S - 60), minute("v", START_S - 40 * 86_400))
    tables.write("windows_1m", minute("l", START_S - 80 * 86_400, kind="live"))
    assert facts.days_with_minutes("UTC") == [date(2025, 1, 29), DAY]
    assert facts.days_with_minutes("Asia/Shanghai") == [date(2025, 1, 29), DAY, date(2025, 3, 11)]


# --- Creator Fund


@pytest.mark.parametrize(
    ("zone", "before_s", "inside_s", "last_s", "after_s"),
    [
        ("UTC", START_S - 60, START_S, END_S - 60, END_S),
        ("Asia/Kolkata", START_S - 19_860, START_S - 19_800, END_S - 19_860, END_S - 19_800),
        ("America/New_York", START_S + 14_340, START_S + 14_400, END_S + 14_340, END_S + 14_400),
    ],
)
def test_a_pay_day_begins_and_ends_at_its_own_midnight(
    facts: Facts,
    tables: Tables,
    zone: str,
    before_s: int,
    inside_s: int,
    last_s: int,
    after_s: int,
) -> None:
    tables.write("video_totals", video("v", creator_id="c"))
    tables.write(
        "windows_1m",
        minute("v", before_s, views=1_000),
        minute("v", inside_s, views=1),
        minute("v", last_s, views=10),
        minute("v", after_s, views=100),
    )
    day = pay_day(DAY, ZoneInfo(zone))
    assert facts.fund_videos(day) == [FundVideo("v", "c", 11, 0, 0, 0)]


def test_a_pay_day_where_clocks_change_has_an_hour_less(facts: Facts, tables: Tables) -> None:
    day = pay_day(date(2025, 3, 9), ZoneInfo("America/New_York"))
    assert day.end_ms - day.start_ms == 23 * 3_600_000
    tables.write("video_totals", video("v", creator_id="c"))
    minutes = (day.start_ms // 1000, day.end_ms // 1000 - 60, day.end_ms // 1000)
    tables.write("windows_1m", *(minute("v", at_s, views=1) for at_s in minutes))
    assert facts.fund_videos(day) == [FundVideo("v", "c", 2, 0, 0, 0)]


def test_counts_of_a_day_add_up_over_panes_and_partitions(facts: Facts, tables: Tables) -> None:
    tables.write("video_totals", video(ODD_ID, creator_id="c:1", collaborators=["d:é:2500", "e:1"]))
    tables.write("video_totals", video("seen", source=1), video("gone"))
    tables.write(
        "windows_1m",
        minute(ODD_ID, START_S, views=5, likes=3, comments=2, shares=1),
        minute(ODD_ID, START_S, views=4, source=1),
        minute(ODD_ID, START_S, views=-2, likes=-4, pane=9),
        minute("seen", START_S, views=7),
        minute("gone", START_S, views=7),
        minute("gone", START_S + 60, views=-7),
        minute("live", START_S, kind="live", views=9),
    )
    tables.write("windows_1m", minute(ODD_ID, START_S, views=6, likes=3, version=2))
    day = pay_day(DAY, ZoneInfo("UTC"))
    assert sorted(facts.fund_videos(day)) == [
        FundVideo(ODD_ID, "c:1", 8, -1, 0, 0, (Share("d:é", 2_500), Share("e", 1))),
        FundVideo("seen", "c-seen", 7, 0, 0, 0),
    ]


def test_followers_are_as_of_the_end_of_the_day(facts: Facts, tables: Tables) -> None:
    tables.write(
        "follow_actions",
        follow("c", "early", START_MS),
        follow("c", "last", END_MS - 1),
        follow("c", "next", END_MS),
        follow("c", "left", START_MS),
        follow("c", "left", END_MS - 1, following=0),
        follow("c", "leaves-later", START_MS),
        follow("c", "leaves-later", END_MS, following=0),
        follow("c", "invalidated", START_MS, counted=0),
        follow("c", "stays", START_MS),
        follow("c", "stays", START_MS + 5, following=0, counted=0),
        follow("d:1", ODD_ID, START_MS, source=3),
    )
    creators = facts.creators(pay_day(DAY, ZoneInfo("UTC")))
    assert {name: creator.followers for name, creator in creators.items()} == {"c": 4, "d:1": 1}
    assert facts.followers("c", END_MS) == 4
    assert facts.followers("c", END_MS + 1) == 4
    assert facts.followers("c", START_MS) == 0
    assert facts.followers("nobody", END_MS) == 0


def test_of_actions_at_one_time_the_greater_id_stands_whatever_the_partition(
    facts: Facts, tables: Tables
) -> None:
    at_ms = START_MS
    tables.write(
        "follow_actions",
        follow("c", "u", at_ms, event_id="b", following=0, source=0),
        follow("c", "u", at_ms, event_id="a", source=9, version=99),
        follow("c", "w", at_ms, event_id="b", source=0),
        follow("c", "w", at_ms, event_id="a", following=0, source=9, version=99),
    )
    assert facts.followers("c", END_MS) == 1


def test_of_actions_at_one_time_with_one_id_a_follow_stands(facts: Facts, tables: Tables) -> None:
    same = {"event_id": "a"}
    tables.write("follow_actions", follow("c", "u", 1, **same, source=1, following=0))
    tables.write("follow_actions", follow("c", "u", 1, **same, source=0))
    tables.write("follow_actions", follow("c", "w", 1, **same, source=1))
    tables.write("follow_actions", follow("c", "w", 1, **same, source=0, following=0))
    assert facts.followers("c", END_MS) == 2


def test_views_of_creators_are_those_of_thirty_days(facts: Facts, tables: Tables) -> None:
    first_s = END_S - 30 * 86_400
    tables.write("video_totals", video("v", creator_id="c"), video("w", creator_id="c"))
    tables.write("video_totals", video("x", creator_id="d"))
    tables.write(
        "windows_1m",
        minute("v", first_s - 60, views=1_000),
        minute("v", first_s, views=1),
        minute("w", END_S - 60, views=10),
        minute("w", END_S, views=100),
        minute("x", START_S, views=-3),
        minute("unknown", START_S, views=5),
    )
    day = PayDay(DAY.isoformat(), START_MS, END_MS)
    assert facts.creators(day) == {"c": Creator("c", 0, 11), "d": Creator("d", 0, -3)}


# --- Creator Rewards


def test_rewards_videos_have_all_their_days(facts: Facts, tables: Tables) -> None:
    published = {"published_at": 5, "duration_ms": 60_000, "is_original": 1}
    tables.write(
        "video_totals",
        video("v", creator_id="c", collaborators=["d:1:10"], is_promoted=1, **published),
    )
    tables.write(
        "windows_1m",
        minute("v", END_S - 60, qualified_views=4, views=6, watch_ms=9, completions=1),
        minute("v", END_S, qualified_views=3, views=3, likes=2, comments=4, shares=5, source=1),
        minute("v", END_S + 60, likes=-1),
        minute("v", END_S + 2 * 86_400, views=1),
        minute("few", START_S, qualified_views=6),
    )
    search = {"video_id": "v", "counted": 1, "version": 1}
    tables.write(
        "search_views",
        {**search, "event_id": "a", "event_time": END_MS - 1},
        {**search, "event_id": "b", "event_time": END_MS},
        {**search, "event_id": "c", "event_time": END_MS, "source": 1},
        {**search, "event_id": "d", "event_time": END_MS, "counted": 0},
    )
    (found,) = facts.rewards_videos(7)
    assert (found.video_id, found.creator_id, found.collaborators) == (
        "v",
        "c",
        (Share("d:1", 10),),
    )
    assert found.published is not None
    assert (found.published.event_time_ms, found.published.duration_ms) == (5, 60_000)
    assert (found.published.is_original, found.published.is_promoted) == (True, True)
    assert found.qualified_by_day == {DAY_NUMBER: 4, DAY_NUMBER + 1: 3}
    assert found.quality_by_day == {
        DAY_NUMBER: Quality(6, 9, 1, 1, 0, 0, 0),
        DAY_NUMBER + 1: Quality(3, 0, 0, 2, 1, 4, 5),
        DAY_NUMBER + 3: Quality(1, 0, 0, 0, 0, 0, 0),
    }


def test_a_video_without_publication_is_not_known_to_be_one(facts: Facts, tables: Tables) -> None:
    tables.write("video_totals", video("v", duration_ms=90_000, is_original=1))
    tables.write("windows_1m", minute("v", START_S, qualified_views=1))
    (found,) = facts.rewards_videos(0)
    assert (found.creator_id, found.published) == ("c-v", None)
    assert found.quality_by_day == {DAY_NUMBER: Quality(0, 0, 0, 0, 0, 0, 0)}


def test_the_creator_is_that_of_the_last_publication(facts: Facts, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video("v", creator_id="old", published_at=1, version=9),
        video("v", creator_id="new", published_at=2, source=1, version=1),
    )
    tables.write("windows_1m", minute("v", START_S, qualified_views=1))
    assert [found.creator_id for found in facts.rewards_videos(1)] == ["new"]
    assert facts.collaborators() == {}


def test_what_is_taken_back_later_hides_no_day_above_the_threshold(
    facts: Facts, tables: Tables
) -> None:
    tables.write("video_totals", video("v"))
    tables.write("windows_1m", minute("v", START_S, qualified_views=10))
    tables.write("windows_1m", minute("v", END_S, qualified_views=-4))
    (found,) = facts.rewards_videos(10)
    assert found.qualified_by_day == {DAY_NUMBER: 10, DAY_NUMBER + 1: -4}


def test_collaborators_of_shared_videos(facts: Facts, tables: Tables) -> None:
    tables.write("video_totals", video("v", collaborators=["a:b:1", ":2"]), video("w"))
    assert facts.collaborators() == {"v": (Share("a:b", 1), Share("", 2))}
    assert shares_of([]) == ()
