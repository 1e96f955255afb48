"""The page's addresses, and opening one."""

from __future__ import annotations

from typing import Any

from dashboard.server import Dashboard
from tests.browser.chromium import Page

SECTIONS = (
    "overview",
    "trending",
    "trending?kind=hashtag",
    "trending?kind=cat",  # no kind: as if nothing were chosen
    "for-you",
    "earnings?period=all",
    "content",
    "lives",
    "experiments",
    "creator?creator=c1",
    "creator?creator=c9&entry=affiliate%3Ao1%3A0-7f",
)
READY = """document.querySelectorAll('.card[aria-busy="true"]').length === 0
    && /live|quiet/.test(document.getElementById('live')?.dataset.state)
    && document.querySelectorAll('#view tbody tr').length > 0"""


async def show(page: Page, dashboard: Dashboard, section: str, **window: Any) -> None:
    """Open a section and wait until all its cards are drawn."""
    await page.show(f"{dashboard.url}#/{section}", **window)
    await page.until(READY)
