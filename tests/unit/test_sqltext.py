"""SQL is cut into statements, and its FORMAT found, as ClickHouse would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.sqltext import from_file, output_format, parse_insert, statements, tokens


def test_statements_are_cut_at_semicolons_only() -> None:
    script = """
    -- first; comment
    SELECT ';', "a;b", `c;d`, 'it''s; \\'; x' /* ; */ , $$;$$, $t$;$$;$t$;
    ;;
    # comment; of the old kind
    SELECT 2
    """
    first, second = statements(script)
    assert first.startswith("SELECT ';'")
    assert first.endswith("$t$")
    assert second == "SELECT 2"


@pytest.mark.parametrize("script", ["", ";", " ; -- x\n ;", "/* never closed"])
def test_nothing_is_no_statement(script: str) -> None:
    assert statements(script) == []


@pytest.mark.parametrize(
    ("text", "statement", "kind", "data"),
    [
        ("INSERT INTO t FORMAT TSV 1\t2", "INSERT INTO t", "TSV", "1\t2"),
        ("INSERT INTO t FORMAT TSV\n1", "INSERT INTO t", "TSV", "1"),
        ("INSERT INTO t FORMAT TSV \t\r\n1", "INSERT INTO t", "TSV", "1"),
        ("INSERT INTO t FORMAT TSV\n\n1", "INSERT INTO t", "TSV", "\n1"),
        ("insert into t (format, b) format CSV 1", "insert into t (format, b)", "CSV", "1"),
        ("INSERT INTO format FORMAT CSV 1", "INSERT INTO format", "CSV", "1"),
        (
            "/* FORMAT x */ INSERT INTO t FORMAT Native\n",
            "/* FORMAT x */ INSERT INTO t",
            "Native",
            "",
        ),
        (
            "INSERT INTO FUNCTION f('FORMAT x') SETTINGS a=1 FORMAT JSONEachRow {}",
            "INSERT INTO FUNCTION f('FORMAT x') SETTINGS a=1",
            "JSONEachRow",
            "{}",
        ),
    ],
)
def test_an_insert_is_split_from_its_data(text: str, statement: str, kind: str, data: str) -> None:
    found = parse_insert(text)
    assert found is not None
    assert (found.statement, found.format, text[found.data_start :]) == (statement, kind, data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1 FORMAT TSV",
        "INSERT INTO t VALUES (1) FORMAT TSV",
        "INSERT INTO t SELECT 1 FORMAT TSV",
        "INSERT INTO t (a) WITH 1 AS a SELECT a FORMAT TSV",
        "INSERT INTO t",
        "INSERT INTO t FORMAT",
        "-- INSERT INTO t FORMAT TSV",
    ],
)
def test_other_statements_have_no_data(text: str) -> None:
    assert parse_insert(text) is None


@pytest.mark.parametrize(
    ("insert", "reading"),
    [
        ("INSERT INTO t", "INSERT INTO t FROM INFILE 'f' FORMAT CSV"),
        ("INSERT INTO t (a)", "INSERT INTO t (a) FROM INFILE 'f' FORMAT CSV"),
        ("INSERT INTO settings", "INSERT INTO settings FROM INFILE 'f' FORMAT CSV"),
        (
            "INSERT INTO t SETTINGS async_insert=0",
            "INSERT INTO t FROM INFILE 'f' SETTINGS async_insert=0\nFORMAT CSV",
        ),
        ("INSERT INTO t -- all", "INSERT INTO t FROM INFILE 'f' FORMAT CSV"),
    ],
)
def test_from_file(insert: str, reading: str) -> None:
    assert from_file(insert, "f", "CSV") == reading


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("SELECT 1 format JSON ; ", "JSON"),
        ("SELECT 1 FORMAT JSON SETTINGS a = 1", "JSON"),
        ("SELECT 1 AS format", None),
        ("SELECT format FROM t", None),
        ("SELECT ' FORMAT JSON'", None),
        ("SELECT 1 -- FORMAT JSON", None),
        ("SELECT (1 AS a FORMAT JSON)", None),
        ("", None),
    ],
)
def test_output_format(sql: str, kind: str | None) -> None:
    assert output_format(sql) == kind


@given(st.text(alphabet="aF'\"`\\/*-#$;() \nORMT1", max_size=60))
def test_tokens_cover_any_text_in_order(text: str) -> None:
    end = 0
    for token in tokens(text):
        assert token.start >= end
        assert text[token.start : token.end] == token.text
        end = token.end
    parse_insert(text)
    output_format(text)
    statements(text)
