"""Native blocks are converted between protocol revisions without touching a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.native import BLOCK_INFO, NativeError, from_plain
from tests.unit.plain_http import Http

REVISION = 54_460

EXPRESSIONS = [
    "number",
    "toInt8(number)",
    "toUInt16(number)",
    "toInt32(number)",
    "toInt256(number)",
    "toFloat32(number)",
    "number > 3",
    "toString(number)",
    "repeat('x', 300)",
    "''",
    "toFixedString(leftPad(toString(number), 5), 5)",
    "toDate(number)",
    "toDate32(number)",
    "toDateTime(number, 'UTC')",
    "toDateTime64(number, 6, 'UTC')",
    "toDecimal32(number, 2)",
    "toDecimal64(1, 3)",
    "toDecimal128(1, 3)",
    "toDecimal256(1, 3)",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "toIPv4('1.2.3.4')",
    "toIPv6('::1')",
    "if(number % 2, NULL, toString(number))",
    "CAST(NULL AS Nullable(UInt8))",
    "NULL",
    "toLowCardinality(toString(number % 3))",
    "CAST(if(number % 2, NULL, 'x'), 'LowCardinality(Nullable(String))')",
    "range(number)",
    "[range(number)]",
    "arrayMap(x -> toString(x), range(number))",
    "[]",
    "[toLowCardinality('a'), toLowCardinality('b')]",
    "CAST([], 'Array(LowCardinality(String))')",
    "[if(number % 2, NULL, 1)]",
    "(number, 'x', [1, 2])",
    "CAST((1, 'y'), 'Tuple(a UInt8, `odd, name` String)')",
    "map('a', number, 'b', 2)",
    "map(toLowCardinality('k'), [1, 2])",
    "CAST('a', 'Enum8(\\'a\\' = 1, \\'b, (\\' = 2)')",
    "CAST('z', 'Enum16(\\'z\\' = 300)')",
    "CAST([(1, 'a')], 'Nested(x UInt8, y String)')",
    "(1., 2.)::Point",
    "[(1., 2.)]::Ring",
    "[[(1., 2.)]]::Polygon",
    "CAST(1, 'SimpleAggregateFunction(sum, UInt64)')",
    "toIntervalDay(1)",
]


def split_block(block: bytes) -> tuple[bytes, bytes]:
    """Head (name and type) and data of a block of one column and less than 128 rows."""
    position = 2
    for _ in range(2):
        length, shift = 0, 0
        while True:
            byte = block[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        position += length
    return block[2:position], block[position:]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("rows", [1, 100])
def test_every_column_ends_where_the_next_begins(http: Http, expression: str, rows: int) -> None:
    """A block of three columns, against what is known from blocks of one."""
    query = f"FROM numbers({rows}) SELECT {{}} FORMAT Native"
    head, data = split_block(http.call(query.format(f"{expression} AS a")).body)
    three = query.format(f"{expression} AS a, number AS n, {expression} AS a")
    number_head, number_data = split_block(http.call(query.format("number AS n")).body)
    for revision, mark in ((54_405, b""), (REVISION, b"\0")):
        column = head + mark + data
        middle = number_head + mark + number_data
        rich = http.call(three, client_protocol_version=str(revision)).body
        assert rich == BLOCK_INFO + bytes([3, rows]) + column + middle + column


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_many_blocks_and_none(http: Http, expression: str) -> None:
    query = f"SELECT {expression} AS a, number FROM numbers({{}}) FORMAT Native SETTINGS max_block_size = 7"
    for rows in (0, 50):
        plain = http.call(query.format(rows)).body
        rich = from_plain(plain, 54_405)
        assert rich.replace(BLOCK_INFO, b"") == plain.replace(BLOCK_INFO, b"")
        assert rich.startswith(BLOCK_INFO) == bool(plain)


def test_where_the_bytes_go() -> None:
    block = b"\x02\x01\x01a\x05UInt8\x07\x01b\x06String\x02hi"
    assert from_plain(block, 0) == block
    assert from_plain(block * 2, 54_405) == (BLOCK_INFO + block) * 2
    rich = BLOCK_INFO + b"\x02\x01\x01a\x05UInt8\x00\x07\x01b\x06String\x00\x02hi"
    assert from_plain(block, REVISION) == rich


def test_what_clients_insert_is_plain_whatever_they_announce(http: Http, table: str) -> None:
    plain = http.call("SELECT toUInt64(number) AS a, 'x' AS b FROM numbers(5) FORMAT Native").body
    insert = f"INSERT INTO {table} FORMAT Native"
    http.ok(insert, plain, client_protocol_version=str(REVISION))
    assert http.ok(f"SELECT sum(a), any(b) FROM {table}") == "10\tx\n"


def test_unknown_types_are_named(http: Http) -> None:
    answer = http.call("SELECT sumState(1) FORMAT Native", client_protocol_version=str(REVISION))
    assert answer.status == 501
    assert "AggregateFunction(sum, UInt8) are not known here" in answer.text


@given(st.binary(max_size=80))
def test_broken_blocks_are_refused(data: bytes) -> None:
    for revision in (54_405, REVISION):
        try:
            from_plain(data, revision)
        except NativeError:
            continue
