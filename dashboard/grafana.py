"""Grafana's dashboards as code: the same questions as the built-in page, and those of operations.

    .venv/bin/python -m dashboard.grafana      writes deploy/grafana/dashboards/*.json

The panels are in `grafana_boards`, `grafana_operations` and `grafana_workers`. Times are event times: for a replayed log,
set Grafana's time range to its days; of the workers they are the clock's. The macros are those of the ClickHouse data source:

    $__timeFilter(c)    c >= toDateTime(from) AND c <= toDateTime(to)
    $__timeInterval(c)  toStartOfInterval(toDateTime(c), INTERVAL n second)

and `${name}` is what the viewer chose in the list of that name. Of Prometheus' data source:

    $__rate_interval    a time that has several scrapes in it, and no less than a point of the picture
    $__range            the time range that the viewer chose

Tests expand all of them as the data sources do, and ask the embedded ClickHouse and a real Prometheus every question.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboard.grafana_boards import BOARDS
from dashboard.grafana_panels import Board, Choose, Panel, Series

FOLDER = Path(__file__).parent.parent / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "engagement"}
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24
# How the plugin is told what comes back: series over time, or a table.
_SERIES, _TABLE = ("timeseries", 0), ("table", 1)


def main() -> None:
    """Write the files, and remove those of boards that are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


def files() -> dict[str, str]:
    """Return the text of each dashboard's file, by its name."""
    return {
        f"{board.name}.json": json.dumps(_board(board), indent=2, ensure_ascii=False) + "\n"
        for board in BOARDS
    }


def _board(board: Board) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    top = 0
    for height, row in board.rows:
        left = 0
        for panel in row:
            place = {"x": left, "y": top, "w": panel.width, "h": height}
            panels.append(_panel(panel, len(panels) + 1, place))
            left += panel.width
        top += height
    return {
        "uid": f"engage-{board.name}",
        "title": board.title,
        "description": board.description,
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "tags": ["engage"],
        "time": {"from": board.since, "to": "now"},
        "timezone": "utc",
        "refresh": "10s",
        "links": [{"type": "dashboards", "tags": ["engage"], "title": "engage", "keepTime": True}],
        "templating": {"list": [_variable(choose) for choose in board.choices]},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "description": panel.description,
        "datasource": SOURCE if isinstance(panel.asks, str) else PROMETHEUS,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": _targets(panel),
    }


def _targets(panel: Panel) -> list[dict[str, Any]]:
    """Return what is asked: one question in SQL, or each of those to Prometheus."""
    if not isinstance(panel.asks, str):
        return [_series("ABCD"[n], one, panel.kind) for n, one in enumerate(panel.asks)]
    kind, form = _SERIES if panel.kind == "timeseries" else _TABLE
    return [
        {
            "refId": "A",
            "datasource": SOURCE,
            "editorType": "sql",
            "queryType": kind,
            "format": form,
            "rawSql": " ".join(panel.asks.split()),
        }
    ]


def _series(ref: str, asked: Series, kind: str) -> dict[str, Any]:
    over_time = kind == "timeseries"
    return {
        "refId": ref,
        "datasource": PROMETHEUS,
        "editorMode": "code",
        "expr": asked.expr,
        "legendFormat": asked.name,
        "range": over_time,
        "instant": not over_time,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    if panel.unit:
        defaults["unit"] = panel.unit
    if panel.kind == "timeseries":
        stacking = {"mode": "normal" if panel.stacked else "none"}
        defaults["custom"] = {
            "fillOpacity": 60 if panel.stacked else 12,
            "lineWidth": 1,
            "showPoints": "never",
            "stacking": stacking,
        }
    if panel.warn_above is not None:
        steps = [{"color": "green", "value": None}, {"color": "orange", "value": panel.warn_above}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        # What ClickHouse tells are counts of each step, what Prometheus tells holds at a moment.
        calcs = ["sum"] if isinstance(panel.asks, str) else ["lastNotNull"]
        return {"tooltip": {"mode": "multi"}, "legend": {"calcs": calcs, "displayMode": "list"}}
    if panel.kind == "barchart":
        return {"orientation": "horizontal", "xField": panel.label, "showValue": "always"}
    if panel.kind == "stat":
        return {"graphMode": "none", "colorMode": "value", "textMode": "value_and_name"}
    return {"cellHeight": "sm"}


def _variable(choose: Choose) -> dict[str, Any]:
    options = [
        {"text": text, "value": text, "selected": text == choose.values[0]}
        for text in choose.values
    ]
    return {
        "name": choose.name,
        "label": choose.label,
        "type": "custom",
        "query": ",".join(choose.values),
        "options": options,
        "current": options[0],
    }


if __name__ == "__main__":
    main()
