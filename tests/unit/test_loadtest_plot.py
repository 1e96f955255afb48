"""The load test's picture: every label is inside of it and none is on another, whatever font a reader has."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from scripts.loadtest.plot import read, svg
from scripts.loadtest.report import Found
from tests.unit.test_loadtest import found_of, step

BENCH = Path(__file__).parents[2] / "docs" / "bench"
REPORTS = [BENCH / "load_embedded", BENCH / "load_kafka"]
NAMESPACE = "{http://www.w3.org/2000/svg}"
EM = 0.64  # of a digit in DejaVu Sans, the widest font that readers usually have; letters take less
BOLD = 1.1


class Label(NamedTuple):
    text: str
    left: float
    right: float
    top: float
    bottom: float


def labels(drawn: ElementTree.Element) -> list[Label]:
    return [label(each, drawn) for each in drawn.iter(f"{NAMESPACE}text")]


def label(each: ElementTree.Element, drawn: ElementTree.Element) -> Label:
    text = each.text or ""
    size = float(each.get("font-size", drawn.get("font-size", "16")))
    wide = len(text) * size * EM * (BOLD if each.get("font-weight") else 1)
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[each.get("text-anchor", "start")]
    left, base = float(each.attrib["x"]) - share * wide, float(each.attrib["y"])
    return Label(text, left, left + wide, base - 0.8 * size, base + 0.2 * size)


def far() -> Found:
    """What is longest and closest: minutes to wait, a million a second, two rates that are nearly one."""
    slow = {"p50_ms": 150_000.0, "p95_ms": 170_000.0, "p99_ms": 180_000.0, "sustained": False}
    rates = (980_000, 990_000, 1_000_000)
    return found_of(step(1_000), step(1_500), *(step(rate, **slow) for rate in rates))


@pytest.mark.parametrize(
    "found",
    [*map(read, (each / "load_test.json" for each in REPORTS)), far(), found_of(step(5_000))],
    ids=["embedded", "kafka", "far", "one step"],
)
def test_labels_are_inside_and_apart(found: Found) -> None:
    drawn = ElementTree.fromstring(svg(found))
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    told = labels(drawn)
    outside = [x for x in told if x.left < 0 or x.right > width or x.top < 0 or x.bottom > height]
    assert not outside
    for one, other in itertools.combinations(told, 2):
        beside = one.right <= other.left or other.right <= one.left
        assert beside or one.bottom <= other.top or other.bottom <= one.top, (one, other)


@pytest.mark.parametrize("folder", REPORTS, ids=lambda folder: folder.name)
def test_the_committed_picture_is_that_of_its_figures(folder: Path) -> None:
    found = read(folder / "load_test.json")
    drawn = (folder / "load_test.svg").read_text()
    assert drawn == svg(found), f"run .venv/bin/python -m scripts.loadtest.plot {folder}"
    numbers = [
        x.text for x in labels(ElementTree.fromstring(drawn)) if re.fullmatch(r"[\d,]+", x.text)
    ]
    shown = {f"{s.rate:,.0f}" for s in found.steps} & set(numbers)
    assert f"{max(s.rate for s in found.steps):,.0f}" in shown, "the highest rate has its number"
    assert len(shown) >= 5
