"""Audience, follower growth, collaborations and trend lift: by hand, and at random against the recount."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import COLUMNS, TABLES, clickhouse_types
from scripts.recount.audience import trend_lift
from scripts.recount.audience_checks import audience_checks
from scripts.recount.bursts import Burst
from scripts.recount.compare import compare
from scripts.recount.expected import Expected
from scripts.recount.settled import Settled
from tests.simulation.audience_views import AUDIENCE_VIEWS
from tests.simulation.tables import Tables as InMemory
from tests.simulation.views import VIEWS
from tests.unit.clickhouse_rows import EMPTY, Row, Tables, rows, video

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
T0_MS = 1_741_564_800_000  # 2025-03-10
CREATORS = ("c0", "c1", "c2")
USERS = ("c0", "c1", "u0", "u1", "u2", "u3")


def act(name: str, user: str, at_ms: int, kind: str = "like", **more: Any) -> Row:
    return {
        "video_id": name,
        "user_id": user,
        "event_id": f"{kind}-{name}-{user}-{at_ms}",
        "type": kind,
        "event_time": T0_MS + at_ms,
        "creator_id": "c",
        "counted": 1,
        "version": 1,
        **more,
    }


def seen(name: str, user: str, at_ms: int, **more: Any) -> Row:
    return {
        "video_id": name,
        "user_id": user,
        "event_id": f"view-{name}-{user}-{at_ms}",
        "event_time": T0_MS + at_ms,
        "counted": 1,
        "version": 1,
        **more,
    }


def action(creator: str, user: str, at_ms: int, following: int = 1, **more: Any) -> Row:
    return {
        "creator_id": creator,
        "user_id": user,
        "event_id": f"f-{creator}-{user}-{at_ms}",
        "event_time": T0_MS + at_ms,
        "following": following,
        "counted": 1,
        "version": 1,
        **more,
    }


def reached(tables: Any, at_ms: int) -> None:
    partition = {"topic": "engagement.events", "version": 1}
    tables.write("partitions", partition | {"max_event_time": T0_MS + at_ms + 9 * DAY_MS})
    second = {"partition": 1, "max_event_time": T0_MS + at_ms}
    tables.write("partitions", partition | second)
    commerce = {"topic": "commerce.events", "max_event_time": 1, "version": 1}
    tables.write("partitions", commerce)


# By hand


def test_fans_that_return_and_what_a_reply_is_followed_by(client: Client, tables: Tables) -> None:
    tables.write("video_totals", *(video(name, creator_id="c") for name in "abo"))
    tables.write(
        "engagements",
        act("a", "u1", 0),
        act("a", "u1", 3 * HOUR_MS, "comment"),
        act("a", "c", 4 * HOUR_MS, "reply"),
        act("a", "c", 4 * HOUR_MS, "like"),  # by the creator: no fan
        act("a", "other", 1, "reply"),  # not by the creator: no reply of hers
        act("a", "u2", 4 * HOUR_MS, "share"),
        act("a", "u1", 25 * HOUR_MS),
        act("a", "u3", 28 * HOUR_MS),  # 24 hours after the reply: no more
        act("a", "u4", 5 * HOUR_MS, counted=0),
        act("o", "u5", 3 * HOUR_MS),
        act("o", "u5", 5 * HOUR_MS, "comment"),
        act("b", "c", 20 * HOUR_MS, "reply"),
        act("b", "u6", 21 * HOUR_MS),
    )
    shown = "SELECT * FROM audience"
    reached(tables, 28 * HOUR_MS - 1)
    assert rows(client, shown) == [("c", 5, 1, 0.2, 0, 0, 0, 0, 0, 1.0)]
    tables.write(
        "partitions",
        {
            "topic": "engagement.events",
            "partition": 1,
            "version": 2,
            "max_event_time": T0_MS + 28 * HOUR_MS,
        },
    )
    assert rows(client, shown) == [("c", 5, 1, 0.2, 1, 2, 2, 1, 1, 1.0)]


def test_a_follower_counts_where_the_first_follow_was(client: Client, tables: Tables) -> None:
    live = {"live_id": "l", "creator_id": "c", "version": 1, "started_at": T0_MS + 100}
    tables.write("live_totals", live | {"ended_at": T0_MS + 200}, live | {"live_id": "on"})
    tables.write(
        "engagements",
        act("a", "u", 150, "follow"),
        act("b", "u", 90, "follow", counted=0),
        act("b", "u", 160, "follow"),
        act("b", "w", 100, "follow"),
        act("b", "x", 200, "follow"),
        act("b", "x", 300, "follow", creator_id="d"),
    )
    last = {"event_id": "e", "version": 1}
    tables.write(
        "follows",
        {"creator_id": "c", "user_id": "u", "following": 1, "event_time_ms": 9, **last},
        {"creator_id": "c", "user_id": "w", "following": 0, "event_time_ms": 9, **last},
        {"creator_id": "c", "user_id": "x", "following": 1, "event_time_ms": 9, **last},
    )
    assert rows(client, "SELECT * FROM follower_growth ORDER BY ALL") == [
        ("live", "l", "c", 2, 1),
        ("live", "on", "c", 3, 2),
        ("video", "a", "c", 1, 1),
        ("video", "b", "c", 2, 1),
        ("video", "b", "d", 1, 0),
    ]


def test_what_a_shared_video_brings_each_side(client: Client, tables: Tables) -> None:
    shared = {"published_at": T0_MS, "collaborators": ["d:e:3000", "c:10"]}
    tables.write("video_totals", video("v", creator_id="c", **shared), video("w", creator_id="c"))
    tables.write(
        "engagements",
        *(act("v", user, 1_000) for user in ("fan", "other", "both", "gone", "new", "c", "d:e")),
        act("v", "fan", 2_000, "share"),
        act("w", "elsewhere", 1_000),
        act("v", "replier", 1_000, "reply"),
    )
    tables.write(
        "shared_views",
        *(seen("v", user, 1_000) for user in ("fan", "other", "lurker", "stranger", "c", "d:e")),
        seen("v", "other", 2_000),
        seen("v", "gone", 1_000, counted=0),
        seen("w", "elsewhere", 1_000),
    )
    tables.write(
        "follow_actions",
        action("d:e", "lurker", -9),
        action("c", "fan", -9),
        action("d:e", "other", -9),
        action("c", "both", -9),
        action("d:e", "both", -9),
        action("c", "gone", -9),
        action("c", "gone", -8, 0),
        action("c", "new", 0),
        action("d:e", "new", 7 * DAY_MS),
        action("c", "other", 7 * DAY_MS - 1),
        action("d:e", "fan", 5, counted=0),
    )
    assert rows(client, "SELECT * FROM collaborations ORDER BY ALL") == [
        ("v", "c", 5, 2, 1, 2, 4, 2),
        ("v", "d:e", 5, 2, 1, 0, 4, 1),
    ]


def test_videos_on_a_trend_beside_the_others(client: Client, tables: Tables) -> None:
    def of(name: str, at_ms: int, views: int, likes: int, **more: Any) -> Row:
        whose = {"creator_id": "c", "published_at": T0_MS + at_ms, "views": views, "likes": likes}
        return video(name, **whose | more)

    tables.write(
        "video_totals",
        of("during", 100, 300, 30, hashtags=["hot", "hot"]),
        of("still", 900, 100, 10, sound_id="s"),
        of("before", 99, 100, 1, hashtags=["hot"]),
        of("after", 200, 50, 1, hashtags=["hot"]),
        of("none", 150, 50, 2),
        video("unpublished", creator_id="c", views=1_000, likes=1_000),
    )
    burst = {"began_at": T0_MS + 100, "counted": 1, "version": 1}
    tables.write(
        "bursts_log",
        burst | {"kind": "hashtag", "entity_id": "hot", "ended_at": T0_MS + 200},
        burst | {"kind": "sound", "entity_id": "s"},
        burst | {"kind": "challenge", "entity_id": ""},
    )
    (shown,) = rows(client, "SELECT * FROM trend_lift")
    assert shown[:7] == ("c", 2, 400, 40, 3, 200, 4)
    assert shown[7:] == pytest.approx((200 / (200 / 3), 0.1 / 0.02))


# At random


def random_rows(rng: random.Random) -> dict[str, list[Row]]:
    """Few names, so that everything meets."""
    names = "abcd"
    times = [rng.randrange(-3 * 24, 3 * 24) * HOUR_MS for _ in range(40)]
    kinds = ("like", "comment", "share", "follow", "reply", "reply")

    def some(made: Any, number: int) -> list[Row]:
        return [made(n) for n in range(number)]

    return {
        "video_totals": [
            video(
                name,
                creator_id=rng.choice(CREATORS),
                published_at=rng.choice((0, T0_MS + rng.choice(times))),
                collaborators=rng.choice(([], ["c1:10"], ["c2:5", "c0:7"])),
                hashtags=rng.choice(([], ["x"], ["x", "y", "x"])),
                sound_id=rng.choice(("", "s")),
                views=rng.randrange(50),
                likes=rng.randrange(9),
            )
            for name in names
        ],
        "engagements": some(
            lambda n: act(
                rng.choice(names),
                rng.choice(USERS),
                rng.choice(times),
                rng.choice(kinds),
                event_id=f"e{n}",
                creator_id=rng.choice(CREATORS),
                counted=int(rng.random() < 0.9),
            ),
            120,
        ),
        "shared_views": some(
            lambda n: seen(
                rng.choice(names), rng.choice(USERS), n, counted=int(rng.random() < 0.9)
            ),
            60,
        ),
        "follow_actions": some(
            lambda n: action(
                rng.choice(CREATORS),
                rng.choice(USERS),
                rng.choice(times),
                rng.randrange(2),
                event_id=f"e{n}",
                counted=int(rng.random() < 0.9),
            ),
            40,
        ),
        **random_people(rng, times),
    }


def random_people(rng: random.Random, times: Sequence[int]) -> dict[str, list[Row]]:
    """Registers, lives, and how far two partitions have come."""
    return {
        "follows": [
            {
                "creator_id": creator,
                "user_id": user,
                "event_id": "e",
                "version": 1,
                "following": rng.randrange(2),
                "event_time_ms": rng.randrange(9),
            }
            for creator in CREATORS
            for user in USERS
        ],
        "live_totals": [
            {
                "live_id": f"l{n}",
                "creator_id": rng.choice(CREATORS),
                "version": 1,
                "started_at": rng.choice((0, T0_MS + rng.choice(times))),
                "ended_at": rng.choice((0, T0_MS + rng.choice(times))),
                "likes": 1,
            }
            for n in range(5)
        ],
        "partitions": [
            {
                "topic": "engagement.events",
                "partition": n,
                "version": 1,
                "max_event_time": T0_MS + rng.choice(times),
            }
            for n in range(2)
        ],
    }


def in_memory(table: str, made: Sequence[Row]) -> list[list[Any]]:
    """The rows as columns, what is not named being empty."""
    texts = {"String", "LowCardinality(String)"}
    kinds = _kinds(table)
    empty = {name: "" if kind in texts else EMPTY.get(kind, 0) for name, kind in kinds.items()}
    return [[row.get(name, empty[name]) for row in made] for name in COLUMNS[table]]


def _kinds(table: str) -> dict[str, str]:
    return clickhouse_types(TABLES[table])


def test_random_rows_are_shown_as_the_recount_has_them(
    client: Client, tables: Tables, rng: random.Random
) -> None:
    said = dict.fromkeys(AUDIENCE_VIEWS, 0)
    for _ in range(8):
        log = ("engagements", "shared_views", "follow_actions")
        for table in ("video_totals", *log, "follows", "live_totals"):
            client.command(f"TRUNCATE TABLE {table}")
        memory = InMemory()
        for table, made in random_rows(rng).items():
            tables.write(table, *made)
            memory.write(table, in_memory(table, made))
        for view in AUDIENCE_VIEWS:
            (check,) = (c for c in audience_checks(Expected(), Settled()) if c.view == view)
            real = rows(client, check.sql)
            ours = VIEWS[view](memory)
            assert sorted(map(rounded, real)) == sorted(map(rounded, ours)), view
            said[view] += len(real)
    assert all(said.values()), said


def test_the_lift_goes_by_the_bursts_that_were_looked_for() -> None:
    """A burst that began in a video's minute counts; one that ended with it does not."""
    row = {"published_at": 60, "hashtags": ["x"], "sound_id": "", "challenge_id": ""}
    row |= {"creator_id": "c", "views": 5, "likes": 1}
    for began, ended, bursting in ((60, None, 1), (0, 60, 0), (0, 61, 1), (61, None, 0)):
        burst = Burst(ended, 5.0, 9.0, 1.0, "r")
        lift = trend_lift({"v": row}, {("hashtag", "x", began): burst})["c"]
        assert lift.trending[0] == bursting


def rounded(row: Any) -> list[str]:
    return [f"{cell:.9g}" if isinstance(cell, float) else str(cell) for cell in row]


def test_a_changed_cell_is_found(client: Client, tables: Tables) -> None:
    tables.write("video_totals", video("a", creator_id="c"))
    tables.write("engagements", act("a", "u", 0))
    (check,) = (c for c in audience_checks(Expected(), Settled()) if c.view == "audience")
    assert compare(check, rows(client, check.sql)).differing == 1
