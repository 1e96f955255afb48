"""The embedded ClickHouse as a process: how it starts, how it ends, what it leaves."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from schemas.errors import Refused, Unavailable
from sinks.client import answering, connect
from sinks.embedded import READY, TOKEN_VARIABLE, EmbeddedClickHouse
from tests.unit.plain_http import Http


def command(*arguments: str, token: str = "t") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, TOKEN_VARIABLE: token}
    return subprocess.run(
        [sys.executable, "-m", "sinks.embedded", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


def ended(pid: int, within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or ") Z " in stat.read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_path_has_one_owner(clickhouse: EmbeddedClickHouse) -> None:
    second = command("--path", str(clickhouse.path), "--port", "0")
    assert second.returncode == 2
    assert second.stderr.startswith(f"error: {clickhouse.path} is in use by another embedded")
    with pytest.raises(Refused, match="in use by another"):
        EmbeddedClickHouse(clickhouse.path).start()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = command("--path", str(tmp_path / "a"), "--port", str(port))
        assert refused.returncode == 2
        assert f"port {port}" in refused.stderr
        assert "--port" in refused.stderr
        assert "Traceback" not in refused.stderr
        with pytest.raises(Refused, match=f"port {port}"):
            EmbeddedClickHouse(tmp_path / "a", port=port).start()


def test_no_token_no_server(tmp_path: Path) -> None:
    refused = command("--path", str(tmp_path / "a"), "--port", "0", token="")
    assert refused.returncode == 2
    assert TOKEN_VARIABLE in refused.stderr


def test_a_path_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = command("--path", str(tmp_path / "file" / "a"), "--port", "0")
    assert refused.returncode == 2
    assert str(tmp_path / "file" / "a") in refused.stderr
    assert "Traceback" not in refused.stderr


def test_killed_it_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    server = EmbeddedClickHouse(tmp_path / "a", fsync=True).start()
    http = Http(server)
    http.ok("CREATE DATABASE box")
    http.ok("CREATE TABLE box.t (a UInt64) ENGINE = MergeTree ORDER BY a")
    settings = "SELECT value FROM system.merge_tree_settings WHERE name = 'fsync_after_insert'"
    assert http.ok(settings) == "1\n"
    client = connect(server.url, "box")
    http.ok("INSERT INTO box.t SELECT number FROM numbers(10)")
    os.kill(server.pid, signal.SIGKILL)
    assert ended(server.pid)
    with (
        pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+ does not answer"),
        answering(server.url),
    ):
        client.query("SELECT 1")
    server.stop()
    with EmbeddedClickHouse(tmp_path / "a") as again:
        assert Http(again).ok("SELECT sum(a) FROM box.t", token=False) == "45\n"


def test_stopping_lets_running_queries_finish(tmp_path: Path) -> None:
    server = EmbeddedClickHouse(tmp_path / "a").start()
    answers: list[str] = []
    http = Http(server)
    query = threading.Thread(target=lambda: answers.append(http.ok("SELECT sleep(2), 'done'")))
    query.start()
    time.sleep(0.5)
    server.stop()
    query.join()
    assert answers == ["0\tdone\n"]


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=b"])
def test_a_caller_that_leaves_inside_of_a_query_is_no_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    """Ctrl-C of a run does that; nobody is to see how aiohttp noticed."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
    with EmbeddedClickHouse(tmp_path / "clickhouse") as engine:
        host, _, port = engine.reading_url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(head.encode() + b"SELECT")
            time.sleep(0.3)
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.3)
        assert Http(engine).ok("SELECT 1") == "1\n"
    assert capfd.readouterr().err == ""


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import time
                from pathlib import Path
                from sinks.embedded import EmbeddedClickHouse
                print(EmbeddedClickHouse(Path({str(tmp_path / "a")!r})).start().pid, flush=True)
                time.sleep(600)
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert ended(pid)
    with EmbeddedClickHouse(tmp_path / "a"):
        pass


def test_alone_it_says_where_and_ends_on_sigterm(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sinks.embedded", "--path", str(tmp_path / "a"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, TOKEN_VARIABLE: "t"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(f"{READY}http://127.0.0.1:")
    process.terminate()
    _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_times_are_utc_wherever_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    with EmbeddedClickHouse(tmp_path / "a") as server:
        assert Http(server).ok("SELECT timezone(), toDateTime(0)") == "UTC\t1970-01-01 00:00:00\n"
