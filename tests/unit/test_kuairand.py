"""KuaiRand rows become events by the rules beside the data, and give its known answers."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.base import ENGAGEMENT_TOPIC
from schemas.errors import InputError
from schemas.failures import Failure
from scripts.logs import Arrival, open_log
from streams.decode import decode_run

HEADER = (
    "user_id,video_id,author_id,time_ms,date,hourmin,tab,is_rand,is_click,long_view,is_like,"
    "is_follow,is_comment,is_forward,is_hate,is_profile_enter,play_time_ms,duration_ms,"
    "profile_stay_time,comment_stay_time,tag,upload_date"
)
QUIET = "7,8,9,1000,20220425,0,1,0,0,0,0,0,0,0,0,0,0,500,0,0,39,20220411"
BUSY = '7,8,9,2000,20220425,0,0,0,1,1,1,1,1,1,1,1,750,500,0,0,"39,43",20220411'


def events_of(folder: Path, *rows: str, arrival: Arrival = "file") -> list[dict[str, Any]]:
    path = folder / "rows.csv.gz"
    path.write_bytes(gzip.compress("\n".join((HEADER, *rows)).encode()))
    return [json.loads(record.value) for record in open_log(path, arrival=arrival).records()]


def test_an_exposure_without_a_play(tmp_path: Path) -> None:
    assert events_of(tmp_path, QUIET) == [
        {
            "id": "7-8-1000-impression",
            "type": "impression",
            "event_time_ms": 1000,
            "user_id": "7",
            "video_id": "8",
            "creator_id": "9",
            "feed": "for_you",
        }
    ]


def test_a_play_with_everything_done(tmp_path: Path) -> None:
    events = events_of(tmp_path, BUSY)
    kinds = ["impression", "view", "like", "follow", "comment", "share", "not_interested"]
    assert [event["type"] for event in events] == [*kinds, "profile_view"]
    assert [event["id"] for event in events] == [f"7-8-2000-{event['type']}" for event in events]
    view = events[1]
    assert (view["watch_ms"], view["duration_ms"], view["feed"]) == (750, 500, "other")
    assert events[4]["comment_id"] == "7-8-2000-comment"


def test_all_events_are_valid_and_keyed_by_video(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join((HEADER, QUIET, BUSY)) + "\n")
    records = list(open_log(path).records())
    assert {record[:2] for record in records} == {(ENGAGEMENT_TOPIC, b"8")}
    assert [record.event_time_ms for record in records] == [1000] + [2000] * 8
    events, unknown_fields = decode_run([record.value for record in records])
    assert not [event for event in events if isinstance(event, Failure)]
    assert unknown_fields == 0


def test_log_hour_order_is_stable(tmp_path: Path) -> None:
    def row(user: int, time_ms: int, date: int, hour: int) -> str:
        return f"{user},8,9,{time_ms},{date},{hour},1,0,0,0,0,0,0,0,0,0,0,500,0,0,39,20220411"

    rows = [row(1, 50, 20220425, 1000), row(2, 60, 20220425, 900), row(3, 10, 20220426, 0)]
    rows += [row(4, 60, 20220425, 900), row(5, 20, 20220425, 1000)]
    events = events_of(tmp_path, *rows, arrival="log-hour")
    assert [event["user_id"] for event in events] == ["2", "4", "5", "1", "3"]


def test_columns_may_come_in_any_order(tmp_path: Path) -> None:
    names, values = HEADER.split(","), QUIET.split(",")
    path = tmp_path / "rows.csv"
    path.write_text(",".join(names[::-1]) + "\n" + ",".join(values[::-1]) + "\n")
    (record,) = open_log(path, "kuairand").records()
    assert json.loads(record.value)["id"] == "7-8-1000-impression"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (QUIET.replace("1000", "soon"), "line 3: column time_ms is 'soon'"),
        (QUIET.replace("1000", "1e3"), "line 3: column time_ms is '1e3'"),
        (QUIET.replace("500", "9" * 30), "line 3: column duration_ms"),
        (QUIET.replace("1,0,0,0,0", "1,0,0,0,2", 1), "line 3: column is_like is '2'"),
        (QUIET + ",1", "line 3: 23 columns, the header has 22"),
        (",8" + QUIET[3:], "line 3: column user_id is empty"),
        ("half,a,row", "line 3: 3 columns"),
    ],
)
def test_a_wrong_column_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        events_of(tmp_path, QUIET, row)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_column_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(HEADER.replace("is_hate", "is_love") + "\n" + QUIET + "\n")
    with pytest.raises(InputError, match="line 1: no column is_hate"):
        open_log(path)
    path.write_text(HEADER.replace("hourmin", "hour") + "\n" + QUIET + "\n")
    assert list(open_log(path).records())
    with pytest.raises(InputError, match="line 1: no column hourmin"):
        open_log(path, arrival="log-hour")


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"{HEADER}\n{QUIET}\n".encode() + b"\xff\xfe\n")
    with pytest.raises(InputError, match="line 3: not UTF-8"):
        list(open_log(path).records())


KNOWN = {
    "impression": 91_805,
    "view": 82_024,
    "like": 1_602,
    "follow": 126,
    "comment": 216,
    "share": 76,
    "not_interested": 63,
    "profile_view": 1_825,
}


@pytest.mark.data
@pytest.mark.parametrize("arrival", ["file", "log-hour"])
def test_the_real_log_gives_its_known_answers(data_dir: Path, arrival: Arrival) -> None:
    log = open_log(data_dir / "kuairand_log.csv.gz", arrival=arrival)
    first: dict[str, dict[str, Any]] = {}
    for record in log.records():
        event = msgspec.json.decode(record.value)
        first.setdefault(event["id"], event)
    assert Counter(event["type"] for event in first.values()) == KNOWN
    watched = [e["watch_ms"] for e in first.values() if e["type"] == "view"]
    assert sum(watched) == 2_016_922_043
    assert sum(watch > 5_000 for watch in watched) == 44_822
    liked = {(e["user_id"], e["video_id"]) for e in first.values() if e["type"] == "like"}
    assert len(liked) == 1_594
