"""What bars, lines and long texts look like, measured in a real browser."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dashboard.server import Dashboard
from sinks.embedded import EmbeddedClickHouse
from tests.browser.chromium import Page
from tests.browser.sections import show
from tests.dashboard_rows import NOW_MS, explanation, fill, partition
from tests.unit.clickhouse_rows import Tables

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

PHONE, DESK = 360, 1280
BARS = """[...document.querySelectorAll('td .proportions')].map(bar => [
    bar.closest('tr').cells[0].textContent, bar.parentElement.getBoundingClientRect().width,
    bar.closest('td').clientWidth - 2 * parseFloat(getComputedStyle(bar.closest('td')).paddingLeft),
    bar.getBoundingClientRect().width,
    [...bar.children].map(part => part.getBoundingClientRect().width)])"""
ESTIMATES = """[...document.querySelectorAll('.estimate')].map(one => {
    const box = (name) => one.querySelector(name).getBoundingClientRect();
    const [line, point, frame] = ['.between', '.point', '.range'].map(box);
    const between = one.querySelector('.dim');
    return {
        estimate: one.querySelector('b').textContent, between: between.textContent,
        seen: between.checkVisibility() && between.scrollWidth <= between.clientWidth
            && between.getBoundingClientRect().right <= innerWidth,
        line: [line.left - frame.left, line.right - frame.left].map(at => at / frame.width),
        point: ((point.left + point.right) / 2 - frame.left) / frame.width,
    };
})"""
# Texts of table cells that are cut: what a cell holds is wider than what it shows, or leaves the window.
CUT = """[...document.querySelectorAll('.halves tbody :is(td, th)')].filter(cell => {
    if (!cell.checkVisibility()) return false;
    const text = document.createRange();
    text.selectNodeContents(cell);
    const { left, right } = text.getBoundingClientRect();
    const frame = cell.closest('.card').getBoundingClientRect();
    return [cell, ...cell.querySelectorAll('*')].some(one => one.scrollWidth > one.clientWidth
            && getComputedStyle(one).overflowX !== 'visible')
        || left < frame.left || right > frame.right;
}).map(cell => cell.textContent)"""


async def test_bars_of_creators_are_as_long_as_their_amounts(
    page: Page, own_dashboard: Dashboard, tables: Tables
) -> None:
    """By pixels: the whole bar is a share of the greatest amount, its parts are shares of the bar."""
    dollars = {"a": {"gift": 60, "sale": 40}, "b": {"gift": 30, "sale": 20}, "c": {"sale": 25}}
    tables.write("partitions", partition(0, 700))
    tables.write(
        "ledger", *(_entry(who, *part) for who in dollars for part in dollars[who].items())
    )
    await show(page, own_dashboard, "earnings?period=all", width=DESK)
    bars = {who: (cell, whole, parts) for who, _, cell, whole, parts in await page.read(BARS)}
    assert list(bars) == ["a", "b", "c"]
    for who, (cell, whole, parts) in bars.items():
        amounts = list(dollars[who].values())
        gaps = len(parts) - 1
        assert whole / bars["a"][1] == pytest.approx(sum(amounts) / 100, abs=0.01)
        assert whole == pytest.approx(cell * sum(amounts) / 100, abs=2)
        assert sum(parts) + gaps == pytest.approx(whole, abs=1), "the parts fill the bar"
        assert [part / sum(parts) for part in parts] == pytest.approx(
            [amount / sum(amounts) for amount in amounts], abs=0.02
        )


def _entry(creator: str, source: str, dollars: int) -> dict[str, object]:
    return {
        "entry_id": f"{source}:{creator}",
        "occurred_at": NOW_MS - 1,
        "creator_id": creator,
        "source": source,
        "state": "final",
        "amount_micros": dollars * 1_000_000,
        "currency": "USD",
        "reference": "live:l1",
        "rate_version": "r-1",
        "version": 1,
    }


@pytest.mark.parametrize("width", [PHONE, DESK])
async def test_an_estimate_lies_between_its_bounds(
    page: Page, dashboard: Dashboard, width: int
) -> None:
    for dimension in ("hashtag", "content_type", "weekday"):
        await show(page, dashboard, f"content?dimension={dimension}", width=width)
        shown = await page.read(ESTIMATES)
        assert shown
        scrolls = (
            "[...document.querySelectorAll('.table')].map(t => t.scrollWidth > t.clientWidth)[0]"
        )
        assert not await page.read(scrolls), dimension
        for one in shown:
            low, high = (float(bound) for bound in one["between"].split("\u2013"))
            assert low < float(one["estimate"]) < high
            assert one["seen"], "on a phone too"
            assert 0 <= one["line"][0] < one["point"] < one["line"][1] <= 1.001
        if dimension == "hashtag":  # ordered by the estimate
            assert all(float(a["estimate"]) >= float(b["estimate"]) for a, b in pairwise(shown))


@pytest.mark.parametrize("width", [PHONE, 768, DESK])
async def test_an_explanation_is_read_in_full(
    page: Page,
    own_dashboard: Dashboard,
    own_clickhouse: EmbeddedClickHouse,
    tables: Tables,
    width: int,
) -> None:
    fill(tables, own_clickhouse.url, "engagement")
    label = "1 + k x min(rate / reference, cap) of all qualified views of that day"
    note = (
        "k 400000 ppm, reference 50000 ppm, cap 2000000 ppm; as of the rate card creator-rewards-1"
    )
    steps = [[label, 1_440_000, "ppm", note], ["engagement", 12_345_678_901, "USD", note]]
    long = {"entry_id": "affiliate:o1:long", "reference": "order:o1"}
    tables.write("ledger", _entry("c9", "affiliate", 10) | long)
    tables.write("explanations", explanation("affiliate:o1:long", steps))
    section = "creator?creator=c9&entry=affiliate%3Ao1%3Along"
    await show(page, own_dashboard, section, width=width)
    await page.until("document.querySelectorAll('.halves tbody tr').length >= 4")
    assert label in await page.read("document.querySelector('.halves tbody th').textContent")
    assert await page.read(CUT) == []
    # What is broken within its words cannot be read either.
    assert (
        await page.read("""[...document.querySelectorAll('.halves tbody th')].filter(cell => {
        const text = document.createRange();
        text.selectNodeContents(cell);
        return text.getClientRects().length > cell.textContent.split(' ').length;
    }).length""")
        == 0
    )
    assert await page.read("""[...document.querySelectorAll('.halves tbody tr:first-child > .wraps')]
        .every(cell => cell.clientWidth >= 72)""")


async def test_filters_are_seen_on_a_phone_without_scrolling(
    page: Page, dashboard: Dashboard
) -> None:
    for section in ("content", "lives", "trending", "for-you"):
        await show(page, dashboard, section, width=PHONE)
        assert await page.read("""[...document.querySelectorAll('.segments label')].every(one => {
            const { left, right } = one.getBoundingClientRect();
            return left >= 0 && right <= innerWidth
                && one.closest('.segments').scrollWidth <= one.closest('.segments').clientWidth;
        })"""), section
