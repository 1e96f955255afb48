"""The picture: one bar a path, events per second of CPU, as an SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from scripts.benchmarks.report import EXACT, Summary

WIDTH, LEFT, RIGHT = 760, 210, 150
BAR, GAP, TOP = 26, 14, 48
_STRONG, _PLAIN = "#2563eb", "#94a3b8"


def svg(found: Sequence[Summary], footer: str) -> str:
    """Return the chart; bars are as long as their numbers, from zero."""
    largest = max(each.events_per_cpu_s for each in found)
    height = TOP + len(found) * (BAR + GAP) + 30
    bars = "\n".join(_bar(number, each, largest) for number, each in enumerate(found))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        '<text x="12" y="26" font-size="16" font-weight="600">'
        "Events per second of CPU time, one core</text>\n"
        f"{bars}\n"
        f'<text x="12" y="{height - 10}" font-size="11" fill="#475569">{escape(footer)}</text>\n'
        "</svg>\n"
    )


def _bar(number: int, each: Summary, largest: float) -> str:
    top = TOP + number * (BAR + GAP)
    width = max(1.0, (WIDTH - LEFT - RIGHT) * each.events_per_cpu_s / largest)
    middle = top + BAR * 0.7
    fill = _STRONG if each.job == EXACT else _PLAIN
    return (
        f'<text x="{LEFT - 10}" y="{middle:.1f}" text-anchor="end">{escape(each.job)}</text>\n'
        f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3" fill="{fill}"/>\n'
        f'<text x="{LEFT + width + 8:.1f}" y="{middle:.1f}">{each.events_per_cpu_s:,.0f}</text>'
    )
