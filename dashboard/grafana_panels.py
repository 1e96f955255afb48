"""What a board of Grafana is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """What Prometheus is asked, and the name of each series of its answer; `{{topic}}` is its label."""

    expr: str
    name: str


@dataclass(frozen=True)
class Panel:
    """One panel: `width` of 24, `unit` in Grafana's names, `label` the column that names a bar.

    It asks ClickHouse in SQL, or Prometheus for series.
    """

    title: str
    description: str
    kind: str  # timeseries, stat, table, barchart
    width: int
    asks: str | tuple[Series, ...]
    unit: str = ""
    label: str = ""
    stacked: bool = False
    warn_above: float | None = None


@dataclass(frozen=True)
class Choose:
    """A list that the viewer chooses from; the first is chosen at first."""

    name: str
    label: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """A dashboard: rows of (height, panels), each row `COLUMNS` wide."""

    name: str
    title: str
    description: str
    rows: tuple[tuple[int, tuple[Panel, ...]], ...]
    choices: tuple[Choose, ...] = ()
    since: str = "now-6h"
