"""What the embedded ClickHouse lets readers and writers do, and how much of it."""

from __future__ import annotations

import base64
import gzip
import uuid
from urllib.parse import urlsplit

import pytest

from sinks.embedded import EmbeddedClickHouse
from tests.unit.plain_http import Http


def test_the_token_in_all_its_places(http: Http, table: str) -> None:
    insert = f"INSERT INTO {table} VALUES (1, 'x')"
    basic = base64.b64encode(f"default:{http.token}".encode()).decode()
    http.ok(insert, token=False, headers={"Authorization": f"Basic {basic}"})
    http.ok(insert, token=False, headers={"X-ClickHouse-Key": http.token})
    http.ok(insert, token=False, password=http.token)
    assert http.ok(f"SELECT count() FROM {table}", token=False) == "3\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-ClickHouse-Key": "wrong"},
        {"X-ClickHouse-User": "root", "X-ClickHouse-Key": ""},
        {"Authorization": "Basic " + base64.b64encode(b"default:wrong").decode()},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Bearer x"},
    ],
)
def test_wrong_credentials_are_refused(http: Http, headers: dict[str, str]) -> None:
    answer = http.call("SELECT 1", token=False, headers=headers)
    assert (answer.status, answer.code) == (403, 516)
    assert http.token not in answer.text


FORBIDDEN = [
    "INSERT INTO {table} VALUES (1, 'x')",
    "CREATE TABLE box.new (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE new (a UInt8)",
    "DROP TABLE {table}",
    "OPTIMIZE TABLE {table}",
    "SYSTEM STOP MERGES",
    "KILL QUERY WHERE 1",
    "SET max_threads = 1",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1; DROP TABLE {table}",
    "SELECT 1; this does not parse (",
    "SELECT 1 INTO OUTFILE '/tmp/outfile-{unique}'",
    "SELECT * FROM file('/etc/passwd', LineAsString)",
    "SELECT * FROM `file`('/etc/passwd', LineAsString)",
    "SELECT * FROM FILE('/etc/passwd', LineAsString)",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM default.`/etc/passwd`",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM '/etc/passwd'",
    "DESCRIBE file('/etc/passwd', LineAsString)",
    "EXPLAIN PLAN SELECT * FROM url('http://127.0.0.1:1/', TSV)",
    "SELECT 1 WHERE 1 IN (SELECT 1 FROM url('http://127.0.0.1:1/', TSV))",
    "WITH a AS (SELECT * FROM s3('http://127.0.0.1:1/x')) SELECT * FROM a",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', view(SELECT * FROM file('/etc/passwd', LineAsString)))",
    "SELECT * FROM executable('x', TSV, 'a String')",
    "SELECT * FROM python(x)",
    "SELECT * FROM sqlite('/tmp/x', 'y')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM filesystem('/etc')",
    "SELECT hasColumnInTable('127.0.0.1', 'system', 'one', 'dummy')",
    "BACKUP DATABASE box TO Disk('x', 'y')",
]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_readers_only_read_and_only_what_is_inside(http: Http, table: str, query: str) -> None:
    query = query.format(table=table, unique=uuid.uuid4().hex)
    for _ in range(2):  # what was checked is remembered: it must not be let in the second time
        answer = http.call(query, token=False)
        assert answer.status >= 400, answer.text
        assert "root:" not in answer.text
    assert http.call(query, method="GET", session_id=uuid.uuid4().hex).status >= 400
    assert http.ok(f"EXISTS {table}") == "1\n"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT number FROM numbers(3)",
        "SHOW TABLES FROM box",
        "DESCRIBE {table}",
        "EXISTS TABLE {table}",
        "SHOW CREATE TABLE {table}",
        "EXPLAIN SELECT * FROM {table}",
        "WITH 1 AS a SELECT a FROM {table}",
        "FROM {table} SELECT *",
        "SELECT format('{}-{}', 'a', 'b')",
        "SELECT * FROM VALUES('a UInt8', 1, 2)",
        "SELECT 1 SETTINGS max_threads = 1",
    ],
)
def test_readers_read(http: Http, table: str, query: str) -> None:
    http.ok(query.replace("{table}", table), token=False)


def test_get_never_writes(http: Http, table: str) -> None:
    answer = http.call(f"INSERT INTO {table} VALUES (1, 'x')", method="GET")
    assert (answer.status, answer.code) == (403, 164)


def test_bodies_are_bounded(http: Http, table: str) -> None:
    insert = f"INSERT INTO {table} FORMAT TSV"
    assert http.call(insert, bytes(17 << 20)).code == 307
    bomb = gzip.compress(bytes(65 << 20), 1)
    assert http.call(insert, bomb, headers={"Content-Encoding": "gzip"}).code == 307


def test_memory_is_bounded(http: Http) -> None:
    answer = http.call(
        "SELECT groupArray(number) FROM numbers(10000000)", max_memory_usage="9000000"
    )
    assert answer.code == 241
    cap = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    assert http.ok(cap) == f"{2048 << 20}\n"


def test_the_reading_url_has_no_password(clickhouse: EmbeddedClickHouse) -> None:
    assert urlsplit(clickhouse.reading_url).password is None
    assert urlsplit(clickhouse.url).password
