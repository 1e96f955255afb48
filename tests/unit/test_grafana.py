"""Every panel of the provisioned Grafana dashboard asks something that our views can answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sinks.migrate import DIRECTORY, Target, read_migrations
from sinks.sqltext import statements

ROOT = Path(__file__).resolve().parent.parent.parent
GRAFANA = ROOT / "deploy" / "grafana"
BOARDS: list[dict[str, Any]] = [
    json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))
]
PANELS: list[dict[str, Any]] = [panel for board in BOARDS for panel in board["panels"]]

# A process has one engine for good, so it gets a process of its own.
RUNNER = """\
import json, sys
import chdb
given = json.load(sys.stdin)
connection = chdb.connect(given["path"])
for text in given["setup"]:
    connection.query(text)
failures = {}
for title, text in given["questions"].items():
    try:
        connection.query(text, "JSONCompact")
    except Exception as error:
        failures[title] = str(error)
json.dump(failures, sys.stdout)
"""


def question(panel: dict[str, Any]) -> str:
    (target,) = panel["targets"]
    text: str = target["rawSql"]
    return text.replace("$__timeFilter(window_start)", "window_start >= now() - INTERVAL 6 HOUR")


@pytest.mark.stack
def test_every_panel_can_be_answered(tmp_path: Path) -> None:
    setup = ["CREATE DATABASE engagement", "USE engagement"]
    for migration in read_migrations(DIRECTORY):
        setup += statements(Target("engagement").render(migration.text))
    given = {
        "path": str(tmp_path / "clickhouse"),
        "setup": setup,
        "questions": {panel["title"]: question(panel) for panel in PANELS},
    }
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {}


def test_no_macro_is_left_unproven() -> None:
    assert not [panel["title"] for panel in PANELS if "$" in question(panel)]


def test_panels_use_the_provisioned_source_and_do_not_overlap() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/clickhouse.yaml").read_text())[
        "datasources"
    ]
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
        place = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & covered, f"{panel['title']} overlaps"
        assert place["x"] + place["w"] <= 24
        cells |= covered
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
