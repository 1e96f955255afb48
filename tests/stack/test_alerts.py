"""The alert rules, by Prometheus' own tool: each fires when it should, and none on a healthy day."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.prometheus import RULES, alerts, copy_config, selectors

pytestmark = pytest.mark.usefixtures("prometheus_possible")
CASES = Path(__file__).with_name("alerts_test.yml")


def promtool(*arguments: object) -> None:
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def test_prometheus_reads_our_files(tmp_path: Path) -> None:
    promtool("check", "rules", RULES)
    promtool("check", "config", copy_config(tmp_path, "only-for-this-test"))


def test_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", CASES)


def test_each_alert_has_series_on_which_it_fires_and_does_not() -> None:
    healthy, *others = yaml.safe_load(CASES.read_text())["tests"]
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    for moment in (moment for case in others for moment in case["alert_rule_test"]):
        asked[bool(moment["exp_alerts"])].add(moment["alertname"])
    assert asked[True] == asked[False] == set(alerts())

    nothing: list[dict[str, Any]] = healthy["promql_expr_test"]
    assert [(one["exp_samples"], one["eval_time"]) for one in nothing] == [([], "2h")]
    assert re.search(r'ALERTS\{alertstate="firing"\}\[2h\]', nothing[0]["expr"])
    there = {one["series"].partition("{")[0] for one in healthy["input_series"]}
    wanted = {
        name.partition("{")[0] for rule in alerts().values() for name in selectors(rule["expr"])
    }
    assert there == wanted
