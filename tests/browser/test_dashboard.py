"""The dashboard as people see it, in a real browser."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboard.server import Dashboard
from sinks.embedded import EmbeddedClickHouse
from tests.browser.chromium import Page
from tests.dashboard_rows import LARGE_MICROS, NASTY, partition, window
from tests.unit.clickhouse_rows import Tables, rows

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

SECTIONS = (
    *("overview", "trending", "trending?kind=hashtag", "earnings?period=all", "content", "lives"),
    "creator?creator=c1",
)
READY = """document.querySelectorAll('.card[aria-busy="true"]').length === 0
    && /live|quiet/.test(document.getElementById('live')?.dataset.state)
    && document.querySelectorAll('#view tbody tr').length > 0"""


async def show(page: Page, dashboard: Dashboard, section: str, **window: Any) -> None:
    await page.show(f"{dashboard.url}#/{section}", **window)
    await page.until(READY)


async def figures(page: Page) -> dict[str, str]:
    """Names and values of the figures in the strip on top."""
    script = """Object.fromEntries([...document.querySelectorAll('.figure')].map(one =>
        [one.querySelector('.name').textContent, one.querySelector('strong').textContent]))"""
    found: dict[str, str] = await page.read(script)
    return found


async def cells(page: Page, caption: str) -> list[list[str]]:
    """A table's texts, found by its caption."""
    script = f"""[...document.querySelectorAll('table')]
        .find(one => one.caption.textContent.startsWith({json.dumps(caption)}))
        .querySelectorAll('tbody tr').values().toArray()
        .map(line => [...line.cells].map(cell => cell.textContent))"""
    found: list[list[str]] = await page.read(script)
    return found


async def test_every_section_loads_without_complaints_and_from_here_alone(
    page: Page, dashboard: Dashboard
) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section)
    assert page.complaints == []
    elsewhere = [
        url for url in page.requested if not url.startswith((dashboard.url, "about:", "data:"))
    ]
    assert elsewhere == []


async def test_numbers_on_the_page_equal_sql(
    page: Page, dashboard: Dashboard, client: Client
) -> None:
    await show(page, dashboard, "overview")
    shown = await figures(page)
    ((messages, duplicates, dead),) = rows(
        client, "SELECT sum(messages), sum(duplicates), sum(dead_letters) FROM partitions FINAL"
    )
    assert shown["Messages"] == f"{messages:,}"
    assert shown["Duplicates"] == f"{duplicates:,}"
    assert shown["Dead letters"] == f"{dead:,}"
    types = {name: total for name, _, total in await cells(page, "Messages by type")}
    assert types == {"View": "880", "Like": "100"}

    await show(page, dashboard, "lives")
    lives = {line[0]: line for line in await cells(page, "Live sessions")}
    assert lives["l1"][2:6] == ["on air", "11 Mar, 22:59", "1 h", "0"]
    assert lives["l2"][2] == "ended"

    await show(page, dashboard, "content?dimension=hashtag")
    content = {line[0]: line for line in await cells(page, "Likes per 1,000 views")}
    ((likes,),) = rows(
        client,
        "SELECT likes_per_1000_views FROM content_performance "
        "WHERE dimension = 'hashtag' AND value = 'fyp'",
    )
    assert content["#fyp"][1] == f"{likes:,.0f}"


async def test_money_is_exact_beyond_what_a_browser_can_count(
    page: Page, dashboard: Dashboard
) -> None:
    await show(page, dashboard, "earnings?period=all")
    entries = await cells(page, "Newest ledger entries")
    assert f"${LARGE_MICROS // 10**6:,}.{LARGE_MICROS % 10**6:06}" in [line[-1] for line in entries]
    await show(page, dashboard, "creator?creator=c1")
    await page.until("document.querySelector('.figure strong').textContent.startsWith('$')")
    assert (await figures(page))["Balance"] == "$77.08"
    script = """import('./js/format.js').then(f => [
        f.money('-1382500'), f.money('5000'), f.money('15000'), f.money('-4999'),
        f.exactMoney('122800'), f.exactMoney('-1'), f.exactMoney('9223372036854775807', 'CHF'),
        f.count('9007199254740993'), f.short('1234567'), f.duration(59999), f.sum(['1', '-3'])])"""
    assert await page.read(script) == [
        *("\u2212$1.38", "$0.00", "$0.02", "$0.00"),
        *("$0.1228", "\u2212$0.000001", "CHF 9,223,372,036,854.775807"),
        *("9,007,199,254,740,993", "1.2 M", "1 min", "-2"),
    ]


async def test_an_event_is_seen_within_two_seconds_without_reload(
    page: Page, dashboard: Dashboard, tables: Tables
) -> None:
    await show(page, dashboard, "overview?range=1h")
    await page.read("window.sameDocument = true")
    tables.write("windows_1m", window(0, "v1", version=2, likes=12_345))
    tables.write("partitions", partition(0, 777_000, version=2))
    written_s = time.monotonic()
    await page.until("""document.querySelector('.figure strong').textContent === '777,300'
        && [...document.querySelectorAll('.mini')].some(one => one.textContent.includes('12,3'))""")
    assert time.monotonic() - written_s < 2.0
    assert await page.read("window.sameDocument")


async def test_ids_of_strangers_stay_text(page: Page, dashboard: Dashboard) -> None:
    await show(page, dashboard, "content")
    assert NASTY in [line[0] for line in await cells(page, "Videos with the most")]
    assert await page.read("document.querySelectorAll('img').length") == 0
    link = "[...document.querySelectorAll('td a')].find(one => one.textContent.includes('DROP'))"
    await page.read(f"{link}.click()")
    await page.until("document.getElementById('title').textContent.includes('DROP TABLE')")
    await page.until(
        "document.querySelector('.figure strong').textContent.startsWith('$9,007,199')"
    )
    assert page.complaints == []


async def test_filters_stand_in_the_address(page: Page, dashboard: Dashboard) -> None:
    await show(page, dashboard, "overview")
    await page.read("""document.querySelector('input[value="7d"]').click()""")
    await page.until("location.hash === '#/overview?range=7d'")
    await page.read("""document.querySelector('input[value="24h"]').click()""")
    await page.until("location.hash === '#/overview'")
    await page.read("history.back()")
    await page.until("""document.querySelector('input[value="7d"]').checked""")


@pytest.mark.parametrize("width", [360, 768, 1024])
async def test_no_section_is_wider_than_the_window(
    page: Page, dashboard: Dashboard, width: int
) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section, width=width, height=780)
        found = await page.read("""[document.documentElement.scrollWidth, ...[
            ...document.querySelectorAll('.card .body > .table table')].map(one => one.getBoundingClientRect().right
            - one.closest('.card').getBoundingClientRect().right)]""")
        assert found[0] <= width, section
        assert max(found[1:]) <= 0, f"{section}: a table leaves its card"


async def test_keyboard_and_screen_readers(page: Page, dashboard: Dashboard) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section)
        unnamed = await page.read("""[...document.querySelectorAll(
            'table:not(:has(caption)), button:not([aria-label]), a:not([href]), '
            + 'section:not([aria-label]):not([aria-labelledby]), svg:not([aria-hidden]):not([aria-label])'
            )].map(one => one.outerHTML.slice(0, 120))""")
        assert unnamed == [], section
        twice = await page.read("""[...document.querySelectorAll('[id]')].map(one => one.id)
            .filter((id, i, all) => all.indexOf(id) !== i)""")
        assert twice == [], section
    for key in ("Tab", "Enter"):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if (key, kind) == ("Enter", "keyDown") else {}
            code = {"Tab": 9, "Enter": 13}[key]
            await page.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
            )
    assert await page.read("document.activeElement.id") in ("main", "title")


async def test_a_clickhouse_that_goes_is_told_and_comes_back(
    page: Page, dashboard: Dashboard, clickhouse: EmbeddedClickHouse
) -> None:
    await show(page, dashboard, "earnings?period=all")
    booked = (await figures(page))["Booked"]
    clickhouse.stop()
    await page.until("document.getElementById('live').dataset.state === 'problem'")
    assert "does not answer" in await page.read("document.getElementById('banner').textContent")
    assert "ago" in await page.read("document.getElementById('live-text').textContent")
    assert (await figures(page))["Booked"] == booked, "what was seen stays, marked as old"
    port = int(clickhouse.reading_url.rpartition(":")[2])
    with EmbeddedClickHouse(clickhouse.path, port=port):
        await page.until("/live|quiet/.test(document.getElementById('live').dataset.state)")
        assert await page.read("document.getElementById('banner').hidden")
    await dashboard.stop()
    await page.until("document.getElementById('live').dataset.state === 'lost'")
