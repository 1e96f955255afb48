"""Who does not see, does not use a mouse, or has a small screen, reads the same page."""

from __future__ import annotations

import pytest

from dashboard.server import Dashboard
from tests.browser.chromium import Page
from tests.browser.sections import SECTIONS, show

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]

NAMED = {
    *("button", "link", "radio", "combobox", "table", "img", "image", "region", "navigation"),
    *("heading", "group", "alert", "columnheader", "rowheader"),
}
MAY_BE_EMPTY = {"alert"}  # a live region is there before it says something

# Contrast by WCAG 2.2: 4.5, of large text 3. Colours are read back from a canvas, because a style
# may be told in any colour space; half-transparent ones are laid over what is behind them.
POOR_CONTRAST = """(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgba = (css) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = css;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], under) => [r, g, b].map((one, i) => one * a + under[i] * (1 - a));
    const behind = (element) => {
        if (!element) return [255, 255, 255];
        const own = rgba(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((one) => one / 255).map((one) =>
            (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = new Set();
    let seen = 0;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const style = getComputedStyle(element);
        if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (element.closest('.hidden, .skip, noscript, script')) continue;
        seen += 1;
        const back = behind(element);
        const [a, b] = [light(over(rgba(style.color), back)), light(back)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) poor.add(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
    }
    return [seen, [...poor]];
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_what_is_behind_it(
    page: Page, dashboard: Dashboard, scheme: str
) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section, scheme=scheme)
        seen, poor = await page.read(POOR_CONTRAST)
        assert seen > 30, section
        assert poor == [], section


async def test_screen_readers_are_told_a_name_for_everything(
    page: Page, dashboard: Dashboard
) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section)
        told = await page.accessible()
        roles = {role for role, _ in told}
        assert {"main", "navigation", "heading", "table", "columnheader"} <= roles, section
        nameless = [
            role for role, name in told if role in NAMED - MAY_BE_EMPTY and not name.strip()
        ]
        assert nameless == [], section
        regions = [name for role, name in told if role == "region"]
        assert len(regions) == len(set(regions)), f"{section}: two regions have one name"
        twice = await page.read("""[...document.querySelectorAll('[id]')].map(one => one.id)
            .filter((id, i, all) => all.indexOf(id) !== i)""")
        assert twice == [], section
        levels = await page.read("""[...document.querySelectorAll('h1, h2, h3')]
            .filter(one => one.checkVisibility()).map(one => Number(one.tagName[1]))""")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert set(levels[1:]) <= {2}


async def test_the_keyboard_reaches_everything_in_the_order_of_the_page(
    page: Page, dashboard: Dashboard
) -> None:
    for section in ("overview", "creator?creator=c9"):
        await show(page, dashboard, section)
        await page.read("window.reached = []")
        while True:
            await page.press("Tab", 9)
            if not await page.read("""(() => {
                const at = document.activeElement;
                if (at === document.body || window.reached.includes(at)) return false;
                window.reached.push(at);
                return true;
            })()"""):
                break
        assert await page.read("window.reached[0].className") == "skip"
        out_of_order = await page.read("""window.reached.slice(1).filter((one, i) =>
            !(window.reached[i].compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)).length""")
        assert out_of_order == 0
        missed = await page.read("""[...document.querySelectorAll(
            'a[href], button, select, summary, [tabindex="0"], input:checked')]
            .filter(one => one.checkVisibility() && !window.reached.includes(one))
            .map(one => one.outerHTML.slice(0, 90))""")
        assert missed == []


async def test_the_first_key_skips_the_navigation(page: Page, dashboard: Dashboard) -> None:
    await show(page, dashboard, "overview")
    await page.press("Tab", 9)
    await page.press("Enter", 13, "\r")
    assert await page.read("document.activeElement.id") == "main"


async def test_charts_are_read_with_the_arrow_keys(page: Page, dashboard: Dashboard) -> None:
    await show(page, dashboard, "earnings?period=all")
    await page.until("document.querySelector('.chart .uplot') !== null")
    await page.read("document.querySelector('.chart[tabindex]').focus()")
    await page.press("End", 35)
    await page.until("document.querySelector('.chart output').textContent.includes('Live gifts $')")


@pytest.mark.parametrize("width", [360, 768, 1024])
async def test_no_section_is_wider_than_the_window(
    page: Page, dashboard: Dashboard, width: int
) -> None:
    for section in SECTIONS:
        await show(page, dashboard, section, width=width, height=780)
        found = await page.read("""[document.documentElement.scrollWidth, ...[
            ...document.querySelectorAll('.card .body .table table')]
            .filter(one => !one.closest('.scroll')).map(one => one.getBoundingClientRect().right
            - one.closest('.card').getBoundingClientRect().right)]""")
        assert found[0] <= width, section
        assert max(found[1:]) <= 0, f"{section}: a table leaves its card"
