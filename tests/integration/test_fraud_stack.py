"""`engage fraud` on a running stack: what bots did leaves every view, and the audit agrees."""

import asyncio
from pathlib import Path

import pytest

from scripts.cli import dispatch, guarded
from scripts.records import address
from scripts.replay import replay
from scripts.stack import Stack
from streams.config import Settings
from tests.oracle.events import DAY_MS, event, line_of
from tests.unit.test_fraud_command import bots, honest

FRAUD = ("fraud", "--day", "2024-03-01", "--data")


@pytest.mark.stack
@pytest.mark.slow
def test_what_bots_did_leaves_every_view(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = [*honest(), *bots()]
    log += [event("view", video_id=f"v{n}", user_id="last", at=2 * DAY_MS) for n in range(12)]
    with Stack(tmp_path, Settings()) as stack:
        asyncio.run(replay(map(address, map(line_of, log)), stack.settings.kafka, idempotent=False))
        stack.wait_until_drained()
        likes = "SELECT sum(likes) FROM videos"
        before = stack.query(likes)[0][0]
        assert guarded(lambda: dispatch([*FRAUD, str(tmp_path), "--preview"])) == 0
        assert "lockstep: 96 events would be invalidated" in capsys.readouterr().out
        assert guarded(lambda: dispatch([*FRAUD, str(tmp_path)])) == 0
        assert capsys.readouterr().out == "lockstep: 96 events invalidated\n"
        stack.wait_until_drained()
        assert stack.query(likes)[0][0] == before - 96
        assert stack.query("SELECT countIf(counted = 0) FROM engagements FINAL") == [(96,)]
        assert guarded(lambda: dispatch([*FRAUD, str(tmp_path)])) == 0
        assert "nothing is found that was not taken back already" in capsys.readouterr().out
        assert guarded(lambda: dispatch(["audit", "--data", str(tmp_path)])) == 0
