"""Refused messages, mended and replayed on a running stack: once, also when a replay is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from random import Random

from tests.oracle.events import T0_MS
from tests.stack.command import Engage

MENDABLE = 1_500
HOPELESS = 7
PATCH = '{"creator_id": "c7"}'


def broken_log() -> list[bytes]:
    """Likes of as many users without a creator, some of them twice, and bytes that are no JSON."""
    lines = [
        json.dumps(
            {
                "id": f"e{n}",
                "type": "like",
                "event_time_ms": T0_MS + n,
                "user_id": f"u{n}",
                "video_id": f"v{n % 50}",
            }
        ).encode()
        for n in range(MENDABLE)
    ]
    return lines + lines[:20] + [b'{"type": "like", %d' % n for n in range(HOPELESS)]


def replayed(output: str) -> list[int]:
    """The first three numbers: sent, replayed before, refused again."""
    lines = [line for line in output.splitlines() if "of these" not in line]
    return [int(line.split()[0].replace(",", "")) for line in lines[:3]]


def test_dead_letters_are_mended_and_counted_once(
    engage: Engage, tmp_path: Path, rng: Random
) -> None:
    log, data = tmp_path / "log.jsonl", tmp_path / "results"
    log.write_bytes(b"\n".join(broken_log()) + b"\n")
    up = engage.start("up", "--data", data)
    up.until_it_says("ready; Ctrl-C stops everything")
    kafka = json.loads((data / "stack.json").read_text())["kafka"]
    engage("replay", log, "--kafka", kafka, "--plain").ok()
    letters = MENDABLE + 20 + HOPELESS
    wait_for_messages(engage, data, letters)

    replay = ("dead-letters", "replay", "--data", data, "--patch", PATCH)
    assert replayed(engage(*replay, "--preview").output) == [MENDABLE + 20, 0, HOPELESS]
    assert engage.rows("SELECT sum(messages) AS n FROM partitions FINAL", data) == [{"n": letters}]

    kills = 0
    while kills < 4:  # wherever it is then
        running = engage.start(*replay)
        time.sleep(rng.uniform(0.3, 2.0))
        kills += 1
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
    last = engage(*replay)
    assert last.code == 1, last
    sent, before, refused = replayed(last.output)
    assert (sent + before, refused) == (MENDABLE + 20, HOPELESS)
    again = engage(*replay)
    assert replayed(again.output) == [0, MENDABLE + 20, HOPELESS]

    wait_for_messages(engage, data, letters + MENDABLE + 20)
    assert engage.rows(
        "SELECT sum(net_likes) AS likes, uniqExact(creator_id) AS creators FROM videos", data
    ) == [{"likes": MENDABLE, "creators": 1}]
    assert engage.rows(
        "SELECT sum(duplicates) AS twice, sum(dead_letters) AS dead FROM partitions FINAL", data
    ) == [{"twice": 20, "dead": letters}]
    assert "no difference" in engage("audit", "--data", data).ok().output
    up.interrupt(group=True)
    assert up.finish(30).code == 0
    gone = engage(*replay)
    assert gone.code == 2
    assert "no stack is running" in gone.errors


def wait_for_messages(engage: Engage, data: Path, messages: int) -> None:
    """Wait until as many messages are counted, and fail when there are more."""
    deadline_s = time.monotonic() + 60
    while True:
        (row,) = engage.rows("SELECT sum(messages) AS n FROM partitions FINAL", data)
        if int(row["n"]) == messages:
            return
        assert int(row["n"]) < messages, row
        assert time.monotonic() < deadline_s, row
        time.sleep(0.3)
