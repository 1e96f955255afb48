"""Metrics have a name, a unit and a meaning each; alerts and scrapes go by them; a standstill is told."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.failures import Failure, Reason, Stage
from streams import metrics
from streams.logs import JsonFormatter, set_up
from streams.meter import FLUSH_BOUNDS_S, Meter
from streams.metrics import METRICS, Kind
from streams.values import DeadMessage
from streams.watchdog import Glance, Watchdog

ROOT = Path(__file__).resolve().parent.parent.parent
RULES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
SCRAPE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
OF_THE_CLIENT = {"process_resident_memory_bytes", "process_start_time_seconds"}
NOT_NAMES = {
    *("count", "max_over_time", "sum", "min", "max", "by", "rate", "increase", "and", "on"),
    *("absent", "changes", "deriv", "histogram_quantile", "topic", "reason", "le", "instance"),
    *("job", "fate", "up", "m", "s"),
}


def series() -> set[str]:
    """All names that a query may use."""
    names = {metric.series for metric in METRICS}
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            names |= {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
    return names


def names_in(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    return set(re.findall(r"[a-zA-Z_]\w*", bare)) - NOT_NAMES


def test_every_metric_is_declared_once_with_unit_and_meaning() -> None:
    declared = [value for value in vars(metrics).values() if isinstance(value, metrics.Metric)]
    assert sorted(METRICS) == sorted(declared)
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"engage_[a-z_]+", metric.name)
        assert not metric.name.endswith("_total")
        assert metric.unit
        assert len(metric.meaning) > 20
        for unit in ("seconds", "bytes"):
            assert (metric.unit == unit) is metric.name.endswith(f"_{unit}"), metric


def test_alerts_name_metrics_that_exist_and_tell_what_to_do() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        names = names_in(rule["expr"])
        assert names <= series() | OF_THE_CLIENT, (rule["alert"], names - series())
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"]


def test_prometheus_scrapes_what_compose_runs() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    (scrape,) = SCRAPE["scrape_configs"]
    (found,) = scrape["dns_sd_configs"]
    environment = compose["services"][found["names"][0]]["environment"]
    assert environment["ENGAGE_METRICS_PORT"] == str(found["port"])
    mounted = [volume.split(":")[1] for volume in compose["services"]["prometheus"]["volumes"]]
    assert SCRAPE["rule_files"][0] in mounted
    token = Path(scrape["authorization"]["credentials_file"])
    assert token.parent == Path("/run/secrets")
    assert token.name in compose["services"]["prometheus"]["secrets"]
    assert {f'job="{scrape["job_name"]}"'} == set(
        re.findall(r'job="[^"]*"', (ROOT / "deploy/prometheus/alerts.yml").read_text())
    )


def test_the_meter_tells_what_became_of_messages() -> None:
    meter, told = Meter(), Counter({"messages": 100, "late": 40})  # from before this process
    meter.fates("t", told, {"messages": 110, "late": 41, "duplicates": 2, "dead_letters": 1})
    meter.fates("t", told, {"messages": 111, "late": 41, "duplicates": 2, "dead_letters": 1})
    assert dict(meter.events) == {
        ("t", "late"): 1,
        ("t", "duplicates"): 2,
        ("t", "suppressed"): 0,
        ("t", "dead_letters"): 1,
        ("t", "counted"): 7,
    }
    failure = Failure(Stage.DECODE, Reason.EMPTY, "")
    meter.refused("t", [DeadMessage(1, 0, None, None, failure, None)] * 2)
    assert dict(meter.dead_letters) == {("t", "empty"): 2}


def test_flush_times_fall_into_their_buckets() -> None:
    meter = Meter()
    for seconds in (0.0, FLUSH_BOUNDS_S[0], 0.3, 1e9):
        meter.flushed(seconds)
    assert (meter.flushes[0], meter.flushes[-1], sum(meter.flushes)) == (2, 1, 4)
    assert meter.flush_seconds == pytest.approx(1e9 + 0.3 + FLUSH_BOUNDS_S[0])
    with pytest.raises(ZeroDivisionError), meter.timed("rows"):
        raise ZeroDivisionError
    assert meter.stage_seconds["rows"] > 0


class Work:
    """Numbers as the watchdog sees them."""

    def __init__(self) -> None:
        self.work = False
        self.done = 0

    def glance(self) -> Glance:
        return Glance(self.work, self.done)


def test_only_work_that_does_not_move_is_a_standstill(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    dog = Watchdog(work.glance, after_s=5)
    begin_s = 1_000.0
    for second in range(20):  # at rest
        dog.look(begin_s + second)
    assert (dog.stuck_s, dog.dumps) == (0, 0)
    work.work = True
    for second in range(20, 40):  # busy
        work.done += 1
        dog.look(begin_s + second)
    assert (dog.stuck_s, dog.dumps) == (0, 0)
    for second in range(40, 60):
        dog.look(begin_s + second)
    assert (dog.stuck_s, dog.dumps, dog.is_stuck) == (20, 1, True)
    work.done += 1
    dog.look(begin_s + 60)
    assert (dog.stuck_s, dog.is_stuck) == (0, False)
    for second in range(61, 70):
        dog.look(begin_s + second)
    assert dog.dumps == 2
    assert "test_only_work_that_does_not_move" in caplog.text


async def test_a_dump_shows_where_threads_and_tasks_stand(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()

    def a_thread_that_hangs() -> None:
        release.wait()

    async def a_task_that_waits() -> None:
        await asyncio.Event().wait()

    thread = threading.Thread(target=a_thread_that_hangs)
    thread.start()
    task = asyncio.create_task(a_task_that_waits())
    await asyncio.sleep(0)
    work = Work()
    work.work = True
    dog = Watchdog(work.glance, 1, asyncio.get_running_loop())
    dog.look(0.0)
    dog.look(2.0)
    release.set()
    thread.join()
    task.cancel()
    assert "a_thread_that_hangs" in caplog.text
    assert "a_task_that_waits" in caplog.text


def test_a_log_line_is_one_json_object() -> None:
    error = ValueError("two\nlines")
    why = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("engage.x", logging.ERROR, "", 0, "%s é\n", ("a",), why)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "engage.x", "a é\n")
    assert found["exception"].startswith("ValueError: two")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])


@pytest.mark.parametrize("form", ["text", "json"])
def test_logging_is_set_up_in_both_forms(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    try:
        set_up("warning", form)
        logging.getLogger("engage.test").warning("it %s", "works")
        logging.getLogger("engage.test").info("not shown")
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    shown = capsys.readouterr().err
    assert "it works" in shown
    assert "not shown" not in shown
    assert (form == "json") is shown.startswith("{")
