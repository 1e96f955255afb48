"""Logs in every format give the same records, and what cannot be read is said with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.errors import InputError
from scripts.compression import LINE_BYTES_MAX, open_output
from scripts.logs import open_log
from scripts.records import LogRecord, address

LIKE = {"id": "e1", "type": "like", "event_time_ms": 5, "user_id": "u", "video_id": "v"}
GIFT = {"id": "e2", "type": "gift", "event_time_ms": 6, "user_id": "u", "live_id": "l"}
ORDER = {"id": "e3", "type": "order_placed", "event_time_ms": 7, "user_id": "u", "order_id": "o"}
EVENTS: tuple[dict[str, Any], ...] = (LIKE, GIFT, ORDER)


def line_of(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


LINES = [line_of(event) for event in EVENTS]
TEXT = b"\n".join(LINES) + b"\n"
EXPECTED = [
    LogRecord(ENGAGEMENT_TOPIC, b"v", LINES[0], 5),
    LogRecord(ENGAGEMENT_TOPIC, b"l", LINES[1], 6),
    LogRecord(COMMERCE_TOPIC, b"u", LINES[2], 7),
]


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path) -> list[LogRecord]:
    return list(open_log(path).records())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.jsonl", TEXT),
        ("log.jsonl.gz", gzip.compress(TEXT)),
        ("log.jsonl.zst", zstandard.compress(TEXT)),
        ("no-ending", TEXT),
        ("no-newline.jsonl", TEXT[:-1]),
        ("two-members.gz", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        ("two-frames.zst", zstandard.compress(TEXT[:50]) + zstandard.compress(TEXT[50:])),
        ("version.jsonl", b'{"engage_log": 1}\n' + TEXT),
    ],
)
def test_jsonl_in_every_wrapping(tmp_path: Path, name: str, content: bytes) -> None:
    log = open_log(write(tmp_path, name, content))
    assert list(log.records()) == EXPECTED
    assert (log.format, log.unit) == ("jsonl", "bytes")
    assert log.done == log.total == len(content)


def test_records_can_be_read_again(tmp_path: Path) -> None:
    log = open_log(write(tmp_path, "log.jsonl", TEXT))
    next(iter(log.records()))
    assert list(log.records()) == EXPECTED


@pytest.mark.parametrize("text", [str, bytes])
def test_parquet_of_values(tmp_path: Path, text: type) -> None:
    values = [line if text is bytes else line.decode() for line in LINES]
    path = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"value": values, "other": [1, 2, 3]}), path)
    log = open_log(path)
    assert list(log.records()) == EXPECTED
    assert (log.done, log.total, log.unit) == (3, 3, "rows")


def test_parquet_of_columns_leaves_nulls_out(tmp_path: Path) -> None:
    names = sorted({name for event in EVENTS for name in event})
    columns = {name: [event.get(name) for event in EVENTS] for name in names}
    path = tmp_path / "log.pq"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    records = read(path)
    assert [json.loads(record.value) for record in records] == list(EVENTS)
    assert [record[:2] for record in records] == [record[:2] for record in EXPECTED]


def test_parquet_of_nested_columns(tmp_path: Path) -> None:
    target = LIKE | {"creator_id": None}
    row = {"type": "invalidated", "video_id": "v", "targets": [target], "tags": ["a", "b"]}
    path = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    (record,) = read(path)
    assert json.loads(record.value) == row | {"targets": [LIKE]}


BROKEN = [
    b"",
    b"   ",
    b"[1,2]",
    b"null",
    b"{",
    b'{"type":"like","video_id":"v1"',
    b'{"type":"like","video_id":"\xc3\x28"}',
    b'{"type":["like"],"video_id":7}',
    b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"type":"like","event_time_ms":' + b"9" * 400 + b"}",
    b"\xff\xfe\x00",
    b"ends in a carriage return\r",
]


def test_broken_lines_go_on_unchanged(tmp_path: Path) -> None:
    lines = [LINES[0], *BROKEN, LINES[1]]
    records = read(write(tmp_path, "log.jsonl", b"\n".join(lines) + b"\n"))
    assert [record.value for record in records] == lines
    assert {record.topic for record in records} == {ENGAGEMENT_TOPIC}


@pytest.mark.parametrize(
    ("value", "topic", "key", "time_ms"),
    [
        (b'{"type":"like","video_id":"v1"', ENGAGEMENT_TOPIC, b"v1", None),
        (b'{"live_id" : "l9", "type":', ENGAGEMENT_TOPIC, b"l9", None),
        (b'{"type":"hologram","live_id":"l","event_time_ms":3}', ENGAGEMENT_TOPIC, b"l", 3),
        (b'{"type":"hologram","user_id":"u"}', ENGAGEMENT_TOPIC, b"u", None),
        (b'{"type":7,"video_id":"v"}', ENGAGEMENT_TOPIC, b"v", None),
        (b'{"type":"gift","video_id":"v"}', ENGAGEMENT_TOPIC, b"v", None),
        (b'{"type":"like","video_id":null,"user_id":"u"}', ENGAGEMENT_TOPIC, b"u", None),
        (b'{"type":"order_settled","order_id":"o"}', COMMERCE_TOPIC, b"", None),
        (b'{"type":"like","video_id":"v","event_time_ms":1.5}', ENGAGEMENT_TOPIC, b"v", None),
        (b'{"type":"like","video_id":"v","event_time_ms":true}', ENGAGEMENT_TOPIC, b"v", None),
        ('{"type":"like","video_id":"ü"}'.encode(), ENGAGEMENT_TOPIC, "ü".encode(), None),
        (
            b'{"type":"gift","type":"like","video_id":"v","live_id":"l"}',
            ENGAGEMENT_TOPIC,
            b"v",
            None,
        ),
        (
            b'{"video_id":1e999,"id":"e","type":"like","event_time_ms":3,"user_id":"u",'
            b'"video_id":"v","creator_id":"c"}',
            ENGAGEMENT_TOPIC,
            b"v",
            3,
        ),
    ],
)
def test_address(value: bytes, topic: str, key: bytes, time_ms: int | None) -> None:
    assert address(value) == LogRecord(topic, key, value, time_ms)


@given(st.binary(max_size=200) | st.text().map(lambda text: json.dumps(text).encode()))
def test_address_always_answers(value: bytes) -> None:
    record = address(value)
    assert record.value == value
    assert record.topic in (ENGAGEMENT_TOPIC, COMMERCE_TOPIC)


@given(
    st.dictionaries(
        st.sampled_from(["type", "video_id", "live_id", "user_id", "event_time_ms"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2),
    )
)
def test_address_of_odd_fields(fields: dict[str, Any]) -> None:
    record = address(json.dumps(fields).encode())
    ids = [fields[name] for name in ("video_id", "live_id", "user_id") if name in fields]
    texts = {value.encode(errors="replace") for value in ids if isinstance(value, str)}
    assert record.key in texts | {b""}


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), min_size=1))
@example([b"PAR1"])
def test_any_lines_survive(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    content = b"\n".join(lines) + b"\n"
    path = write(tmp_path_factory.mktemp("lines"), "log.jsonl.zst", zstandard.compress(content))
    assert [record.value for record in read(path)] == lines


def test_pieces_that_cut_lines_are_put_together(tmp_path: Path) -> None:
    lines = [LINES[0], b"x" * (3 << 20), LINES[1]]
    path = write(tmp_path, "log.jsonl.gz", gzip.compress(b"\n".join(lines), 1))
    assert [record.value for record in read(path)] == lines


def cut(content: bytes) -> bytes:
    return content[:-6]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"engage_log": 2}\n', "line 1: log version 2 is not known"),
        ("a.jsonl", b'{"engage_log": "1"}\n', "line 1: log version 1 is not known"),
        ("a.jsonl", b"x" * (LINE_BYTES_MAX + 1), "line 1: longer than 16 MiB"),
        ("a.bin", b"\x00\x01\x02", "cannot tell its format"),
        ("a.jsonl.gz", cut(gzip.compress(TEXT)), "damaged after line"),
        ("a.jsonl.zst", cut(zstandard.compress(TEXT)), "damaged after line"),
        ("a.jsonl.zst", zstandard.compress(TEXT)[:8] + b"rubbish" * 9, "damaged after line 0"),
        ("a.parquet", b"PAR1 but no more", "no readable Parquet file"),
    ],
)
def test_unreadable_files_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_names_the_last_good_line(tmp_path: Path) -> None:
    many = b"".join(line_of(LIKE | {"id": f"e{n * 7919 % 99991}"}) + b"\n" for n in range(90_000))
    path = write(tmp_path, "log.jsonl.gz", gzip.compress(many, 1)[:-40_000])
    with pytest.raises(InputError, match=r"damaged after line [1-9]\d{4}:"):
        read(path)


def test_an_event_is_no_version_line(tmp_path: Path) -> None:
    odd = line_of(LIKE | {"engage_log": 99})
    assert [record.value for record in read(write(tmp_path, "a.jsonl", odd))] == [odd]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_log(tmp_path / "nothing.jsonl")
    with pytest.raises(InputError, match="is a folder"):
        open_log(tmp_path)


def test_an_empty_file_is_an_empty_log(tmp_path: Path) -> None:
    assert read(write(tmp_path, "log.jsonl", b"")) == []


def test_log_hour_needs_kuairand(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only a KuaiRand log"):
        open_log(write(tmp_path, "log.jsonl", TEXT), arrival="log-hour")


def test_parquet_without_events_is_refused(tmp_path: Path) -> None:
    for number, columns in enumerate(({"a": [1]}, {"value": [1]})):
        path = tmp_path / f"{number}.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        with pytest.raises(InputError, match="column"):
            open_log(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_output_is_reproducible_and_atomic(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / name
    contents: list[bytes] = []
    for _ in range(2):
        with open_output(path) as file:
            file.write(TEXT)
            assert path.exists() == bool(contents), "appears only when complete"
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert read(path) == EXPECTED
    with pytest.raises(KeyError), open_output(path) as file:
        raise KeyError
    assert path.read_bytes() == contents[0]
    assert [other.name for other in path.parent.iterdir()] == [name]
