"""`engage fraud`: which days may be judged, what is sent, and that sending it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Refused
from schemas.weights import load_weights
from scripts.cli import dispatch, guarded
from scripts.fraud import Day, days_of, findings_of, records_of
from scripts.recount import recount
from scripts.recount.archive import SUFFIX, Archive, ArchiveWriter, find_archives
from streams.topics import ENGAGEMENT
from tests.oracle import records_from_lines
from tests.oracle.events import DAY_MS, HOUR_MS, T0_MS, event, invalidated, line_of
from tests.oracle.logs import rules

Event = dict[str, Any]
PARTITIONS = 3
WEIGHTS = load_weights()


def bots() -> list[Event]:
    """Twelve accounts like the same eight videos within seconds; each has watched."""
    made = []
    for number in range(8):
        for bot in range(12):
            whose: Event = {
                "user_id": f"x{bot}",
                "video_id": f"v{number}",
                "at": HOUR_MS * (1 + number),
            }
            made += [event("view", **whose), event("like", **whose)]
    return made


def honest() -> list[Event]:
    """Viewers who watch, some of whom like; a day, and what closes it in every partition."""
    made = []
    for number in range(25):
        for video in range(12):
            at = number * HOUR_MS + video * 71_000 + number
            whose: Event = {
                "user_id": f"u{(number * 7 + video) % 31}",
                "video_id": f"v{video}",
                "at": at,
            }
            made.append(event("view", **whose))
            if (number + video) % 5 == 0:
                made.append(event("like", **whose))
    return made


def archived(folder: Path, log: Iterable[Event], first_offset: int = 0) -> list[Archive]:
    """Write a log as topics in files."""
    folder.mkdir(exist_ok=True)
    writers = {
        p: ArchiveWriter(Archive(ENGAGEMENT, p, folder / f"{ENGAGEMENT}-{p}{SUFFIX}"))
        for p in range(PARTITIONS)
    }
    for r in records_from_lines(map(line_of, log), PARTITIONS):
        writers[r.partition].write(first_offset + r.offset, r.timestamp_ms, r.key, r.value)
    for writer in writers.values():
        writer.close()
    return find_archives(folder, (ENGAGEMENT,))


def found(archives: list[Archive], first: int = 0) -> list[tuple[int, Any]]:
    return list(findings_of(days_of(archives, rules(), first, T0_MS), WEIGHTS, first))


def messages(archives: list[Archive]) -> list[Event]:
    return [json.loads(record.value) for record in records_of(found(archives))]


def test_what_bots_did_is_taken_back_once_and_the_rest_stays(tmp_path: Path) -> None:
    log = honest() + bots()
    sent = messages(archived(tmp_path / "a", log))
    targets = [target for message in sent for target in message["targets"]]
    assert {target["user_id"][0] for target in targets} == {"x"}
    assert len(targets) == len({target["id"] for target in targets}) == 8 * 12
    assert {message["event_time_ms"] for message in sent} == {T0_MS + DAY_MS}
    assert all(m["reason"].endswith(f"({WEIGHTS.frauds[0].version})") for m in sent)
    again = messages(archived(tmp_path / "b", log))
    assert again == sent, "ids and bytes follow from what is found"
    assert messages(archived(tmp_path / "c", [*log, *sent])) == []
    part = sent[: len(sent) // 2]
    rest = messages(archived(tmp_path / "d", [*log, *part]))
    assert [m["id"] for m in rest] == [m["id"] for m in sent[len(part) :]]


def test_counts_are_then_those_of_the_log_without_the_bots_likes(tmp_path: Path) -> None:
    log = honest() + bots()
    sent = messages(archived(tmp_path / "a", log))
    likes_of_bots = [e for e in log if e["type"] == "like" and e["user_id"][0] == "x"]
    clean = [e for e in log if e not in likes_of_bots]
    with_them, without = (
        recount(records_from_lines(map(line_of, lines), PARTITIONS), rules())
        for lines in ([*log, *sent], clean)
    )
    assert with_them.videos == without.videos
    assert with_them.engagement_1m == without.engagement_1m


def test_more_events_of_the_day_are_found_later(tmp_path: Path) -> None:
    log = honest() + bots()
    sent = messages(archived(tmp_path / "a", log))
    late = [
        event(kind, user_id="x12", video_id=f"v{n}", at=HOUR_MS * (1 + n))
        for n in range(8)
        for kind in ("view", "like")
    ]
    log_in_time = [*honest(), *bots(), *late]
    assert sent
    more = messages(archived(tmp_path / "b", [*log, *sent, *late]))
    named = [target["user_id"] for message in more for target in message["targets"]]
    assert set(named) <= {"x12"}
    everything = messages(archived(tmp_path / "c", log_in_time))
    assert "x12" in {t["user_id"] for m in everything for t in m["targets"]}


def test_late_events_and_copies_are_not_named(tmp_path: Path) -> None:
    """An invalidation of an event that never counted would subtract it all the same."""
    late = [e | {"id": f"late-{n}"} for n, e in enumerate(bots())]
    log = [*honest(), event("view", video_id="v0", at=9 * DAY_MS)]
    log += [event("view", video_id=f"v{n}", at=9 * DAY_MS) for n in range(12)]
    assert messages(archived(tmp_path / "a", [*log, *late])) == []
    doubled = [*honest(), *bots()]
    doubled += [dict(e) for e in doubled if e["user_id"][0] == "x"]
    sent = messages(archived(tmp_path / "b", doubled))
    assert len([t for m in sent for t in m["targets"]]) == 8 * 12


def test_a_day_that_is_not_over_is_refused(tmp_path: Path) -> None:
    archives = archived(tmp_path / "a", honest() + bots())
    with pytest.raises(Refused, match="2024-03-02 is not over in event time"):
        days_of(archives, rules(), 0, T0_MS + DAY_MS)


def test_days_of_which_the_beginning_is_gone_are_refused(tmp_path: Path) -> None:
    archives = archived(tmp_path / "a", honest() + bots(), first_offset=1_000)
    with pytest.raises(Refused, match=r"judge single days from 2024-03-0[23] on"):
        found(archives)
    far = [e | {"event_time_ms": e["event_time_ms"] - 3 * DAY_MS} for e in honest()[:12]]
    log = [*far, *honest(), *bots()]
    assert found(archived(tmp_path / "b", log, first_offset=1_000), first=T0_MS)


def test_no_rules_no_findings() -> None:
    assert list(findings_of([Day(0, [], set())], WEIGHTS)) == []


def test_results_without_a_broker_can_be_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archived(tmp_path / "topics", honest() + bots())
    command = ["fraud", "--data", str(tmp_path), "--day", "2024-03-01"]
    assert guarded(lambda: dispatch([*command, "--preview"])) == 0
    shown = capsys.readouterr().out
    assert "2024-03-01 lockstep on v0: 12 events of 12 users" in shown
    assert "lockstep: 96 events would be invalidated" in shown
    assert guarded(lambda: dispatch(command)) == 2
    assert "there is no broker to send to" in capsys.readouterr().err
    assert guarded(lambda: dispatch(["fraud", "--day", "2024-03-01"])) == 2


def test_what_was_invalidated_by_others_is_left_alone(tmp_path: Path) -> None:
    log = honest() + bots()
    likes = [e for e in log if e["type"] == "like" and e["user_id"][0] == "x"]
    by_hand = [invalidated(like, at=HOUR_MS * 20) for like in likes]
    assert messages(archived(tmp_path / "a", [*log, *by_hand])) == []
