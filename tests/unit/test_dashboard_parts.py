"""What the dashboard is made of: rates, movement, static files, the command."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from dashboard.movement import Movement
from dashboard.pulse import Pulse
from dashboard.reader import Reader
from dashboard.static import FILES, FOLDER
from sinks.http_access import is_loopback
from tests.dashboard_rows import partition

ROOT = Path(__file__).resolve().parent.parent.parent


def reading(messages: int, **by_type: int) -> list[dict[str, Any]]:
    row = partition(0, messages, unknown_fields=0) | {"by_type": by_type or {"view": messages}}
    row |= {"beat_at": 0, "waiting": "0", "stopped": 0}
    return [{**row, **{name: str(row[name]) for name in ("messages", "counted")}}]


def test_rates_are_measured_over_five_seconds() -> None:
    pulse = Pulse()
    rates = [
        pulse.take(reading(100 * second), float(second), second * 1000)["per_second"]
        for second in range(10)
    ]
    assert rates[0] == 0, "one reading is no rate"
    assert rates[1:] == [100.0] * 9
    assert [at for at, _ in pulse.history] == [second * 1000 for second in range(10)]


def test_a_beat_of_flushes_does_not_show() -> None:
    """Workers flush in lumps: the rate still is what flows in the mean."""
    pulse = Pulse()
    counted = [0, 0, 400, 400, 400, 400, 800, 800, 800, 800, 1200, 1200]
    rates = [pulse.take(reading(n), float(i), i)["per_second"] for i, n in enumerate(counted)]
    assert max(rates[6:]) <= 160
    assert min(rates[6:]) >= 80


def test_a_silent_worker_is_told_from_a_quiet_log_and_from_one_that_was_stopped() -> None:
    def told(*beats: tuple[int, int, int]) -> Any:
        rows = [
            reading(5)[0] | {"partition": at, "beat_at": beat, "waiting": str(wait), "stopped": end}
            for at, (beat, wait, end) in enumerate(beats)
        ]
        return Pulse().take(rows, 0.0, 60_000)["workers"]

    assert told((0, 0, 0)) is None, "no worker ever told"
    assert told((59_000, 7, 0), (58_000, 2**60, 0)) == {
        "waiting": str(2**60 + 7),
        "silent_ms": 2_000,
        "stopped": False,
    }
    assert told((59_000, 0, 0), (30_000, 3, 0))["silent_ms"] == 30_000, "one of two is gone"
    assert told((30_000, 0, 1), (30_001, 0, 1))["stopped"]
    assert not told((59_000, 0, 1), (59_000, 0, 0))["stopped"]


def test_a_topic_that_begins_again_does_not_flow_backwards() -> None:
    pulse = Pulse()
    pulse.take(reading(1000), 0.0, 0)
    told = pulse.take(reading(10, like=10), 1.0, 1000)
    assert told["per_second"] == 0
    assert told["types"] == [{"type": "like", "messages": "10", "per_second": 10.0}]


def test_when_something_changed_last() -> None:
    pulse = Pulse()
    assert pulse.take(reading(5), 0.0, 1000)["changed_ms"] is None
    assert pulse.moved, "the first reading is news"
    assert pulse.take(reading(6), 1.0, 2000)["changed_ms"] == 2000
    assert pulse.moved
    assert pulse.take(reading(6), 2.0, 3000)["changed_ms"] == 2000
    assert not pulse.moved


def test_an_empty_log_has_no_now() -> None:
    told = Pulse().take([], 0.0, 0)
    assert told["now_ms"] is None
    assert told["totals"]["messages"] == "0"


def ranked(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "rank": str(i + 1)} for i, name in enumerate(names)]


def moves(movement: Movement, at_s: float, *names: str) -> list[int | None]:
    rows = ranked(*names)
    movement.tell(rows, at_s)
    return [row["moved"] for row in rows]


def test_movement_is_against_a_minute_ago() -> None:
    movement = Movement(("name",))
    assert moves(movement, 0, "a", "b", "c") == [0, 0, 0], "nothing to compare with yet"
    assert moves(movement, 10, "b", "a", "c") == [1, -1, 0]
    assert moves(movement, 59, "b", "a", "d") == [1, -1, None], "a newcomer"
    assert moves(movement, 71, "b", "a", "c") == [0, 0, 0], "10 is a minute ago now"
    assert movement.tell(ranked("b"), 130.0) == 71


def test_nobody_is_new_in_the_first_list() -> None:
    movement = Movement(("name",))
    assert moves(movement, 0) == []
    assert moves(movement, 5, "a", "b") == [0, 0]


def test_vendored_files_are_what_the_list_says() -> None:
    listed = {}
    for line in (FOLDER / "vendor" / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 7 and re.fullmatch(r"[0-9a-f]{64}", cells[5]):
            listed[cells[1]] = cells[5]
    found = {
        path.relative_to(FOLDER / "vendor").as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in (FOLDER / "vendor").rglob("*")
        if path.is_file() and path.name not in ("README.md", "LICENSE")
    }
    assert found == listed
    assert (FOLDER / "vendor" / "uplot" / "LICENSE").exists()
    assert (FOLDER / "vendor" / "inter" / "LICENSE").exists()


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for name, file in FILES.items():
        if name.startswith("vendor/") or not name.endswith((".html", ".css", ".js")):
            continue
        text = file.body.decode()
        foreign = [
            url for url in re.findall(r"(?:https?:)?//[\w.]+\.\w+", text) if "w3.org" not in url
        ]
        assert not foreign, f"{name}: {foreign}"
        assert "innerHTML" not in text, f"{name} makes HTML of text"


def test_no_script_or_style_is_inline() -> None:
    page = FILES["index.html"].body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".js", ".css"))])
def test_files_stay_small(name: str) -> None:
    lines = FILES[name].body.decode().count("\n")
    assert name.startswith("vendor/") or lines <= 300, f"{name} has {lines} lines: split it"


def test_who_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""))


def test_an_address_without_password_is_shown_without_it() -> None:
    assert Reader("http://me:secret@host:8123").address == "http://host:8123"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.cli", "dashboard", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    for arguments, says in (
        ((), "nothing to look at: give --data DIR, --clickhouse URL or ENGAGE_CLICKHOUSE"),
        (("--data", str(tmp_path)), "holds no results: make some with `engage run --data`"),
        (("--clickhouse", "host:8123"), "must look like http://user:password@host:8123"),
        (("--clickhouse", "http://h:1", "--port", "70000"), "must be from 0 to 65535"),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.stack
async def test_the_command_serves_and_ends(clickhouse: Any) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.cli", "dashboard", "--port", "0"),
        *("--clickhouse", clickhouse.reading_url),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.match(r"dashboard {2}(http://127\.0\.0\.1:\d+/) ", line)
    assert found, line
    page = await asyncio.to_thread(urllib.request.urlopen, found[1], None, 10)
    assert page.status == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
