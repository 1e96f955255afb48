"""What the dashboard adds up by itself, because it is faster than a view of everything, equals the views."""

from __future__ import annotations

from random import Random
from typing import Any

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from dashboard.content_queries import DIMENSION
from dashboard.trend_queries import KINDS
from schemas.rows import NO_SCORE
from tests.dashboard_rows import JUST_BEFORE, NASTY, NOW_MS
from tests.unit.clickhouse_rows import HOUR_MS, Tables, rows, video
from tests.unit.dashboard_client import ask

pytestmark = pytest.mark.stack


async def test_trending_equals_the_view(web: aiohttp.ClientSession, client: Client) -> None:
    for kind in KINDS:
        await same_trending(web, client, kind)
    answer = await ask(web, "trending_video")
    points = {row["entity_id"]: row["points"] for row in answer}
    assert points == pytest.approx({"v1": 256, "v2": 128, "v3": 512, NASTY: 2})
    # Views of the last hour in steps of two minutes, the newest at the end.
    last_hour = answer[0]["views"]
    viewed = rows(
        client,
        f"SELECT intDiv(dateDiff('second', window_start, {JUST_BEFORE}), 120), views "
        "FROM engagement_1m WHERE subject_id = 'v3' AND window_start >= '2025-03-11 23:00:00'",
    )
    assert {29 - step: views for step, views in viewed} == {
        step: int(views) for step, views in enumerate(last_hour) if views != "0"
    }
    only = await ask(web, "trending_sound")
    assert [row["entity_id"] for row in only] == ["a1"]


async def same_trending(web: aiohttp.ClientSession, client: Client, kind: str) -> None:
    same_rows(
        await ask(web, f"trending_{kind}"),
        client,
        "kind, rank, entity_id, velocity, acceleration",
        f"trending_now WHERE kind = '{kind}' AND rank <= 50 ORDER BY rank",
        slack=1e-9,  # an acceleration is the small difference of two velocities
    )


def same_rows(
    answer: list[dict[str, Any]], client: Client, columns: str, source: str, slack: float = 1e-12
) -> None:
    """What the dashboard answered has the columns' values, row by row, in the order of the SQL."""
    names = columns.split(", ")
    wanted = rows(client, f"SELECT {columns} FROM {source}")
    assert [
        tuple(type(cell)(row[name]) for name, cell in zip(names, cells, strict=True))
        for row, cells in zip(answer, wanted, strict=True)
    ] == [
        tuple(
            pytest.approx(cell, rel=1e-9, abs=slack) if isinstance(cell, float) else cell
            for cell in cells
        )
        for cells in wanted
    ]


async def same_content(web: aiohttp.ClientSession, client: Client, dimension: str) -> None:
    of = f"content_performance WHERE dimension = '{dimension}' ORDER BY views DESC, value"
    columns = (
        "value, videos, views, likes, likes_per_1000_views, likes_per_1000_shrunk, "
        "likes_per_1000_low, likes_per_1000_high"
    )
    of += " LIMIT 40"  # as many as are shown
    same_rows(await ask(web, "content", dimension=dimension), client, columns, of)
    earned = await ask(web, "content_earnings", dimension=dimension)
    assert earned
    same_rows(earned, client, "value, earnings_micros", of)


@pytest.mark.parametrize("dimension", DIMENSION.values)
async def test_kinds_of_content_equal_the_view(
    web: aiohttp.ClientSession, client: Client, dimension: str
) -> None:
    await same_content(web, client, dimension)


@pytest.mark.parametrize("kind", ["", *KINDS])
async def test_who_leads_now_equals_the_view(
    web: aiohttp.ClientSession, client: Client, kind: str
) -> None:
    answer = await ask(web, "top_windows", kind=kind)
    assert answer or kind == "challenge"  # nothing of one happened in the last minute
    same_rows(
        answer,
        client,
        "kind, rank, entity_id, engagements, users",
        "top_windows WHERE window_end = (SELECT max(window_end) FROM top_windows) "
        + (f"AND kind = '{kind}' AND rank <= 20" if kind else "AND rank <= 2")
        + " ORDER BY kind, rank",
    )


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
                feeds=["profile:350", f"shop:{source}"],
            ),
            video(f"gone{source}", source=source, version=1),
        )
    assert rows(client, "SELECT count() FROM video_totals WHERE video_id = 'v1'") > [(1,)]
    for kind in KINDS:
        await same_trending(web, client, kind)
    for dimension in DIMENSION.values:
        await same_content(web, client, dimension)
    same_rows(
        await ask(web, "top_videos"),
        client,
        "video_id, creator_id, content_type, duration_ms, views, qualified_views, likes, net_likes, "
        "comments, shares, unique_viewers, completions, watch_ms",
        "videos ORDER BY views DESC, video_id",
    )
    assert {
        row["pool"]: int(row["videos"]) for row in await ask(web, "pools") if row["videos"] != "0"
    } == dict(rows(client, "SELECT pool, count() FROM videos WHERE pool != '' GROUP BY pool"))


async def test_what_has_faded_away_next_to_the_first_still_has_its_place(
    web: aiohttp.ClientSession, client: Client, tables: Tables
) -> None:
    """Sums are whole numbers of 2^-220 of the first: less than one is ranked by its best video."""
    first = NOW_MS / (6 * HOUR_MS) + 100
    below = (0, 30, 100, 150, 160, 170, 219, 225, 500, 3_000)
    for place, bits in enumerate(below):
        tables.write(
            "video_totals",
            video(f"v{place}", creator_id=f"f{place}", score=first - bits, fast_score=8.0),
            video(f"w{place}", creator_id=f"f{place}", score=first - bits - 1, fast_score=8.0),
        )
    for kind in KINDS:
        await same_trending(web, client, kind)
    answer = await ask(web, "trending_creator")
    ours = [row for row in answer if row["entity_id"].startswith("f")]
    assert [row["entity_id"] for row in ours] == [f"f{place}" for place in range(len(below))]
    (held,) = rows(client, "SELECT score FROM trending_now WHERE entity_id = 'f4'")
    points = 2 ** (held[0] - NOW_MS / (6 * HOUR_MS))
    assert ours[4]["points"] == pytest.approx(points)


async def test_more_than_is_shown_equals_the_views_up_to_there(
    web: aiohttp.ClientSession, client: Client, tables: Tables, rng: Random
) -> None:
    """Random videos with ties, without names, without scores, of several partitions; more than a list has."""
    some = [f"v{number}" for number in range(300)]
    tables.write("video_totals", *(random_video(rng, name) for name in some))
    tables.write("video_totals", *(random_video(rng, name, source=1) for name in some[::9]))
    acts = [random_act(rng, number, rng.choice(some)) for number in range(1_500)]
    tables.write("engagements", *acts, *acts[::5])
    for kind in KINDS:
        await same_trending(web, client, kind)
    for kind in ("", *KINDS):
        of_kind = f"kind = '{kind}' AND rank <= 20" if kind else "rank <= 2"
        same_rows(
            await ask(web, "top_windows", kind=kind),
            client,
            "kind, rank, entity_id, engagements, users",
            f"top_windows WHERE window_end = (SELECT max(window_end) FROM top_windows) AND {of_kind} "
            "ORDER BY kind, rank",
        )
    for dimension in DIMENSION.values:
        await same_content(web, client, dimension)


def random_video(rng: Random, name: str, **more: Any) -> dict[str, Any]:
    tags = [f"t{rng.randrange(90)}" for _ in range(rng.randrange(4))]
    return video(
        name,
        creator_id=f"c{rng.randrange(99)}",
        hashtags=sorted(set(tags)),
        sound_id=rng.choice(["", f"a{rng.randrange(70)}"]),
        challenge_id=rng.choice(["", f"h{rng.randrange(60)}"]),
        content_type=rng.choice(["", "comedy", "dance"]),
        duration_ms=rng.randrange(700_000),
        published_at=NOW_MS - rng.randrange(10**9),
        views=rng.randrange(3_000),
        likes=rng.randrange(300),
        feeds=[f"for_you:{rng.randrange(9)}", f"search:{rng.randrange(9)}"],
        score=rng.choice([NO_SCORE, NOW_MS / (6 * HOUR_MS) + rng.randrange(12)]),
        fast_score=rng.choice([NO_SCORE, NOW_MS / HOUR_MS + rng.randrange(12)]),
        **more,
    )


def random_act(rng: Random, number: int, name: str) -> dict[str, Any]:
    return {
        "video_id": name,
        "user_id": f"u{rng.randrange(40)}",
        "event_id": f"random{number}",
        "type": rng.choice(["like", "comment", "share", "reply"]),
        "event_time": NOW_MS - rng.randrange(90_000),
        "creator_id": "c1",
        "counted": int(rng.random() < 0.9),
        "version": 1,
    }
