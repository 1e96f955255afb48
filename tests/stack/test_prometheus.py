"""A real Prometheus watches a real worker: it finds what alerts and Grafana ask for, and sees a worker die."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from scripts.processes import free_port
from scripts.stack import running_stack
from tests.stack import known
from tests.stack.command import Engage, Running, wait_for
from tests.stack.prometheus import (
    Prometheus,
    alerts,
    asked_by_grafana,
    copy_config,
    running,
    selectors,
)

TOKEN = "only-for-this-test"
EVENTS = 1_000
LIMIT_S = 120
WORKER_DOWN = "EngageWorkerDown"
NO_WORKER = "EngageNoWorker"
ASKED = {selector for rule in alerts().values() for selector in selectors(rule["expr"])}
# A worker that has counted nothing yet has no such series: their labels are a topic's and a partition's.
AFTER_EVENTS = {
    'engage_events_total{fate="late"}',  # counted by topic, at the flush of the first message
    'engage_events_total{fate="counted"}',
    "engage_events_total",
    "engage_watermark_delay_seconds",  # no event, no event time
    "engage_consumer_lag_messages",  # the end of the log is known after a first fetch
}


@pytest.mark.usefixtures("prometheus_possible")
def test_prometheus_sees_all_that_alerts_ask_for_and_a_worker_that_dies(
    engage: Engage, tmp_path: Path, seed: int
) -> None:
    port, data = free_port(), tmp_path / "results"
    target = f"127.0.0.1:{port}"
    env = {"ENGAGE_METRICS_PORT": str(port), "ENGAGE_HTTP_TOKEN": TOKEN}
    up = engage.start("up", "--data", data, **env)
    up.until_it_says("ready; Ctrl-C stops everything")
    with running(copy_config(tmp_path, TOKEN, target)) as prometheus:
        wait_for(lambda: prometheus.health() == {target: "up"}, LIMIT_S, lambda: said(prometheus))
        assert AFTER_EVENTS < ASKED
        until_known(prometheus, ASKED - AFTER_EVENTS)

        where = running_stack(data)
        assert where is not None
        log = tmp_path / "log.jsonl"
        log.write_bytes(b"\n".join(known.make_log(seed, EVENTS)) + b"\n")
        engage("replay", log, "--kafka", where["kafka"], "--plain").ok()
        until_known(prometheus, ASKED)
        until_grafana_is_answered(prometheus)
        until_evaluated(prometheus, datetime.now(UTC))
        assert prometheus.rules().keys() == alerts().keys()
        for name in (WORKER_DOWN, NO_WORKER):  # a scrape that took its second would raise them
            wait_for(partial(is_quiet, prometheus, name), LIMIT_S, lambda: said(prometheus))

        a_worker_dies_and_comes_back(engage, up, prometheus, target)
    up.interrupt(group=True)
    assert up.finish(LIMIT_S).code == 0


def a_worker_dies_and_comes_back(
    engage: Engage, up: Running, prometheus: Prometheus, target: str
) -> None:
    """Its supervisor is held meanwhile: however slow the scrapes are, nobody is there to answer them."""
    (worker,) = [int(line.split()[0]) for line in engage.left() if "streams.worker" in line]
    of_target = {"instance": target, "job": "engage-worker"}
    os.kill(up.process.pid, signal.SIGSTOP)
    try:
        os.kill(worker, signal.SIGKILL)
        for name, labels, summary in (
            (WORKER_DOWN, of_target, f"{target} does not answer"),
            (NO_WORKER, {}, "no worker answers"),
        ):
            wait_for(partial(is_raised, prometheus, name), LIMIT_S, lambda: said(prometheus))
            (alert,) = prometheus.rules()[name]["alerts"]
            assert alert["labels"] == labels | {"alertname": name, "severity": "page"}
            assert alert["annotations"]["summary"] == summary
    finally:
        os.kill(up.process.pid, signal.SIGCONT)
    wait_for(partial(is_quiet, prometheus, WORKER_DOWN), LIMIT_S, lambda: said(prometheus))


def is_quiet(prometheus: Prometheus, alert: str) -> bool:
    return bool(prometheus.rules()[alert]["state"] == "inactive")


def is_raised(prometheus: Prometheus, alert: str) -> bool:
    """It waits for its `for`, or on a slow machine is beyond it."""
    return not is_quiet(prometheus, alert)


def until_known(prometheus: Prometheus, wanted: set[str]) -> None:
    def missing() -> set[str]:
        return {selector for selector in wanted if not prometheus.knows(selector)}

    wait_for(lambda: not missing(), LIMIT_S, lambda: f"Prometheus has no {missing()}")


def until_grafana_is_answered(prometheus: Prometheus) -> None:
    """Each question of the workers' board has had a number, and the labels that its series are named by."""
    left = asked_by_grafana()
    assert len(left) > 10

    def done() -> bool:
        for question in list(left):
            series = prometheus.get("query", query=question)["result"]
            if series and all(one["value"][1] != "NaN" for one in series):
                assert all(set(one["metric"]) == left[question] for one in series), question
                del left[question]
        return not left

    wait_for(done, LIMIT_S, lambda: f"Grafana has no answer to {list(left)}")


def until_evaluated(prometheus: Prometheus, since: datetime) -> None:
    """All rules, after a moment; what cannot be computed with real labels is found then."""

    def done() -> bool:
        rules = prometheus.rules().values()
        return all(datetime.fromisoformat(rule["lastEvaluation"]) > since for rule in rules)

    wait_for(done, LIMIT_S, lambda: said(prometheus))
    bad = {n: r.get("lastError") for n, r in prometheus.rules().items() if r["health"] != "ok"}
    assert not bad


def said(prometheus: Prometheus) -> str:
    return f"{prometheus.health()} {prometheus.rules()}"
