"""Who may read over HTTP."""

from __future__ import annotations

import aiohttp
import pytest

from dashboard.server import Dashboard
from schemas.errors import ConfigError
from sinks.embedded import EmbeddedClickHouse
from sinks.http_access import Access


def test_a_server_that_others_reach_needs_a_token() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        assert Access(host, "").allows("")
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org"):
        with pytest.raises(ConfigError, match="ENGAGE_HTTP_TOKEN"):
            Access(host, "")


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("Bearer t0ken", True),
        ("bearer t0ken", True),
        ("Basic YW55OnQwa2Vu", True),  # any:t0ken
        ("Basic OnQwa2Vu", True),  # :t0ken
        ("Basic YW55OnQwa2VuMg==", False),
        ("Bearer t0ken2", False),
        ("Bearer", False),
        ("Basic t0ken", False),
        ("Basic é", False),
        ("t0ken", False),
        ("", False),
    ],
)
def test_the_token_is_asked_for(header: str, allowed: bool) -> None:
    assert Access("0.0.0.0", "t0ken").allows(header) is allowed


async def test_a_dashboard_that_others_reach_asks_for_its_token(
    clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    with pytest.raises(ConfigError, match="ENGAGE_HTTP_TOKEN"):
        Dashboard(clickhouse.reading_url, host="0.0.0.0")
    async with (
        Dashboard(
            clickhouse.reading_url, database=migrated, host="0.0.0.0", token="t0ken"
        ) as running,
        aiohttp.ClientSession(running.url) as web,
    ):
        for path in ("/", "/api/panels", "/api/stream?panels="):
            async with web.get(path) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        async with web.get("/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        for headers in (
            {"Authorization": "Bearer t0ken"},
            {"Authorization": aiohttp.encode_basic_auth("anybody", "t0ken")},
        ):
            async with web.get("/api/panels", headers=headers) as answer:
                assert answer.status == 200
