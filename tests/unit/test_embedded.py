"""The embedded ClickHouse speaks ClickHouse's HTTP protocol."""

from __future__ import annotations

import gzip
import io
import json
import struct
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
import zstandard

from sinks.client import parse_url
from sinks.embedded import EmbeddedClickHouse
from tests.unit.plain_http import Http


def test_ping_and_root(http: Http) -> None:
    assert http.ok(path="/ping", method="GET", token=False) == "Ok.\n"
    assert http.ok(method="GET", token=False) == "Ok.\n"
    assert http.call(path="/nowhere", method="GET").status == 404


def test_query_in_url_in_body_or_in_both(http: Http) -> None:
    assert http.ok("SELECT 1", method="GET") == "1\n"
    assert http.ok("SELECT 2") == "2\n"
    assert http.ok(body=b"SELECT 3") == "3\n"
    assert http.ok("SELECT", b"4") == "4\n"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "application/json", "no/such; thing"],
)
def test_the_content_type_does_not_change_a_query(http: Http, content_type: str) -> None:
    body = b"SELECT 'a=b&c=d%20e+f'"
    assert http.ok(body=body, headers={"Content-Type": content_type}) == "a=b&c=d%20e+f\n"


def test_multipart_form(http: Http) -> None:
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {n:Int32} + 1\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="param_n"\r\n\r\n41\r\n--xx--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    assert http.ok(body=body, headers=headers) == "42\n"


def test_external_tables_are_refused_in_words(http: Http) -> None:
    body = b'--xx\r\nContent-Disposition: form-data; name="rows"; filename="rows"\r\n\r\n1\n\r\n--xx--\r\n'
    answer = http.call(
        "SELECT * FROM rows", body, headers={"Content-Type": "multipart/form-data; boundary=xx"}
    )
    assert answer.status == 501
    assert "External tables are not supported" in answer.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT 1 AS a FORMAT JSONEachRow", '{"a":1}\n'),
        ("SELECT 1 AS a FORMAT JSONEachRow;", '{"a":1}\n'),
        ("SELECT 1 AS a FORMAT JSONEachRow SETTINGS max_threads = 1", '{"a":1}\n'),
        ("SELECT ' FORMAT JSON' AS a", " FORMAT JSON\n"),
        ("SELECT 1 AS a -- FORMAT JSON", "1\n"),
        ("SELECT 1 AS a /* FORMAT JSON */", "1\n"),
        ("SELECT 1 AS format", "1\n"),
        ("SELECT `FORMAT JSON` FROM (SELECT 5 AS `FORMAT JSON`)", "5\n"),
        ("SELECT (SELECT 'x' AS format LIMIT 1)", "x\n"),
        ("SELECT $$ FORMAT JSON $$", " FORMAT JSON \n"),
    ],
)
def test_format_is_not_found_where_it_is_not(http: Http, query: str, shown: str) -> None:
    answer = http.call(query)
    assert answer.text == shown
    wanted = "JSONEachRow" if shown.startswith("{") else "TabSeparated"
    assert answer.headers["X-ClickHouse-Format"] == wanted


def test_default_format_and_its_header(http: Http) -> None:
    assert http.ok("SELECT 1 AS a", default_format="JSONEachRow") == '{"a":1}\n'
    assert http.ok("SELECT 1 AS a", headers={"X-ClickHouse-Format": "CSVWithNames"}) == '"a"\n1\n'


def test_answers_say_what_happened(http: Http, table: str) -> None:
    answer = http.call("SELECT number FROM numbers(1000)", query_id="q-1")
    assert answer.headers["X-ClickHouse-Query-Id"] == "q-1"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "1000"
    assert answer.headers["Content-Type"].startswith("text/tab-separated-values")
    answer = http.call(f"INSERT INTO {table} FORMAT TSV", b"1\tx\n2\ty\n")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert "X-ClickHouse-Format" not in answer.headers


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT nope", 404, 47),
        ("SELECT * FROM nope.nope", 404, 81),
        ("SELECT 1 FORMAT Nope", 404, 73),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT 1; SELECT 2", 400, 62),
    ],
)
@pytest.mark.parametrize("token", [True, False])
def test_errors_have_code_and_text(
    http: Http, query: str, status: int, code: int, token: bool
) -> None:
    answer = http.call(query, token=token)
    if "; " in query and not token:
        status, code = 403, 164
    assert (answer.status, answer.code) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "embedded" in answer.text


def native_block() -> bytes:
    columns = b"\x01a\x06UInt64" + struct.pack("<2Q", 1, 2) + b"\x01b\x06String\x01x\x02yz"
    return b"\x02\x02" + columns


def arrow_stream() -> bytes:
    batch = pa.record_batch([pa.array([1, 2], pa.uint64()), pa.array(["x", "yz"])], ["a", "b"])
    out = io.BytesIO()
    with pa.ipc.new_stream(out, batch.schema) as stream:
        stream.write_batch(batch)
    return out.getvalue()


BODIES = {
    "TSV": b"1\tx\n2\tyz\n",
    "JSONEachRow": b'{"a": 1, "b": "x"}\n{"a": 2, "b": "yz"}\n',
    "RowBinary": struct.pack("<Q", 1) + b"\x01x" + struct.pack("<Q", 2) + b"\x02yz",
    "Native": native_block(),
    "ArrowStream": arrow_stream(),
    "Values": b"(1, 'x'), (2, 'yz')",
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("encoding", ["", "gzip", "lz4", "zstd"])
@pytest.mark.parametrize("place", ["url", "body"])
def test_inserts(http: Http, table: str, kind: str, encoding: str, place: str) -> None:
    statement, body = f"INSERT INTO {table} (a, b) FORMAT {kind}", BODIES[kind]
    if place == "body":
        statement, body = "", f"{statement}\n".encode() + body
    packers = {
        "": bytes,
        "gzip": gzip.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstandard.compress,
    }
    half = len(body) // 2  # members and frames may follow one another
    packed = b"".join(packers[encoding](part) for part in (body[:half], body[half:]))
    http.ok(statement, packed, headers={"Content-Encoding": encoding} if encoding else {})
    assert http.ok(f"SELECT * FROM {table} ORDER BY a") == "1\tx\n2\tyz\n"


def test_insert_with_comments_settings_and_inline_data(http: Http, table: str) -> None:
    http.ok(
        body=f"/* FORMAT CSV */ INSERT INTO {table} SETTINGS async_insert=0 FORMAT TSV 1\tx".encode()
    )
    http.ok(f"INSERT INTO {table} VALUES (2, 'FORMAT TSV;')")
    http.ok(f"INSERT INTO {table} SELECT 3, 'y' FORMAT TSV")
    http.ok(f"INSERT INTO {table}", b'FORMAT JSONEachRow {"a": 4, "b": "z"}')
    rows = http.ok(f"SELECT * FROM {table} ORDER BY a")
    assert rows == "1\tx\n2\tFORMAT TSV;\n3\ty\n4\tz\n"


def test_broken_inserts_store_nothing(http: Http, table: str) -> None:
    answer = http.call(f"INSERT INTO {table} FORMAT TSV", b"1\tx\nnot a number\ty\n")
    assert answer.status >= 400
    assert answer.code in (27, 72)
    gzip_header = {"Content-Encoding": "gzip"}
    assert (
        http.call(f"INSERT INTO {table} FORMAT TSV", b"nonsense", headers=gzip_header).code == 354
    )
    brotli = {"Content-Encoding": "br"}
    assert "gzip, lz4, zstd" in http.call("SELECT 1", b"x", headers=brotli).text
    assert http.ok(f"SELECT count() FROM {table}") == "0\n"


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_packed_answers(http: Http, encoding: str) -> None:
    answer = http.call(
        "SELECT number FROM numbers(5000)",
        headers={"Accept-Encoding": f"{encoding}, nonsense;q=0.1"},
        enable_http_compression="1",
    )
    assert answer.headers["Content-Encoding"] == encoding
    unpack = {
        "gzip": gzip.decompress,
        "lz4": lz4.frame.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }[encoding]
    assert unpack(answer.body).count(b"\n") == 5000


def test_answers_are_plain_unless_asked(http: Http) -> None:
    answer = http.call("SELECT number FROM numbers(5000)", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_block_compression_is_refused_in_words(http: Http) -> None:
    assert "use Content-Encoding" in http.call("SELECT 1", compress="1").text


def test_settings_and_parameters(http: Http, table: str) -> None:
    assert http.ok("SELECT getSetting('max_threads')", max_threads="3") == "3\n"
    assert http.ok("SELECT getSetting('max_threads') = 3") == "0\n", "settings leak"
    assert http.ok("SELECT {a:String}, {b:UInt8}", param_a="it's \\\\ \\n", param_b="7") == (
        "it\\'s \\\\ \\n\t7\n"
    )
    name = table.removeprefix("box.")
    insert = "INSERT INTO {name:Identifier} FORMAT TSV"
    http.ok(insert, b"5\tp\n", param_name=name, database="box")
    answer = http.call("SELECT 1", no_such_setting="1")
    assert (answer.status, answer.code) == (404, 115)
    assert http.call("SELECT 1", **{"max_threads = 1, b": "x"}).code == 115  # type: ignore[arg-type]
    assert http.call("SELECT {a:UInt8}", param_a="x").status == 400


def test_database_parameter_and_header(http: Http, table: str) -> None:
    assert http.ok("SELECT currentDatabase()", database="box") == "box\n"
    assert http.ok("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "box"}) == "box\n"
    assert http.call("SELECT 1", database="nope").code == 81


def test_sessions_keep_settings_and_temporary_tables(http: Http) -> None:
    name = uuid.uuid4().hex
    http.ok("SET max_threads = 3", session_id=name)
    http.ok("CREATE TEMPORARY TABLE mine (a UInt8)", session_id=name)
    http.ok("INSERT INTO mine VALUES (9)", session_id=name)
    assert http.ok("SELECT a, getSetting('max_threads') FROM mine", session_id=name) == "9\t3\n"
    assert http.ok("SELECT getSetting('max_threads')", session_id=name, max_threads="2") == "2\n"
    assert http.call("SELECT * FROM mine").status == 404
    assert http.call("SELECT * FROM mine", session_id=name, token=False).status == 404
    assert http.call("SELECT 1", session_id=uuid.uuid4().hex, session_check="1").code == 372


def test_a_session_is_used_by_one_at_a_time_and_ends(http: Http) -> None:
    name = uuid.uuid4().hex
    slow = threading.Thread(target=http.ok, args=("SELECT sleep(1)",), kwargs={"session_id": name})
    slow.start()
    time.sleep(0.4)
    assert http.call("SELECT 1", session_id=name).code == 373
    slow.join()
    http.ok("CREATE TEMPORARY TABLE t (a UInt8)", session_id=name, session_timeout="1")
    time.sleep(1.2)
    assert http.call("SELECT * FROM t", session_id=name).status == 404
    assert http.call("SELECT 1", session_id=name, session_timeout="99999").code == 374


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ("(a UInt64, CONSTRAINT small CHECK a < 5) ENGINE = MergeTree ORDER BY a", 469),
        ("(a UInt64) ENGINE = MergeTree ORDER BY a PARTITION BY a", 252),
    ],
)
def test_what_cannot_be_stored_is_not_acknowledged(
    made: str, code: int, http: Http, table: str
) -> None:
    """Also when only the table refuses it, long after the data was read."""
    http.ok(f"DROP TABLE {table}")
    http.ok(f"CREATE TABLE {table} {made}")
    insert, limit = f"INSERT INTO {table} FORMAT TSV", "2"
    failed = http.call(insert, b"1\n2\n9\n", max_partitions_per_insert_block=limit)
    assert failed.code == code
    assert http.ok(f"SELECT count() FROM {table}") == "0\n"
    http.ok(insert, b"1\n2\n", max_partitions_per_insert_block=limit)
    assert http.ok(f"SELECT count() FROM {table}") == "2\n"


def test_many_at_once(http: Http, table: str) -> None:
    def work(number: int) -> int:
        http.ok(f"INSERT INTO {table} FORMAT TSV", f"{number}\tx\n".encode())
        return int(http.ok("SELECT sum(number) FROM numbers(100000)", token=False))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(64))) == {4999950000}
    assert http.ok(f"SELECT count(), uniqExact(a) FROM {table}") == "64\t64\n"


def test_long_urls_and_binary_strings(http: Http) -> None:
    text = "x" * 100_000
    assert http.ok(f"SELECT '{text}'", method="GET") == text + "\n"
    answer = http.call("SELECT unhex('ff00fe') FORMAT RowBinary")
    assert answer.body == b"\x03\xff\x00\xfe"
    assert http.call(body=b"SELECT '\xff'").code == 62


def test_clickhouse_connect(clickhouse: EmbeddedClickHouse, table: str) -> None:
    where = parse_url(clickhouse.url)
    for compress in (False, True, "zstd", "lz4", "gzip"):
        client = clickhouse_connect.get_client(
            host=where.host, port=where.port, password=where.password, compress=compress
        )
        client.command(f"TRUNCATE TABLE {table}")
        client.insert(table, [[number, "x" * number] for number in range(3000)], ["a", "b"])
        client.command("CREATE TEMPORARY TABLE IF NOT EXISTS mine (n UInt8)")
        assert client.query("SELECT count() FROM mine").result_rows == [(0,)]
        rows = client.query(
            f"SELECT a, b FROM {table} WHERE a < {{n:UInt64}}", {"n": 2}
        ).result_rows
        assert sorted(tuple(row) for row in rows) == [(0, ""), (1, "x")]
        assert client.query_df(f"SELECT a FROM {table}")["a"].sum() == 2999 * 1500
        assert client.query_arrow(f"SELECT a FROM {table}").num_rows == 3000
        with client.query_row_block_stream(f"SELECT a FROM {table}") as stream:
            assert sum(len(block) for block in stream) == 3000
        low = client.query("SELECT toLowCardinality(toString(number % 3)) FROM numbers(9)")
        assert list(low.result_columns[0]) == ["0", "1", "2"] * 3
        assert client.ping()
        client.close()


async def test_clickhouse_connect_async(clickhouse: EmbeddedClickHouse, table: str) -> None:
    where = parse_url(clickhouse.url)
    client = await clickhouse_connect.get_async_client(
        host=where.host, port=where.port, password=where.password
    )
    await client.insert(table, [[1, "x"]], ["a", "b"])
    assert (await client.query(f"SELECT * FROM {table}")).result_rows == [(1, "x")]
    await client.close()
