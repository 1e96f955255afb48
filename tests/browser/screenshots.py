"""Takes the pictures in docs/pictures: .venv/bin/python -m tests.browser.screenshots [--worlds DIR]

Runs the demo's log through the embedded stack, then looks at it with a headless Chromium. WebP keeps
each under 80 kB; Chromium's own encoder makes them, so nothing else is needed. DIR is what
`engage experiment likes --data DIR` has left: without it the picture of experiments stays as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dashboard.server import Dashboard
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from tests.browser.chromium import Page, find_chromium, open_page
from tests.browser.sections import show

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
QUALITY = 82


class Shot(NamedTuple):
    """One picture: its name, the address, and the window."""

    name: str
    section: str
    scheme: str = "light"
    width: int = 1280
    height: int = 800


# The largest share of the fund: its arithmetic is long enough to show.
ENTRY = """SELECT creator_id, entry_id FROM earnings_ledger WHERE source = 'creator_fund'
    ORDER BY amount_micros DESC, entry_id LIMIT 1"""
SHOTS = (
    Shot("overview", "overview"),
    Shot("trending-dark", "trending", "dark"),
    Shot("for-you", "for-you?verdict=all"),
    Shot("earnings-dark", "earnings?period=all", "dark"),
    Shot("creator", "creator?creator={creator}&entry={entry}"),
    Shot("content", "content"),
    Shot("lives-dark", "lives", "dark"),
    Shot("phone", "earnings?period=all", "light", 390, 844),
)
OF_WORLDS = (Shot("experiments", "experiments"),)


def main() -> int:
    """Make the results, look at them, write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", metavar="DIR", type=Path)
    worlds: Path | None = parser.parse_args().worlds
    browser = find_chromium()
    if browser is None:
        print("no Chromium here: install the system's package (apt-get install chromium)")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="engage-shots-") as folder:
        count_sample(Path(folder) / "demo")
        with EmbeddedClickHouse(Path(folder) / "demo" / "clickhouse") as server:
            client = connect(server.reading_url)
            ((creator, entry),) = client.query(ENTRY).result_rows
            client.close()
            ids = {"creator": creator, "entry": entry}
            asyncio.run(shoot(browser, server.reading_url, SHOTS, ids))
    if worlds is not None:
        with EmbeddedClickHouse(worlds / "likes" / "clickhouse") as server:
            asyncio.run(shoot(browser, server.reading_url, OF_WORLDS, {}))
    return 0


def count_sample(data: Path) -> None:
    """Count the demo's log by the demo's rates."""
    subprocess.run(
        [
            *(sys.executable, "-m", "scripts.cli", "run", "--data", str(data)),
            *("--input", str(ROOT / "samples" / "day.jsonl.zst")),
            *("--rates", str(ROOT / "samples" / "rates.toml")),
        ],
        cwd=ROOT,
        check=True,
    )


async def shoot(browser: str, clickhouse: str, shots: Sequence[Shot], ids: dict[str, str]) -> None:
    """Write these pictures."""
    async with Dashboard(clickhouse) as dashboard, open_page(browser) as page:
        for shot in shots:
            (FOLDER / f"{shot.name}.webp").write_bytes(await picture(page, dashboard, shot, ids))
        assert page.complaints == [], page.complaints


async def picture(page: Page, dashboard: Dashboard, shot: Shot, ids: dict[str, str]) -> bytes:
    """Return one picture, taken when everything is drawn and at rest."""
    window = {"width": shot.width, "height": shot.height, "scheme": shot.scheme}
    await show(page, dashboard, shot.section.format(**ids), **window)
    await page.until(
        "[...document.querySelectorAll('.card')].every(card => !card.getAnimations().length)"
    )
    await page.until("!document.body.textContent.includes('…')")
    await page.read("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    await asyncio.sleep(0.4)  # charts are drawn in the frame after their size is known
    return await page.picture("webp", QUALITY)


if __name__ == "__main__":
    sys.exit(main())
