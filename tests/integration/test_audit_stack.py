"""The audit of a running stack and of a folder it left: agreement, and a cell that was changed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.archive import archive_topics
from scripts.cli import dispatch, guarded
from scripts.records import address
from scripts.replay import replay
from scripts.settle import settle_closed_days
from scripts.stack import Stack
from streams.config import Settings
from tests.oracle.events import DAY_MS, HOUR_MS, event, invalidated, line_of

Audit = Callable[[], tuple[int, dict[str, Any]]]


def small_log() -> list[bytes]:
    """Something for every view."""
    view, like, unlike = event("view"), event("like"), event("unlike", at=1)
    events = [
        event("video_published", hashtags=["x"], sound_id="s", product_ids=["p"]),
        event(
            "video_published", video_id="both", collaborators=[{"creator_id": "d", "share_bps": 5}]
        ),
        event("comment", video_id="both"),
        event("share", video_id="both", at=DAY_MS),
        event("deal_signed"),
        event("affiliate_click"),
        event("creator_registered"),
        event("view", user_id="searching", feed="search"),
        view,
        view,
        event("view", user_id="w", at=HOUR_MS),
        like,
        unlike,
        invalidated(unlike, at=2),
        event("follow"),
        event("live_started"),
        event("live_joined"),
        event("gift", repeat_count=3),
        event("gift", repeat_count=4, repeat_end=True, at=9),
        event("gift", group_id="open", at=DAY_MS),
        event("order_placed", at=DAY_MS),
        event("comment", at=DAY_MS - 120_000),
        event("share", at=DAY_MS),
        event("like", user_id="w", at=-2 * DAY_MS),
    ]
    views = [event("view", user_id=f"u{n}", at=HOUR_MS) for n in range(1_001)]
    return [*map(line_of, [*events[:-1], *views, events[-1]]), b"{broken", b"[]"]


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Audit the test's folder; return the exit code and the report."""

    def run() -> tuple[int, dict[str, Any]]:
        code = guarded(lambda: dispatch(["audit", "--json", "--data", str(tmp_path)]))
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, report

    return run


@pytest.mark.stack
@pytest.mark.slow
def test_a_stack_agrees_until_a_cell_is_changed(tmp_path: Path, audit: Audit) -> None:
    with Stack(tmp_path, Settings()) as stack:
        records = map(address, small_log())
        asyncio.run(replay(records, stack.settings.kafka, idempotent=False))
        code, report = audit()
        assert report["differences"] == []
        assert code == 0
        empty = {name for name, view in report["views"].items() if not view["rows"]}
        nothing_yet = {"settled accounts", "bounds of payouts", "payouts", "video_earnings"}
        assert empty == {"boosts", "bursts", "shared_views", *nothing_yet}
        settle_closed_days(stack.client, stack.settings)
        assert stack.query("SELECT count() FROM ledger WHERE source = 'creator_rewards'") == [(1,)]
        code, report = audit()
        assert code == 0
        assert report["views"]["settled accounts"]["rows"] > 0
        assert report["views"]["video_earnings"]["rows"] > 0
        stack.stop_workers()
        asyncio.run(archive_topics(stack.settings, tmp_path))
        _add_a_like(stack)
        code, report = audit()
        assert code == 1
        _assert_one_like_too_many(report)
    code, report = audit()
    assert code == 1
    _assert_one_like_too_many(report)


def _add_a_like(stack: Stack) -> None:
    stack.client.command(
        "INSERT INTO windows_1m SELECT * REPLACE (likes + 1 AS likes, version + 1 AS version) "
        "FROM (SELECT * FROM windows_1m FINAL WHERE kind = 'video' AND likes = 1 LIMIT 1)"
    )


def _assert_one_like_too_many(report: dict[str, Any]) -> None:
    assert report["differing"] == 3
    assert [cell["view"] for cell in report["differences"]] == [
        "engagement_1m",
        "engagement_1h",
        "engagement_1d",
    ]
    for cell in report["differences"]:
        assert cell["key"][1:] == ["video", "v"]
        assert (cell["column"], cell["expected"], cell["found"]) == ("likes", 1, 2)
