"""The load test as a person runs it: small, but everything in it is real."""

from __future__ import annotations

import json
from pathlib import Path

from tests.stack.command import Engage


def test_a_load_test_reports_what_it_measured(engage: Engage, tmp_path: Path) -> None:
    done = engage(
        *("load-test", "--from", 300, "--to", 300, "--step-s", 4, "--profile", "bursts"),
        *("--output", tmp_path / "report"),
        limit_s=300,
    ).ok()
    found = json.loads((tmp_path / "report" / "load_test.json").read_text())
    (step,) = found["steps"] if found["sustainable_rate"] else found["steps"][:1]
    assert step["sent"] == 1_200
    assert 0 < step["p50_ms"] <= step["p95_ms"] <= step["p99_ms"] <= step["most_ms"]
    assert {"worker", "ClickHouse", "broker", "sender"} == set(step["cores"])
    assert step["worker_peak_mb"] > 50
    assert (tmp_path / "report" / "load_test.svg").read_text().startswith("<svg")
    assert (tmp_path / "report" / "load_test.md").read_text().strip() in done.output
    if found["sustainable_rate"]:  # a very slow machine has no rate to be killed at
        assert found["recovery"]["most_ms"] > 0
        assert "kill -9 of a worker" in done.output


def test_what_makes_no_sense_is_refused(engage: Engage) -> None:
    assert engage("load-test", "--from", 10, "--to", 5).code == 2
    assert engage("load-test", "--step-s", 1).code == 2
    assert engage("load-test", "--profile", "odd").code == 2
