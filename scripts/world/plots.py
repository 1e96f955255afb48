"""Pictures of effects: a dot with its interval for each row, as SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 250, 130
ROW, TOP = 30, 56
_CLEAR, _UNCLEAR, _AXIS = "#2563eb", "#94a3b8", "#cbd5e1"


class Dot(NamedTuple):
    """One row: its name, the estimate with its interval, and the same as text."""

    name: str
    mean: float
    low: float
    high: float
    text: str


def intervals(title: str, dots: Sequence[Dot], footer: str) -> str:
    """Return the chart; what differs from zero is blue, what may be zero is grey."""
    low = min(0.0, *(dot.low for dot in dots))
    high = max(0.0, *(dot.high for dot in dots))
    span = (high - low) or 1.0
    height = TOP + len(dots) * ROW + 34

    def x(value: float) -> float:
        return LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT)

    rows = "\n".join(
        _row(dot, TOP + n * ROW, x(dot.low), x(dot.mean), x(dot.high)) for n, dot in enumerate(dots)
    )
    zero = x(0.0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        f'<text x="12" y="26" font-size="16" font-weight="600">{escape(title)}</text>\n'
        f'<line x1="{zero:.1f}" y1="{TOP - 14}" x2="{zero:.1f}" y2="{height - 34}" '
        f'stroke="{_AXIS}"/>\n'
        f'<text x="{zero:.1f}" y="{TOP - 18}" text-anchor="middle" fill="#64748b" '
        'font-size="11">0</text>\n'
        f"{rows}\n"
        f'<text x="12" y="{height - 10}" font-size="11" fill="#475569">{escape(footer)}</text>\n'
        "</svg>\n"
    )


def _row(dot: Dot, top: float, low: float, mean: float, high: float) -> str:
    middle = top + ROW / 2
    color = _CLEAR if dot.low > 0 or dot.high < 0 else _UNCLEAR
    return (
        f'<text x="{LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(dot.name)}</text>\n'
        f'<line x1="{low:.1f}" y1="{middle:.1f}" x2="{high:.1f}" y2="{middle:.1f}" '
        f'stroke="{color}" stroke-width="3" stroke-linecap="round"/>\n'
        f'<circle cx="{mean:.1f}" cy="{middle:.1f}" r="5" fill="{color}"/>\n'
        f'<text x="{WIDTH - RIGHT + 12}" y="{middle + 4:.1f}">{escape(dot.text)}</text>'
    )
