"""The writer stores what it is given, whole and once, or says that it did not."""

from __future__ import annotations

import os
import random
import signal
import socket
import string
import subprocess
import sys
from array import array
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from schemas.errors import ConfigError, Refused, Unavailable
from schemas.rows import COLUMNS, NO_SCORE, TABLES, clickhouse_types
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from sinks.writer import BLOCK_ROWS_MAX, Writer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = string.ascii_letters + "äß→🎵\x00\t\n\\'\" "


def some_value(kind: str, rng: random.Random) -> Any:
    text = "".join(rng.choices(TEXT, k=rng.randrange(12)))
    big = rng.choice([0, 1, 255, 256, 2**31, 2**53 + 1])
    return {
        "String": text,
        "LowCardinality(String)": rng.choice(["video", "live", ""]),
        "Array(String)": [text] * rng.randrange(4),
        "Map(LowCardinality(String), UInt64)": {"view": big, "like": 2**64 - 1},
        "Int64": rng.choice([big, -big, 2**63 - 1, -(2**63)]),
        "UInt64": rng.choice([big, 2**64 - 1]),
        "UInt32": rng.choice([0, 3, 300, 2**32 - 1]),
        "UInt8": rng.randrange(2),
        "Float64": rng.choice([0.1, -1e300, NO_SCORE, 76_388.123456789]),
        "DateTime('UTC')": rng.choice([0, 1_650_000_000, 4_102_444_800]),
        "DateTime64(3, 'UTC')": rng.choice([0, 1_650_000_000_123, 4_102_444_800_000]),
        "Nullable(DateTime64(3, 'UTC'))": rng.choice([None, 1_650_000_000_123]),
        "Nullable(Int64)": rng.choice([None, 0, big, 2**63 - 1]),
        "Date": rng.choice([0, 19_097, 47_482]),
    }[kind]


def stored(kind: str, value: Any) -> Any:
    """What was written, from what the driver gives back."""
    if isinstance(value, datetime):
        since = (value.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
        return since if "DateTime64" in kind else since // 1000
    if isinstance(value, date):
        return (value - EPOCH.date()).days
    return list(value) if kind.startswith("Array") else value


@pytest.fixture
def writer(clickhouse: EmbeddedClickHouse, migrated: str) -> Iterator[Writer]:
    with Writer(clickhouse.url, migrated) as writer:
        yield writer


def follows(count: int, version: int = 1) -> list[list[Any]]:
    numbers = list(range(count))
    users = [f"u{number}" for number in numbers]
    return [["c"] * count, users, [0] * count, [1] * count, numbers, users, [version] * count]


@pytest.mark.parametrize("table", TABLES)
def test_every_type_comes_back(
    client: Client, writer: Writer, table: str, rng: random.Random
) -> None:
    kinds = clickhouse_types(TABLES[table])
    rows = 40
    columns = [[some_value(kind, rng) for _ in range(rows)] for kind in kinds.values()]
    version = list(range(1, rows + 1))
    columns[-1] = version
    for name in ("video_id", "live_id", "user_id", "entry_id", "entity_id", "subject_id", "source"):
        if name in kinds and kinds[name] == "String":
            columns[list(kinds).index(name)] = [f"id{number}" for number in version]
    if "treatment" in kinds:  # experiments are named by words, of which few are possible
        columns[list(kinds).index("treatment")] = [f"treatment {number}" for number in version]
    if table in ("partitions", "heartbeats", "settlements", "burst_runs"):
        # few keys are possible with random values
        columns = [column[:1] for column in columns]
    writer.write(table, columns)
    found = client.query(f"SELECT * FROM {table} ORDER BY version").result_rows
    shown = [
        [stored(kind, value) for kind, value in zip(kinds.values(), row, strict=True)]
        for row in found
    ]
    assert shown == [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("make", [list, tuple, lambda values: array("q", values)])
@pytest.mark.parametrize("values", [[0, 0, 0], [1, 0, 255], [256, 1, 2], [-1, 0, 5]])
def test_integers_by_every_short_cut(
    client: Client, writer: Writer, make: Any, values: list[int]
) -> None:
    columns: list[Any] = follows(3)
    columns[4] = make(values)
    writer.write("follows", columns)
    rows = client.query("SELECT event_time_ms FROM follows ORDER BY user_id").result_rows
    assert [row[0] for row in rows] == values


def test_text_that_is_bytes(client: Client, writer: Writer) -> None:
    raws = [b"\xff\x00{", b"", b"plain"]
    columns: dict[str, Any] = {name: [0, 1, 2] for name in COLUMNS["dead_letters_log"]}
    columns |= {name: ["x"] * 3 for name in ("topic", "stage", "reason", "detail")}
    columns |= {"raw": raws, "event_time": [None, 5, None]}
    writer.write("dead_letters_log", [columns[name] for name in COLUMNS["dead_letters_log"]])
    rows = client.query("SELECT hex(raw), event_time FROM dead_letters ORDER BY offset").result_rows
    assert [bytes.fromhex(row[0]) for row in rows] == raws
    assert [row[1] is None for row in rows] == [True, False, True]


def test_blocks_are_cut_and_nothing_is_lost(client: Client, writer: Writer) -> None:
    count = 2 * BLOCK_ROWS_MAX + 1
    writer.write("follows", follows(count))
    assert client.query("SELECT count(), sum(event_time_ms) FROM follows").result_rows == [
        (count, count * (count - 1) // 2)
    ]


def test_blocks_are_cut_by_size_too(client: Client, writer: Writer) -> None:
    """One flush may hold more than a request may: the server here takes 16 MiB at once."""
    raw, count = bytes(1 << 20), 40
    columns: dict[str, Any] = {name: list(range(count)) for name in COLUMNS["dead_letters_log"]}
    columns |= {name: ["x"] * count for name in ("topic", "stage", "reason", "detail")}
    columns |= {"raw": [raw] * count}
    writer.write("dead_letters_log", [columns[name] for name in COLUMNS["dead_letters_log"]])
    query = "SELECT count(), sum(length(raw)) FROM dead_letters"
    assert client.query(query).result_rows == [(count, count << 20)]


def test_pandas_is_not_loaded_to_write(clickhouse: EmbeddedClickHouse) -> None:
    program = f"""if True:
        import sys
        from sinks.writer import Writer
        columns = [["c"], ["u"], [0], [1], [2], ["e"], [3]]
        Writer({clickhouse.url!r}, "unit").write("follows", columns)
        assert "pandas" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_writing_again_changes_nothing(client: Client, writer: Writer) -> None:
    for version in (2, 2, 1):
        writer.write("follows", follows(100, version))
    query = "SELECT count(), min(version) FROM follows FINAL"
    assert client.query(query).result_rows == [(100, 2)]


def test_no_rows_is_no_insert() -> None:
    Writer("http://127.0.0.1:1").write("follows", [[]] * 7)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (follows(1)[:-1], "follows has 7 columns, not 6"),
        ([*follows(2)[:-1], [1]], "not of one length"),
        ([*follows(1)[:-1], ["x"]], "column version"),
        ([*follows(1)[:-1], [1.5]], "column version"),
        ([*follows(1)[:-1], [-1]], "column version"),
        ([*follows(1)[:-1], [2**64]], "column version"),
        ([[5], *follows(1)[1:]], "column creator_id"),
        ([["\ud800"], *follows(1)[1:]], "column creator_id"),
        ([[None], *follows(1)[1:]], "column creator_id"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    client: Client, writer: Writer, columns: list[list[Any]], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        writer.write("follows", columns)
    assert client.query("SELECT count() FROM follows").result_rows == [(0,)]


def test_a_missing_table_is_refused_with_a_hint(clickhouse: EmbeddedClickHouse) -> None:
    with (
        Writer(clickhouse.url, "nowhere") as writer,
        pytest.raises(Refused, match="engage migrate"),
    ):
        writer.write("follows", follows(1))


def test_a_wrong_password_is_refused(clickhouse: EmbeddedClickHouse) -> None:
    url = clickhouse.url.replace("default:", "default:x")
    with Writer(url) as writer, pytest.raises(Refused, match="ENGAGE_CLICKHOUSE") as caught:
        writer.write("follows", follows(1))
    assert str(urlsplit(url).password) not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8123", "ftp://host", "http://", "http://host:port", "http://[::1"]
)
def test_a_wrong_url_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError):
        connect(url)


def test_nobody_there_is_unavailable_and_later_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = EmbeddedClickHouse(tmp_path / "a", port=port)
    writer = Writer(f"http://127.0.0.1:{port}", "engagement", timeout_s=10)
    with pytest.raises(Unavailable, match=rf"http://127\.0\.0\.1:{port} does not answer"):
        writer.write("follows", follows(1))
    server.start()
    migrate(connect(server.url), "engagement")
    writer = Writer(server.url, "engagement", timeout_s=10)
    writer.write("follows", follows(1))
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        writer.write("follows", follows(1))
    server.stop()
    with EmbeddedClickHouse(tmp_path / "a", port=port) as again:
        client = connect(again.url)
        assert client.query("SELECT count() FROM follows").result_rows == [(1,)]
        client.close()


def test_silence_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unavailable, match="does not answer"):
            connect(f"http://127.0.0.1:{port}", request_timeout_s=1)
