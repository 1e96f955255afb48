"""What the dashboard adds up by itself, because it is faster than a view of everything, equals the views."""

from __future__ import annotations

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from dashboard.queries import DIMENSION, KINDS
from tests.dashboard_rows import JUST_BEFORE, NASTY
from tests.unit.clickhouse_rows import rows
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
