"""`engage sql`: the answer on standard output, everything else in one line on standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.migrate import migrate
from tests.unit.clickhouse_rows import Tables


def sql(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.cli", "sql", *arguments],
        capture_output=True,
        input=stdin,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `engage run` leaves it behind."""
    folder = tmp_path_factory.mktemp("results")
    with EmbeddedClickHouse(folder / "clickhouse") as server:
        client = connect(server.url)
        migrate(client, "engagement")
        client.command(
            "INSERT INTO ledger (entry_id, state, amount_micros) VALUES ('e', 'final', 5)"
        )
        client.close()
    return folder


def test_a_folder_of_results(results: Path) -> None:
    done = sql("SELECT amount_micros FROM balances", "--data", str(results))
    assert (done.returncode, done.stdout, done.stderr) == (0, "amount_micros\n5\n", "")


def test_a_folder_in_use_is_asked_through_its_stack(
    results: Path, clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    where = {"pid": os.getpid(), "clickhouse": clickhouse.url}
    (results / "stack.json").write_text(json.dumps(where))
    done = sql("SELECT currentDatabase()", "--data", str(results), ENGAGE_DATABASE=migrated)
    assert done.stdout == f"currentDatabase()\n{migrated}\n"
    where["pid"] = 2**22 - 1  # it died without a word
    (results / "stack.json").write_text(json.dumps(where))
    done = sql("SELECT count() FROM ledger FORMAT TSV", "--data", str(results))
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_a_server_and_numbers_as_numbers(
    clickhouse: EmbeddedClickHouse, client: Client, tables: Tables, migrated: str
) -> None:
    tables.write("ledger", {"entry_id": "e", "amount_micros": 2**60, "state": "final"})
    for arguments, environment in (
        (("--clickhouse", clickhouse.url), {}),
        ((), {"ENGAGE_CLICKHOUSE": clickhouse.reading_url}),
    ):
        done = sql(
            "-",
            *("--format", "JSONEachRow", *arguments),
            stdin="SELECT amount_micros FROM earnings_ledger;\n",
            ENGAGE_DATABASE=migrated,
            **environment,
        )
        assert (done.stdout, done.stderr) == (f'{{"amount_micros":{2**60}}}\n', "")


def test_bytes_come_out_as_they_are(clickhouse: EmbeddedClickHouse) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.cli", "sql", "SELECT unhex('ff00') FORMAT RowBinary"),
            *("--clickhouse", clickhouse.url),
        ],
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "ENGAGE_DATABASE": "default"},
    )
    assert done.stdout == b"\x02\xff\x00"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nope FROM system.one", "nope"),
        ("SELEC 1", "Syntax error"),
        ("SELECT * FROM nope", "engage migrate"),
        (" ", "the query is empty"),
    ],
)
def test_a_wrong_query_is_one_line(
    clickhouse: EmbeddedClickHouse, migrated: str, query: str, said: str
) -> None:
    done = sql(query, "--clickhouse", clickhouse.url, ENGAGE_DATABASE=migrated)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_no_results_no_server_no_answer(tmp_path: Path) -> None:
    done = sql("SELECT 1", "--data", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {tmp_path / 'none'} holds no results: make some with "
        f"`engage run --data {tmp_path / 'none'}`\n"
    )
    done = sql("SELECT 1", "--clickhouse", "http://user:secret@127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ClickHouse at http://127.0.0.1:1 does not answer")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_a_reader_that_left_is_no_error(clickhouse: EmbeddedClickHouse) -> None:
    pipe = subprocess.Popen(
        [
            *(sys.executable, "-m", "scripts.cli", "sql", "SELECT number FROM numbers(5000000)"),
            *("--clickhouse", clickhouse.url),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ENGAGE_DATABASE": "default"},
    )
    assert pipe.stdout is not None
    assert pipe.stderr is not None
    assert pipe.stdout.readline() == "number\n"
    pipe.stdout.close()
    complaints = pipe.stderr.read()
    pipe.stderr.close()
    assert pipe.wait(30) == 128 + 13
    assert complaints == ""
