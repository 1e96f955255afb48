"""Every panel of the provisioned Grafana dashboards that asks ClickHouse is asked to the embedded one.

Those that ask Prometheus are asked to a real one in `tests/stack/test_prometheus.py`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from clickhouse_connect.driver.client import Client

from dashboard.content_queries import DIMENSION
from dashboard.grafana import FOLDER, PROMETHEUS, files
from dashboard.grafana_workers import STUCK_S
from dashboard.trend_queries import KINDS
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from streams.metrics import STUCK_SECONDS
from tests.dashboard_rows import DAY_MS, NOW_MS, fill
from tests.unit.clickhouse_rows import Tables

DEPLOY = Path(__file__).parents[2] / "deploy"
SOURCES = DEPLOY / "grafana" / "provisioning" / "datasources"
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))
}
PANELS: list[tuple[str, dict[str, Any]]] = [
    (name, panel)
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["datasource"] != PROMETHEUS
]
FROM_S, TO_S, INTERVAL_S = (NOW_MS - 10 * DAY_MS) // 1000, NOW_MS // 1000 + 1, 60

# What the plugin makes of its macros: pkg/macros/macros.go of grafana/clickhouse-datasource.
MACROS = {
    r"\$__timeFilter\((\w+)\)": rf"\1 >= toDateTime({FROM_S}) AND \1 <= toDateTime({TO_S})",
    r"\$__timeInterval\((\w+)\)": rf"toStartOfInterval(toDateTime(\1), INTERVAL {INTERVAL_S} second)",
}


def questions(board: str, panel: dict[str, Any]) -> Iterator[str]:
    """A panel's SQL as the plugin sends it, once for each choice that the viewer has."""
    (target,) = panel["targets"]
    text: str = target["rawSql"]
    for macro, means in MACROS.items():
        text = re.sub(macro, means, text)
    choices = {
        one["name"]: [option["value"] for option in one["options"]]
        for one in BOARDS[board]["templating"]["list"]
    }
    for values in itertools.product(*choices.values()):
        chosen = text
        for name, value in zip(choices, values, strict=True):
            chosen = chosen.replace(f"${{{name}}}", value)
        yield chosen


@pytest.fixture
def reader(clickhouse: EmbeddedClickHouse, migrated: str, tables: Tables) -> Iterator[Client]:
    """Reads the small day as somebody who may not write."""
    fill(tables, clickhouse.url, migrated)
    # Dead letters are shown by the clock at which they were written, and a day was settled.
    letter = {"reason": "empty", "recorded_at": NOW_MS, "version": 99}
    tables.write("dead_letters_log", letter)
    tables.write("settlements", {"source": "creator_fund", "day": 20_000, "version": 1})
    client = connect(clickhouse.reading_url, migrated)
    yield client
    client.close()


@pytest.mark.stack
def test_every_panel_is_answered_with_rows(reader: Client) -> None:
    failed = {}
    for board, panel in PANELS:
        counts = []
        for question in dict.fromkeys(questions(board, panel)):
            try:
                counts.append(len(reader.query(question).result_rows))
            except Exception as error:  # noqa: BLE001 - all of them are told at once
                failed[f"{board}: {panel['title']}"] = f"{error}: {question}"
        if not any(counts):
            failed.setdefault(f"{board}: {panel['title']}", "no row for any choice")
    assert failed == {}


@pytest.mark.stack
def test_a_panel_says_what_the_view_says(reader: Client) -> None:
    (panel,) = (one for board, one in PANELS if (board, one["title"]) == ("overview", "Engagement"))
    (question,) = questions("overview", panel)
    shown = reader.query(question)
    wanted = reader.query(
        "SELECT window_start, sum(impressions), sum(views), sum(likes), sum(comments), sum(shares), "
        "sum(follows) FROM engagement_1m WHERE window_start >= toDateTime64("
        f"{FROM_S}, 0) GROUP BY window_start ORDER BY window_start"
    ).result_rows
    assert shown.column_names[0] == "time"
    assert shown.result_rows == wanted
    assert len(wanted) > 5


def test_no_macro_and_no_choice_is_left_unproven() -> None:
    left = [
        (board, panel["title"])
        for board, panel in PANELS
        for question in questions(board, panel)
        if "$" in question
    ]
    assert left == []


def test_the_files_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == files(), "run .venv/bin/python -m dashboard.grafana"


def test_each_question_of_the_page_has_a_board() -> None:
    assert set(BOARDS) == {
        *("overview", "trending", "for-you", "earnings", "content", "lives"),
        *("operations", "workers"),
    }
    (kind,) = BOARDS["trending"]["templating"]["list"]
    (dimension,) = BOARDS["content"]["templating"]["list"]
    assert [one["value"] for one in kind["options"]] == list(KINDS)
    assert [one["value"] for one in dimension["options"]] == list(DIMENSION.values)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_use_the_provisioned_source_and_do_not_overlap(name: str) -> None:
    source = source_of("prometheus" if name == "workers" else "clickhouse")
    cells: set[tuple[int, int]] = set()
    panels = BOARDS[name]["panels"]
    for panel in panels:
        wanted = {"type": source["type"], "uid": source["uid"]}
        assert panel["datasource"] == wanted
        assert all(target["datasource"] == wanted for target in panel["targets"])
        assert panel["description"].endswith("."), panel["title"]
        place = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & covered, f"{panel['title']} overlaps"
        assert place["x"] + place["w"] <= 24
        cells |= covered
    assert len(cells) == 24 * max(y + 1 for _, y in cells), "a hole is left"
    assert len({panel["id"] for panel in panels}) == len(panels)


def source_of(name: str) -> dict[str, Any]:
    (source,) = yaml.safe_load((SOURCES / f"{name}.yaml").read_text())["datasources"]
    return dict(source)


def test_the_sources_are_two_and_one_is_the_default() -> None:
    names = sorted(path.stem for path in SOURCES.iterdir())
    assert names == ["clickhouse", "prometheus"]
    assert [source_of(name)["isDefault"] for name in names] == [True, False]


def test_prometheus_is_that_of_compose_and_scrapes_as_often_as_grafana_thinks() -> None:
    source = source_of("prometheus")
    url = urlsplit(source["url"])
    service = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())["services"][
        url.hostname
    ]
    assert [port.rpartition(":")[2] for port in service["ports"]] == [str(url.port)]
    scrapes = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scrapes["scrape_interval"]


def test_stuck_is_what_the_alert_calls_so() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
    (alert,) = (rule for rule in rules if rule["alert"] == "EngageStuck")
    assert alert["expr"] == f"{STUCK_SECONDS.series} > {STUCK_S}"
