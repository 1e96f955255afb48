"""A generated log through `engage run`: every answer, from one process and from three."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.events import EVENT_TYPES
from scripts.recount import Expected
from tests.oracle import expected_from_lines
from tests.stack import known
from tests.stack.command import Engage
from tests.stack.views import COUNTERS, VIEWS, Answers, assert_columns, read_all

EVENTS = 20_000
PARTITIONS = 4


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engage]:
    command = Engage(tmp_path_factory.mktemp("generated"))
    try:
        yield command
    finally:
        command.end()


@pytest.fixture(scope="module")
def lines(run_seed: int) -> list[bytes]:
    return known.make_log(run_seed, EVENTS)


@pytest.fixture(scope="module")
def expected(lines: list[bytes]) -> Expected:
    return expected_from_lines(lines, PARTITIONS)


@pytest.fixture(scope="module")
def one(shared: Engage, lines: list[bytes]) -> Path:
    """The results of one worker process."""
    return _run(shared, lines, processes=1)


@pytest.fixture(scope="module")
def answers(one: Path) -> Answers:
    return read_all(one)


@pytest.fixture(scope="module")
def three(shared: Engage, lines: list[bytes]) -> Path:
    """The results of three worker processes."""
    return _run(shared, lines, processes=3)


def _run(engage: Engage, lines: list[bytes], processes: int) -> Path:
    log = engage.folder / "log.jsonl"
    log.write_bytes(b"\n".join(lines) + b"\n")
    data = engage.folder / f"results-{processes}"
    done = engage("run", "--input", log, "--data", data, "--processes", processes).ok()
    engage.nothing_left()
    assert f"{len(lines):,} messages counted" in done.errors
    return data


def test_the_log_has_everything(lines: list[bytes]) -> None:
    types = set()
    for line in lines:
        try:
            types.add(json.loads(line)["type"])
        except (ValueError, KeyError, TypeError):
            continue
    assert set(EVENT_TYPES) - {"tick"} <= types  # only a worker writes ticks


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers(view: str, one: Path, shared: Engage) -> None:
    shown = shared("sql", f"SELECT * FROM {view}", "--data", one, "--format", "JSONEachRow").ok()
    rows = [json.loads(line) for line in shown.output.splitlines()]
    assert rows or view == "boosts", "the log has something for every view"
    for row in rows:
        assert_columns(view, list(row))


def test_audit_agrees_with_one_process(one: Path, shared: Engage) -> None:
    assert "no difference" in shared("audit", "--data", one).ok().output


def test_audit_agrees_with_three_processes(three: Path, shared: Engage) -> None:
    assert "no difference" in shared("audit", "--data", three).ok().output


def test_three_processes_say_what_one_says(answers: Answers, three: Path) -> None:
    assert read_all(three) == answers


def test_every_message_has_one_fate(
    answers: Answers, lines: list[bytes], expected: Expected
) -> None:
    names = ("counted", "duplicates", "suppressed", "late", "dead_letters")
    sums = {name: sum(row[name] for row in answers["partitions"]) for name in names}
    assert sum(sums.values()) == len(lines)
    for name, number in sums.items():
        assert number == sum(getattr(found, name) for found in expected.partitions.values()), name
        assert number > 0, f"the log has {name}"


def test_totals_are_those_of_the_log(answers: Answers, expected: Expected) -> None:
    """The recount of the file itself: nothing was lost or added on the way to Kafka."""
    names = [*COUNTERS.split(), "net_likes", "unique_viewers"]
    found = {row["video_id"]: {name: row[name] for name in names} for row in answers["videos"]}
    wanted = {
        video_id: {name: row[name] for name in names} for video_id, row in expected.videos.items()
    }
    assert found == wanted


def test_hours_and_days_are_sums_of_minutes(answers: Answers) -> None:
    views = [answers[f"engagement_{length}"] for length in ("1m", "1h", "1d")]
    minutes, hours, days = (
        {name: sum(row[name] for row in rows) for name in COUNTERS.split()} for rows in views
    )
    assert minutes == hours == days


def test_the_hand_written_end_has_its_known_answers(answers: Answers) -> None:
    (video,) = [row for row in answers["videos"] if row["video_id"] == known.VIDEO]
    assert {name: video[name] for name in known.TOTALS} == known.TOTALS
    (live,) = [row for row in answers["lives"] if row["live_id"] == known.LIVE]
    assert {name: live[name] for name in known.GIFTS} == known.GIFTS
    booked = [
        (row["source"], row["state"], row["amount_micros"])
        for row in answers["earnings_ledger"]
        if row["creator_id"] == known.CREATOR
    ]
    assert booked == [("gift", "final", known.GIFT_MICROS)]
    late = [row for row in answers["late_events"] if row["subject_id"] == known.VIDEO]
    assert [(row["type"], row["events"]) for row in late] == [("share", 1)]
    dead = [row["reason"] for row in answers["dead_letters"] if row["raw"] == known.BROKEN_HEX]
    assert dead == ["invalid_utf8"]


def test_a_folder_with_results_is_refused_and_left_alone(one: Path, shared: Engage) -> None:
    before = _contents(one)
    done = shared("run", "--input", shared.folder / "log.jsonl", "--data", one)
    assert done.code == 2
    assert "already holds results" in done.errors
    assert "choose another folder" in done.errors
    assert len(done.errors.splitlines()) == 1
    assert _contents(one) == before
    shared.nothing_left()


def _contents(folder: Path) -> dict[Path, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
