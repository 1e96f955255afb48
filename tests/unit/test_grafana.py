"""Every panel of the provisioned Grafana dashboards is asked to the embedded ClickHouse."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_connect.driver.client import Client

from dashboard.content_queries import DIMENSION
from dashboard.grafana import FOLDER, files
from dashboard.trend_queries import KINDS
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from tests.dashboard_rows import DAY_MS, NOW_MS, fill
from tests.unit.clickhouse_rows import Tables

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))
}
PANELS: list[tuple[str, dict[str, Any]]] = [
    (name, panel) for name, board in BOARDS.items() for panel in board["panels"]
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
        *("overview", "trending", "for-you", "earnings", "content", "lives", "operations")
    }
    (kind,) = BOARDS["trending"]["templating"]["list"]
    (dimension,) = BOARDS["content"]["templating"]["list"]
    assert [one["value"] for one in kind["options"]] == list(KINDS)
    assert [one["value"] for one in dimension["options"]] == list(DIMENSION.values)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_use_the_provisioned_source_and_do_not_overlap(name: str) -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/clickhouse.yaml").read_text())[
        "datasources"
    ]
    cells: set[tuple[int, int]] = set()
    panels = BOARDS[name]["panels"]
    for panel in panels:
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
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
