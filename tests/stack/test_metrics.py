"""A real worker's metrics, health and readiness, scraped while it works, waits and stands still."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse

from schemas.failures import Reason
from scripts.processes import free_port
from streams.metrics import METRICS
from tests.stack import known
from tests.stack.command import Engage, wait_for

TOKEN = "only-for-this-test"
EVENTS = 3_000


def get(url: str, token: str = TOKEN) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(url: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by metric and by its labels' values, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in parse(get(f"{url}/metrics")[1]):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_a_worker_tells_how_it_is(engage: Engage, tmp_path: Path, seed: int) -> None:
    log, data = tmp_path / "log.jsonl", tmp_path / "results"
    lines = known.make_log(seed, EVENTS)
    log.write_bytes(b"\n".join(lines) + b"\n")
    port = free_port()
    env = {
        "ENGAGE_METRICS_PORT": str(port),
        "ENGAGE_HTTP_TOKEN": TOKEN,
        "ENGAGE_LOG_FORMAT": "json",
        "ENGAGE_STUCK_AFTER_S": "2",
    }
    up = engage.start("up", "--data", data, **env)
    up.until_it_says("ready; Ctrl-C stops everything")
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: get_or_0(f"{url}/readyz") == 200, 60, lambda: "the worker is never ready")
    assert get(f"{url}/metrics", "wrong")[0] == 401
    assert get(f"{url}/nothing")[0] == 404

    where = json.loads((data / "stack.json").read_text())
    engage("replay", log, "--kafka", where["kafka"], "--plain").ok()
    sums = "SELECT sum(messages) AS messages, sum(late) AS late, sum(duplicates) AS duplicates, "
    sums += "sum(dead_letters) AS dead_letters, sum(suppressed) AS suppressed FROM partitions FINAL"
    wait_for(
        lambda: int(engage.rows(sums, data)[0]["messages"]) == len(lines),
        60,
        lambda: "the log is never counted",
    )
    wait_for(
        lambda: sum(scrape(url)["engage_unflushed_messages"].values()) == 0,
        30,
        lambda: "something is never flushed",
    )
    # the watchdog looks once a second: what its last look saw may be from before the flush
    wait_for(
        lambda: scrape(url)["engage_stuck_seconds"][()] == 0, 30, lambda: "it is still called stuck"
    )
    numbers_are_right(engage, scrape(url), engage.rows(sums, data)[0], data)

    # ClickHouse hangs: there is work and nothing moves, and the log says where it stands.
    engine = [line for line in engage.left() if "sinks.embedded" in line]
    assert len(engine) == 1, engage.left()
    pid = int(engine[0].split()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        engage("replay", log, "--kafka", where["kafka"], "--plain").ok()
        wait_for(lambda: get_or_0(f"{url}/healthz") == 503, 60, lambda: "the standstill is unseen")
        assert scrape(url)["engage_stack_dumps_total"][()] >= 1
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: get_or_0(f"{url}/healthz") == 200, 60, lambda: "it never goes on")
    worker_log = (data / "worker.log").read_text()
    records = [json.loads(line) for line in worker_log.splitlines()]  # whatever was dumped
    assert all({"time", "level", "process", "logger", "message"} <= one.keys() for one in records)
    (dump, *_) = (one["message"] for one in records if one["message"].startswith("no progress for"))
    assert "_flush" in dump
    assert "Thread MainThread" in dump
    assert TOKEN not in worker_log
    up.interrupt(group=True)
    assert up.finish(60).code == 0


def numbers_are_right(
    engage: Engage, found: dict[str, dict[tuple[str, ...], float]], row: dict[str, str], data: Path
) -> None:
    """What the worker tells is what the views show."""
    names = {name for name in found if name.startswith("engage_")}
    assert {name.removesuffix("_count") for name in names} >= {m.series for m in METRICS}
    messages = int(row["messages"])
    for fate in ("late", "duplicates", "dead_letters", "suppressed"):
        counted = sum(v for k, v in found["engage_events_total"].items() if k[0] == fate)
        assert counted == int(row[fate]), fate
    assert sum(found["engage_events_total"].values()) == messages
    reasons = engage.rows("SELECT reason, count() AS n FROM dead_letters GROUP BY reason", data)
    told: Counter[str] = Counter()
    for (reason, _topic), letters in found["engage_dead_letters_total"].items():
        told[reason] += int(letters)
    refused = {row["reason"]: int(row["n"]) for row in reasons}
    assert told == dict.fromkeys(map(str, Reason), 0) | refused
    for stage in ("applied", "visible"):
        passed = found["engage_stage_events_total"].items()
        assert sum(v for k, v in passed if k[0] == stage) == messages, stage
    assert sum(found["engage_consumer_lag_messages"].values()) == 0
    assert sum(found["engage_partitions"].values()) == 8
    assert found["engage_rows_total"][("windows_1m",)] > 0
    assert found["engage_flush_seconds_count"][()] > 0
    assert sum(found["engage_dedup_ids"].values()) > 0
    assert sum(found["engage_dedup_bytes"].values()) > sum(found["engage_dedup_ids"].values())
    assert found["engage_stuck_seconds"][()] == 0


def get_or_0(url: str) -> int:
    """The status, 0 while nobody listens."""
    try:
        return get(url)[0]
    except OSError:
        return 0
