"""What the dashboard adds up by itself, because it is faster than a view of everything, equals the views."""

from __future__ import annotations

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from dashboard.content_queries import DIMENSION
from dashboard.queries import KINDS
from tests.dashboard_rows import JUST_BEFORE, NASTY, NOW_MS
from tests.unit.clickhouse_rows import Tables, rows, video
from tests.unit.dashboard_client import ask

pytestmark = pytest.mark.stack


async def test_trending_equals_the_view(web: aiohttp.ClientSession, client: Client) -> None:
    wanted = rows(
        client,
        "SELECT kind, entity_id, rank, velocity, acceleration FROM trending_now ORDER BY kind, rank",
    )
    for kind in ("", *KINDS):
        answer = await ask(web, "trending", kind=kind)
        found = [
            (row["kind"], row["entity_id"], int(row["rank"]), row["velocity"]) for row in answer
        ]
        assert found == [row[:4] for row in wanted if kind in ("", row[0])]
        rising = [row["acceleration"] for row in answer]
        assert rising == pytest.approx([row[4] for row in wanted if kind in ("", row[0])])
    answer = await ask(web, "trending")
    points = {row["entity_id"]: row["points"] for row in answer if row["kind"] == "video"}
    assert points == pytest.approx({"v1": 256, "v2": 128, "v3": 512, NASTY: 2})
    # Views of the last hour in steps of two minutes, the newest at the end.
    (last_hour,) = (row["views"] for row in answer if row["kind"] == "video" and row["rank"] == "1")
    viewed = rows(
        client,
        f"SELECT intDiv(dateDiff('second', window_start, {JUST_BEFORE}), 120), views "
        "FROM engagement_1m WHERE subject_id = 'v3' AND window_start >= '2025-03-11 23:00:00'",
    )
    assert {29 - step: views for step, views in viewed} == {
        step: int(views) for step, views in enumerate(last_hour) if views != "0"
    }
    only = await ask(web, "trending", kind="sound")
    assert [row["entity_id"] for row in only] == ["a1"]


@pytest.mark.parametrize("dimension", DIMENSION.values)
async def test_kinds_of_content_equal_the_view(
    web: aiohttp.ClientSession, client: Client, dimension: str
) -> None:
    answer = await ask(web, "content", dimension=dimension)
    wanted = rows(
        client,
        "SELECT value, videos, views, likes, likes_per_1000_views FROM content_performance "
        f"WHERE dimension = '{dimension}' ORDER BY views DESC, value",
    )
    assert wanted
    assert [
        (
            row["value"],
            *(int(row[name]) for name in ("videos", "views", "likes")),
            row["likes_per_1000_views"],
        )
        for row in answer
    ] == wanted
    earned = rows(
        client,
        "SELECT value, earnings_micros FROM content_performance "
        f"WHERE dimension = '{dimension}' ORDER BY views DESC, value",
    )
    answer = await ask(web, "content_earnings", dimension=dimension)
    assert [(row["value"], int(row["earnings_micros"])) for row in answer] == earned


async def test_videos_of_several_partitions_are_added_up_as_the_views_do(
    web: aiohttp.ClientSession, client: Client, tables: Tables
) -> None:
    """After a topic got more partitions: one row as it lies, and several that are one video."""
    for source, name, tag in ((4, "v1", "new"), (5, "v2", "fyp"), (6, "alone", "new")):
        tables.write(
            "video_totals",
            video(
                name,
                source=source,
                views=70 + source,
                likes=source,
                hashtags=[tag],
                version=1,
                published_at=NOW_MS + source,
                score=9.0 + source,
                fast_score=8.0,
                pool="L2",
                creator_id="c7",
                sound_id="a1",
                content_type="pets",
            ),
            video(f"gone{source}", source=source, version=1),
        )
    assert rows(client, "SELECT count() FROM video_totals WHERE video_id = 'v1'") > [(1,)]
    trends = [
        (row["kind"], row["entity_id"], row["velocity"]) for row in await ask(web, "trending")
    ]
    assert trends == [
        (kind, entity, pytest.approx(velocity, rel=1e-9))
        for kind, entity, velocity in rows(
            client,
            "SELECT kind, entity_id, velocity FROM trending_now WHERE rank <= 8 ORDER BY kind, rank",
        )
    ]
    for dimension in DIMENSION.values:
        assert [
            (row["value"], int(row["videos"]), int(row["views"]))
            for row in await ask(web, "content", dimension=dimension)
        ] == rows(
            client,
            "SELECT value, videos, views FROM content_performance "
            f"WHERE dimension = '{dimension}' ORDER BY views DESC, value",
        )
    assert [
        (row["video_id"], row["creator_id"], int(row["views"]))
        for row in await ask(web, "top_videos")
    ] == rows(
        client, "SELECT video_id, creator_id, views FROM videos ORDER BY views DESC, video_id"
    )
    assert {
        row["pool"]: int(row["videos"]) for row in await ask(web, "pools") if row["videos"] != "0"
    } == dict(rows(client, "SELECT pool, count() FROM videos WHERE pool != '' GROUP BY pool"))
