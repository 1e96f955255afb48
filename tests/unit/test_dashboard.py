"""The dashboard's server: every answer equals SQL, updates arrive, wrong questions are refused."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from dashboard.hub import Hub
from dashboard.parameters import Ask, Query, asks_of
from dashboard.queries import LATE, PANELS
from dashboard.reader import Reader, Row
from dashboard.server import Dashboard
from dashboard.trend_queries import TRENDING
from schemas.errors import Refused, Unavailable
from sinks.embedded import EmbeddedClickHouse
from tests.dashboard_rows import (
    NOW_MS,
    fill,
    partition,
    window,
)
from tests.unit.clickhouse_rows import Tables, rows
from tests.unit.dashboard_client import ask

pytestmark = pytest.mark.stack


# What each panel must say, asked in the plainest way. The day ends at 23:59:59 and its last hour,
# to the minute, begins at 23:00.
EXPECTED: list[tuple[str, dict[str, str], str]] = [
    (
        "engagement",
        {"range": "1h"},
        """SELECT toUnixTimestamp(window_start) * 1000, sum(impressions), sum(views),
        sum(completions), sum(likes), sum(comments), sum(shares), sum(follows), sum(gift_coins)
        FROM engagement_1m WHERE window_start >= '2025-03-11 23:00:00' GROUP BY 1 ORDER BY 1""",
    ),
    (
        "engagement",
        {"range": "24h"},
        """SELECT toUnixTimestamp(toStartOfFifteenMinutes(window_start)) * 1000 AS t,
        sum(impressions), sum(views), sum(completions), sum(likes), sum(comments), sum(shares),
        sum(follows), sum(gift_coins)
        FROM engagement_1m WHERE window_start >= '2025-03-11 00:00:00' GROUP BY t ORDER BY t""",
    ),
    (
        "late",
        {},
        """SELECT type, sum(events), toUnixTimestamp(min(window_start)) * 1000,
        toUnixTimestamp(max(window_start)) * 1000 FROM late_events GROUP BY type""",
    ),
    (
        "dead_letters",
        {},
        """SELECT 'decode', 'malformed_json', toUInt64(6), 'engagement.events', 0, toUInt64(8), 'detail 8'
        UNION ALL
        SELECT 'decode', 'unknown_type', toUInt64(2), 'engagement.events', 0, toUInt64(6), 'detail 6'""",
    ),
    (
        "earnings_by_source",
        {"period": "24h"},
        """SELECT source, currency, sum(if(state = 'final', amount_micros, 0)),
        sum(if(state = 'adjustment', amount_micros, 0)),
        sum(if(state = 'estimated', amount_micros, 0)), count()
        FROM earnings_ledger WHERE occurred_at >= '2025-03-11 00:00:00'
        GROUP BY 1, 2 ORDER BY currency, source""",
    ),
    (
        "earnings_over_time",
        {"period": "30d", "source": "brand_deal"},
        """SELECT toUnixTimestamp(toStartOfDay(occurred_at, 'UTC')) * 1000, source, currency,
        sum(amount_micros) FROM earnings_ledger WHERE source = 'brand_deal' GROUP BY 1, 2, 3""",
    ),
    (
        "entries",
        {"period": "all", "source": "gift"},
        """SELECT entry_id, toUnixTimestamp64Milli(occurred_at), creator_id, source, state,
        amount_micros, currency, reference, rate_version FROM earnings_ledger
        WHERE source = 'gift' ORDER BY occurred_at DESC, entry_id""",
    ),
    (
        "creator_entries",
        {"creator": "c9"},
        """SELECT entry_id, toUnixTimestamp64Milli(occurred_at), creator_id, source, state,
        amount_micros, currency, reference, rate_version FROM ledger FINAL
        WHERE creator_id = 'c9' ORDER BY occurred_at DESC, entry_id""",
    ),
    (
        "on_air",
        {},
        "SELECT toUInt64(2), toUInt64(1), toInt64(3)",
    ),
    (
        "pools",
        {},
        """SELECT pool, entered, toUInt64(r), toUInt64(p), toUInt64(0), toUInt64(s), toUInt64(0),
        toUInt64(2) FROM values('pool String, entered Int64, r UInt8, p UInt8, s UInt8',
        ('First', 0, 4, 2, 0), ('Another', 300, 2, 0, 1))""",
    ),
    (
        "decisions",
        {"verdict": "promote"},
        """SELECT decision_id, video_id, pool, pool_after, verdict,
        toUnixTimestamp64Milli(decided_at), reason, measure, lower_bound, upper_bound, threshold,
        impressions, weights_version FROM boosts WHERE verdict = 'promote'
        ORDER BY decided_at DESC""",
    ),
    (
        "creator",
        {"creator": "c1"},
        """SELECT creator_id, followers, videos, views, likes, comments, replies, shares, follows,
        gifts, gift_coins, engagement_rate, reply_rate FROM creators WHERE creator_id = 'c1'""",
    ),
    (
        "balance",
        {"creator": "c1"},
        """SELECT b.currency, b.amount_micros, toInt64(-12500), toInt64(122800), toInt64(0),
        toUInt64(3) FROM balances AS b WHERE creator_id = 'c1'""",
    ),
    (
        "balance",
        {"creator": "c9"},
        """SELECT b.currency, b.amount_micros, toInt64(0), toInt64(0), toInt64(10000000),
        toUInt64(1) FROM balances AS b WHERE creator_id = 'c9'""",
    ),
    (
        "creator_days",
        {"creator": "c1"},
        """SELECT toUnixTimestamp(toDateTime(day, 'UTC')) * 1000, source, amount_micros, entries
        FROM earnings_daily WHERE creator_id = 'c1' ORDER BY day DESC, source""",
    ),
    (
        "content",
        {"dimension": "hashtag"},
        """SELECT value, videos, views, likes, likes_per_1000_views, likes_per_1000_shrunk,
        likes_per_1000_low, likes_per_1000_high
        FROM content_performance WHERE dimension = 'hashtag' ORDER BY views DESC, value""",
    ),
    (
        "content_earnings",
        {"dimension": "content_type"},
        """SELECT value, earnings_micros FROM content_performance
        WHERE dimension = 'content_type' ORDER BY views DESC, value""",
    ),
    (
        "top_windows",
        {"kind": "video"},
        """SELECT kind, rank, entity_id, engagements, users FROM top_windows
        WHERE kind = 'video' AND window_end = toDateTime('2025-03-11 23:59:55', 'UTC')
        ORDER BY rank""",
    ),
    (
        "top_videos",
        {"sort": "likes"},
        """SELECT video_id, creator_id, content_type, duration_ms, views, qualified_views, likes,
        net_likes, comments, shares, unique_viewers, completions, watch_ms, completions / views,
        1000 * likes / views FROM videos ORDER BY likes DESC""",
    ),
    (
        "lives",
        {"state": "ended"},
        """SELECT live_id, creator_id, toUnixTimestamp64Milli(started_at),
        toUnixTimestamp64Milli(ended_at), 0, toInt64(3600000), viewers_now, unique_viewers, views,
        likes, gifts, gift_coins FROM lives WHERE live_id = 'l2'""",
    ),
    (
        "live_activity",
        {"range": "6h"},
        """SELECT toUnixTimestamp(toStartOfFiveMinutes(window_start)) * 1000, sum(views), sum(likes),
        sum(gifts), sum(gift_coins) FROM engagement_1m WHERE kind = 'live' GROUP BY 1 ORDER BY 1""",
    ),
    (
        "experiments",
        {},
        """SELECT experiment, any(question), treatment, group_name, measure, any(weights),
        any(seeds), argMax(control_mean, version), argMax(change, version),
        argMax(change_low, version), argMax(change_high, version), any(has_ratio),
        any(per_1000_likes), any(per_1000_low), any(per_1000_high)
        FROM experiments GROUP BY experiment, treatment, group_name, measure
        ORDER BY experiment, treatment, group_name, measure""",
    ),
]


def as_sent(value: Any, sent: Any) -> Any:
    """64-bit integers travel as text."""
    return str(value) if isinstance(sent, str) and isinstance(value, int) else value


@pytest.mark.parametrize(("panel", "values", "sql"), EXPECTED)
async def test_answers_equal_sql(
    web: aiohttp.ClientSession, client: Client, panel: str, values: dict[str, str], sql: str
) -> None:
    answer = [list(row.values()) for row in await ask(web, panel, **values)]
    wanted = rows(client, sql)
    assert wanted, "the SQL finds nothing: nothing would be compared"
    assert len(answer) == len(wanted)
    for got, row in zip(answer, wanted, strict=True):
        assert got == [as_sent(value, sent) for value, sent in zip(row, got, strict=True)]


async def test_every_panel_is_checked(web: aiohttp.ClientSession) -> None:
    checked = {panel for panel, _, _ in EXPECTED}
    checked |= {*(query.name for query in TRENDING), "top_earners", "explanation", "evidence"}
    assert checked == set(PANELS)
    async with web.get("/api/panels") as response:
        assert set(await response.json()) == set(PANELS)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/api/panels/engagement?range=2h", "range='2h': must be one of 1h, 6h, 24h, 7d"),
        (
            "/api/panels/engagement?rnge=1h",
            "unknown parameter 'rnge' of engagement: there are range",
        ),
        ("/api/panels/nothing", "there is no panel 'nothing': there are engagement"),
        ("/api/panels/creator", "creator: is needed and must not be empty"),
        ("/api/panels/creator?creator=" + "x" * 257, "creator: at most 256 characters, not 257"),
        ("/api/stream?panels=" + ",".join(["late"] * 13), "panels: at most 12 at a time, not 13"),
        ("/api/stream?panels=late&kind=video", "unknown parameter 'kind' of late: there are none"),
        ("/api/stream?panels=top_windows&kind=cat", "kind='cat': must be one of (empty), video"),
    ],
)
async def test_wrong_questions_are_refused(
    web: aiohttp.ClientSession, path: str, says: str
) -> None:
    async with web.get(path) as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith(says)


async def test_headers_forbid_what_the_page_does_not_need(web: aiohttp.ClientSession) -> None:
    for path in ("/", "/js/app.js", "/api/panels/late", "/api/panels/none", "/none", "/api/stream"):
        async with web.get(path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with web.post("/api/panels/late") as response:
        assert response.status == 405


async def test_it_answers_only_to_names_of_this_machine(web: aiohttp.ClientSession) -> None:
    async with web.get("/", headers={"Host": "evil.example:80"}) as response:
        assert response.status == 421
    async with web.get("/", headers={"Host": "localhost:1"}) as response:
        assert response.status == 200


async def test_files_are_packed_and_asked_for_once(web: aiohttp.ClientSession) -> None:
    async with web.get("/") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert "<title>engage</title>" in await response.text()
        etag = response.headers["ETag"]
    async with web.get("/", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    for path in ("/../server.py", "/%2e%2e/server.py", "/js"):
        async with web.get(path) as response:
            assert response.status == 404


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in response.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


async def test_an_insert_is_seen_within_two_seconds(
    web: aiohttp.ClientSession, tables: Tables
) -> None:
    waits_s = []
    async with web.get("/api/stream?panels=engagement,late&range=1h") as response:
        stream = events(response)
        seen: set[str] = set()
        while seen < {"pulse", "engagement", "late"}:
            name, told = await anext(stream)
            seen.add(told.get("panel", name))
        for version in (2, 3, 4):
            await asyncio.sleep(0.35 * version)  # at different moments between two readings
            tables.write("windows_1m", window(0, "v1", version=version, views=1000 * version))
            tables.write("partitions", partition(0, 700 + version, version=version))
            written_s = time.monotonic()
            pulse, panel = False, False
            while not (pulse and panel):
                name, told = await anext(stream)
                pulse |= name == "pulse" and told["totals"]["messages"] == str(1000 + version)
                panel |= name == "panel" and told["rows"][-1]["views"] == str(1000 * version)
                assert told.get("panel") != "late", "what did not change is not sent again"
            waits_s.append(time.monotonic() - written_s)
    assert statistics.median(waits_s) < 2.0, waits_s


class CountingReader(Reader):
    """Counts what is asked."""

    def __init__(self, url: str, database: str) -> None:
        super().__init__(url, database)
        self.asked: list[str] = []

    async def rows(self, ask: Ask) -> list[Row]:
        self.asked.append(ask.query.name)
        return await super().rows(ask)


async def test_all_viewers_share_one_poll_and_nobody_means_none(
    clickhouse: EmbeddedClickHouse, migrated: str, tables: Tables
) -> None:
    fill(tables, clickhouse.url, migrated)
    reader = CountingReader(clickhouse.reading_url, migrated)
    hub = Hub(reader, interval_s=0.2)
    viewers = [hub.join(asks_of((TRENDING[0], LATE), {})) for _ in range(20)]
    async with asyncio.timeout(30):
        for viewer in viewers:
            text = b""
            async for part in viewer.frames():
                text += part
                if b'"panel":"trending_video"' in text and b'"panel":"late"' in text:
                    break
    assert reader.asked.count("trending_video") <= 4  # unchanged data is not read for every viewer
    for viewer in viewers:
        hub.leave(viewer)
    await asyncio.sleep(0.1)
    reader.asked.clear()
    await asyncio.sleep(0.7)
    assert reader.asked == []
    await hub.close()
    await reader.close()


async def test_the_reader_cannot_write_even_with_the_password(
    clickhouse: EmbeddedClickHouse, migrated: str, client: Client
) -> None:
    reader = Reader(clickhouse.url, migrated)
    for sql in ("INSERT INTO late (version) VALUES (1)", "DROP TABLE late", "TRUNCATE TABLE late"):
        with pytest.raises(Refused):
            await reader.rows(Ask(Query("wrong", "", sql), ()))
    assert rows(client, "SELECT count() FROM late") == [(0,)]
    await reader.close()


async def test_a_missing_database_says_what_to_do(clickhouse: EmbeddedClickHouse) -> None:
    async with (
        Dashboard(clickhouse.reading_url, database="nowhere") as running,
        aiohttp.ClientSession(running.url) as web,
        web.get("/api/panels/late") as response,
    ):
        assert response.status == 503
        assert "has 'engage migrate' been run?" in (await response.json())["error"]


async def test_without_clickhouse_the_page_lives_and_says_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with Dashboard(address) as running, aiohttp.ClientSession(running.url) as web:
            async with web.get("/") as response:
                assert response.status == 200
            async with web.get("/api/panels/late") as response:
                assert response.status == 503
            async with web.get("/api/stream?panels=late") as response:
                name, told = await anext(events(response))
                assert name == "problem"
                assert told["message"].startswith(f"ClickHouse at {address} does not answer")


async def test_wrong_addresses_and_busy_ports() -> None:
    reader = Reader("http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        await reader.rows(Ask(LATE, ()))
    await reader.close()
    async with Dashboard("http://127.0.0.1:1") as running:
        port = int(running.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(Refused, match="choose another with --port"):
            await Dashboard("http://127.0.0.1:1", port=port).start()


def test_the_day_ends_where_the_tests_think() -> None:
    assert NOW_MS % 60_000 == 59_999
