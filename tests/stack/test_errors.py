"""What goes wrong is said in one line that tells what to do: exit code 2, no traceback, no trace."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts import cli
from tests.oracle.events import event, line_of
from tests.stack.command import ROOT, Engage, Finished

NOWHERE = "127.0.0.1:1"
NO_CLICKHOUSE = f"http://{NOWHERE}"
RUN = ("run", "--input", "ok.jsonl", "--data", "results")


@dataclass(frozen=True)
class Case:
    """A command line that cannot work, and the words its message must have."""

    arguments: tuple[str, ...]
    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


def case(*arguments: str, says: str, **env: str) -> Case:
    return Case(arguments, tuple(says.split(" + ")), env)


CASES = {
    "wrong flag": case(*RUN, "--inptu", "x", says="--inptu + engage run --help"),
    "flag without value": case("run", "--input", says="--input + engage run --help"),
    "nothing given": case("run", says="--input + --data"),
    "unknown format": case(*RUN, "--format", "xml", says="xml + jsonl + parquet + kuairand"),
    "no process": case(*RUN, "--processes", "0", says="--processes + at least 1"),
    "not a number": case(*RUN, "--processes", "many", says="--processes + many"),
    "no process for up": case("up", "--data", "results", "--processes", "0", says="--processes"),
    "no such port": case("up", "--data", "results", "--kafka-port", "70000", says="70000 + 65535"),
    "no dashboard port": case("demo", "--data", "results", "--port", "-1", says="-1 + 65535"),
    "missing file": case("run", "--input", "no.jsonl", "--data", "results", says="no.jsonl"),
    "missing second file": case(*RUN, "--input", "no.jsonl", says="no.jsonl"),
    "folder as input": case("run", "--input", "folder", "--data", "results", says="is a folder"),
    "unknown content": case("run", "--input", "odd.bin", "--data", "results", says="--format"),
    "log version": case(
        "run", "--input", "version.jsonl", "--data", "results", says="version 99 + version 1"
    ),
    "no gzip": case("run", "--input", "no.jsonl.gz", "--data", "results", says="no.jsonl.gz"),
    "no zstd": case("run", "--input", "no.jsonl.zst", "--data", "results", says="no.jsonl.zst"),
    "no parquet": case("run", "--input", "no.parquet", "--data", "results", says="no.parquet"),
    "kuairand without a column": case(
        "run",
        "--input",
        "columns.csv",
        "--format",
        "kuairand",
        "--data",
        "results",
        says="columns.csv + author_id",
    ),
    "arrival of jsonl": case(*RUN, "--arrival", "log-hour", says="log-hour + KuaiRand"),
    "rates: unknown key": case(
        *RUN, "--rates", "rates.toml", says="rates.toml + rpm_micros_per_1000"
    ),
    "rates: no file": case(*RUN, "--rates", "none.toml", says="none.toml"),
    "rates: no TOML": case(*RUN, "--rates", "ok.jsonl", says="ok.jsonl"),
    "weights: no file": case(*RUN, "--weights", "none.toml", says="none.toml"),
    "environment: no number": case(
        *RUN, says="ENGAGE_PARTITIONS=many + whole number", ENGAGE_PARTITIONS="many"
    ),
    "environment: bound": case(*RUN, says="ENGAGE_HORIZON_MS=5 + from", ENGAGE_HORIZON_MS="5"),
    "environment: no switch": case(
        "worker", says="ENGAGE_TRANSACTIONS=perhaps", ENGAGE_TRANSACTIONS="perhaps"
    ),
    "environment: address": case("worker", says="ENGAGE_KAFKA=here + PORT", ENGAGE_KAFKA="here"),
    "folder of results is a file": case(
        "run", "--input", "ok.jsonl", "--data", "ok.jsonl", says="ok.jsonl"
    ),
    "folder below a file": case(
        "run", "--input", "ok.jsonl", "--data", "ok.jsonl/x", says="ok.jsonl"
    ),
    "demo in a used folder": case("demo", "--once", "--data", "folder", says="folder + --data"),
    "sql without results": case("sql", "SELECT 1", "--data", "folder", says="folder + engage run"),
    "audit without results": case("audit", "--data", "folder", says="folder + engage run"),
    "audit of nothing": case("audit", says="--data"),
    "settle without a stack": case(
        "settle", "--through", "2025-03-10", "--data", "folder", says="folder"
    ),
    "run: no Kafka": case(*RUN, "--kafka", NOWHERE, says=f"Kafka + {NOWHERE}"),
    "run: no ClickHouse": case(*RUN, "--clickhouse", NO_CLICKHOUSE, says=f"ClickHouse + {NOWHERE}"),
    "up: no Kafka": case("up", "--data", "results", "--kafka", NOWHERE, says=f"Kafka + {NOWHERE}"),
    "worker: no Kafka": case("worker", "--kafka", NOWHERE, says=f"Kafka + {NOWHERE}"),
    "replay: no Kafka": case("replay", "ok.jsonl", "--kafka", NOWHERE, says=f"Kafka + {NOWHERE}"),
    "generate: no Kafka": case(
        "generate", "--kafka", NOWHERE, "--events", "9", says=f"Kafka + {NOWHERE}"
    ),
    "migrate: no Kafka": case("migrate", "--kafka", NOWHERE, says=NOWHERE),
    "dead-letters: no ClickHouse": case(
        "dead-letters", "list", "--clickhouse", NO_CLICKHOUSE, says=f"ClickHouse + {NOWHERE}"
    ),
    "audit: no Kafka": case(
        "audit", "--kafka", NOWHERE, "--clickhouse", NO_CLICKHOUSE, says=NOWHERE
    ),
    "sql: no ClickHouse": case(
        "sql", "SELECT 1", "--clickhouse", NO_CLICKHOUSE, says=f"ClickHouse + {NOWHERE}"
    ),
    "settle: no ClickHouse": case(
        "settle",
        "--through",
        "2025-03-10",
        "--clickhouse",
        NO_CLICKHOUSE,
        says=f"ClickHouse + {NOWHERE}",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with the files that the cases name."""
    like = line_of(event("like")) + b"\n"
    (tmp_path / "ok.jsonl").write_bytes(like)
    (tmp_path / "version.jsonl").write_bytes(b'{"engage_log": 99}\n' + like)
    (tmp_path / "odd.bin").write_bytes(b"\x00\x01\x02 nothing known")
    for name in ("no.jsonl.gz", "no.jsonl.zst", "no.parquet"):
        (tmp_path / name).write_bytes(_damaged(name, like * 500))
    (tmp_path / "columns.csv").write_text("user_id,video_id,time_ms\n1,2,3\n")
    rates = (ROOT / "schemas" / "rates.toml").read_text()
    assert "rpm_micros" in rates
    (tmp_path / "rates.toml").write_text(rates.replace("rpm_micros", "rpm_mikros", 1))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("keep")
    return tmp_path


def _damaged(name: str, content: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(content)[:10] + b"\xff" * 50
    return {"no.jsonl.zst": b"\x28\xb5\x2f\xfd", "no.parquet": b"PAR1"}[name] + b"\xff" * 50


def assert_told(done: Finished, *words: str) -> None:
    """Exactly one line, that has these words; exit code 2."""
    assert done.code == 2, (done.code, done.errors)
    lines = done.errors.splitlines()
    assert len(lines) == 1, done.errors
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.errors
    for word in words:
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"


def _ids(in_process: bool) -> list[str]:
    """Names of the cases; what meets no server needs no process of its own to show itself."""
    known = {name: wrong for name, wrong in CASES.items() if wrong.arguments[0] in cli.available()}
    return [name for name, wrong in known.items() if (NOWHERE not in str(wrong)) == in_process]


@pytest.mark.parametrize("name", _ids(in_process=True))
def test_a_wrong_command_line(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = CASES[name]
    monkeypatch.chdir(folder)
    for key, value in wrong.env.items():
        monkeypatch.setenv(key, value)
    before = tree(folder)
    try:
        code = cli.guarded(lambda: cli.dispatch(wrong.arguments))
    except SystemExit as leaving:  # of argparse
        code = int(str(leaving.code))
    output, errors = capfd.readouterr()
    assert output == ""
    assert_told(Finished(code, output, errors), *wrong.words)
    assert tree(folder) == before


@pytest.mark.parametrize("name", _ids(in_process=False))
def test_a_server_that_is_not_there(name: str, folder: Path, engage: Engage) -> None:
    wrong = CASES[name]
    assert_told(engage(*wrong.arguments, limit_s=60), *wrong.words)
    assert not (folder / "results" / "clickhouse").exists(), "the next try is not refused"


@pytest.mark.parametrize("name", ["wrong flag", "missing file", "environment: bound", "no gzip"])
def test_a_process_says_the_same(name: str, folder: Path, engage: Engage) -> None:
    wrong = CASES[name]
    assert_told(engage(*wrong.arguments, limit_s=60, **wrong.env), *wrong.words)


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize("flag", ["--kafka-port", "--clickhouse-port"])
def test_a_port_in_use(flag: str, taken: str, folder: Path, engage: Engage) -> None:
    done = engage("up", "--data", "results", flag, taken, limit_s=60)
    assert_told(done, f"port {taken}", "another port")
    assert not (folder / "results" / "clickhouse").exists(), "the next try is not refused"


def test_the_dashboards_port_in_use(taken: str, folder: Path, engage: Engage) -> None:
    done = engage("demo", "--data", "shown", "--input", "ok.jsonl", "--port", taken, limit_s=60)
    assert_told(done, f"port {taken}", "another port")


def test_a_folder_that_may_not_be_written(folder: Path, engage: Engage) -> None:
    (folder / "locked").mkdir(mode=0o555)
    data = folder / "locked" / "results"
    # root may write everywhere unless it gives that right up
    plain = ("setpriv", "--bounding-set", "-dac_override") if os.geteuid() == 0 else ()
    running = engage.start("run", "--input", "ok.jsonl", "--data", data, through=plain)
    assert_told(running.finish(60), "Permission denied", str(data))


def test_a_log_that_ends_too_early(folder: Path, engage: Engage) -> None:
    """It is found when all before it is counted: the folder is no complete result, and says so."""
    text = b"".join(line_of(event("like")) + b"\n" for _ in range(20_000))
    whole = gzip.compress(text, 1)
    (folder / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    cut = ("run", "--input", "cut.jsonl.gz", "--data", "results")
    assert_told(engage(*cut), "cut.jsonl.gz", "damaged")
    assert_told(engage(*cut), "stopped before its end", "rm -r", "another folder")


def tree(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}
