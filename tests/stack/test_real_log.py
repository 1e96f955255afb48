"""A real log with real lateness: every known answer, also when it comes twice."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from scripts.stack import running_stack
from sinks.client import connect
from tests.stack.command import Engage
from tests.stack.real_log import LOG, assert_known, assert_known_in, fates, messages_of

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.mark.parametrize(("arrival", "processes"), [("file", 1), ("log-hour", 3)])
def test_known_answers(
    arrival: str, processes: int, data_dir: Path, engage: Engage, tmp_path: Path
) -> None:
    data = tmp_path / "results"
    source = ("--input", data_dir / LOG, "--format", "kuairand", "--arrival", arrival)
    done = engage("run", *source, "--data", data, "--processes", processes, limit_s=300).ok()
    engage.nothing_left()
    assert f"{messages_of(data_dir / LOG):,} messages counted" in done.errors
    assert_known_in(data, data_dir / LOG)
    assert "no difference" in engage("audit", "--data", data).ok().output


def test_twice_into_a_running_stack(data_dir: Path, engage: Engage, tmp_path: Path) -> None:
    """The second time every event is a duplicate, or too late to be told from a new one."""
    data, log = tmp_path / "results", data_dir / LOG
    messages = messages_of(log)
    up = engage.start("up", "--data", data, "--processes", 2)
    up.until_it_says("ready; Ctrl-C stops everything")
    where = running_stack(data)
    assert where is not None
    url = where["clickhouse"]
    for times in (1, 2):
        engage("replay", log, "--kafka", where["kafka"], "--plain", limit_s=300).ok()
        assert "no difference" in engage("audit", "--data", data, limit_s=300).ok().output
        assert_known(url, log)
        assert fates(url)["messages"] == times * messages
        if times == 1:
            first = fates(url)
            assert first["late"] == 0
    second = fates(url)
    assert second["counted"] == first["counted"]
    again = second["duplicates"] - first["duplicates"] + second["late"]
    assert again == messages
    assert_only_the_last_day_is_remembered(url, second["late"])
    up.interrupt(group=False)
    assert up.finish(15).code == 0


def assert_only_the_last_day_is_remembered(url: str, late: int) -> None:
    """Late events are shown, and each is older than the horizon of a day before the end."""
    with closing(connect(url)) as client:
        events, last = client.query(
            "SELECT sum(events), max(window_start) FROM late_events"
        ).result_rows[0]
        (end,) = client.query("SELECT max(max_event_time) FROM partitions FINAL").result_rows[0]
    assert events == late > 0
    assert (end - last).total_seconds() > 86_400 - 60
