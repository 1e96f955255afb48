"""The load test's picture: latencies by offered rate, as an SVG that needs nothing else.

.venv/bin/python -m scripts.loadtest.plot docs/bench/load_embedded      draws a report's picture again
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from scripts.loadtest.report import Found
from scripts.loadtest.steps import Step

# Left of the axis there is room for "180,000 ms": a step is given up when it takes longer.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 100, 40, 68, 60
TICK_SIZE, MARK_SIZE = 11, 13
# A digit of the widest usual font (DejaVu Sans) takes 0.64 of its size: which font a reader has is unknown here.
_EM = 0.65
_LINES = (("p50_ms", "#94a3b8", "p50"), ("p95_ms", "#2563eb", "p95"), ("p99_ms", "#b91c1c", "p99"))


def main() -> None:
    """Draw the picture of each folder named."""
    for folder in map(Path, sys.argv[1:]):
        (folder / "load_test.svg").write_text(svg(read(folder / "load_test.json")))


def read(path: Path) -> Found:
    """Return a load test from its JSON; what follows from the rest is not read."""
    return msgspec.convert(json.loads(path.read_text()), Found)


def svg(found: Found) -> str:
    """Return the latencies by offered rate; where the backlog grew, the line is only a beginning."""
    steps = sorted(found.steps, key=lambda step: step.rate)
    rate_max = max(step.rate for step in steps)
    ms_max = max(max(step.p99_ms for step in steps), 1.0)
    lines = "\n".join(
        _line(
            [(_x(s.rate, rate_max), _y(getattr(s, field), ms_max)) for s in steps],
            colour,
            f"{name}, at most {max(getattr(s, field) for s in steps):,.0f} ms",
            number,
        )
        for number, (field, colour, name) in enumerate(_LINES)
    )
    best = found.sustainable
    mark = "" if best is None else _mark(_x(best.rate, rate_max), f"sustainable {best.rate:,.0f}/s")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        '<text x="12" y="24" font-size="15" font-weight="600">'
        "Event to visible row, by events offered per second</text>\n"
        f'<text x="12" y="44" font-size="12" fill="#475569">'
        f"{escape(f'{found.profile}, {found.servers}')}</text>\n"
        f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{ms_max:,.0f} ms</text>\n'
        f'<text x="{LEFT - 8}" y="{HEIGHT - BOTTOM}" text-anchor="end">0</text>\n'
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#475569"/>\n'
        f"{mark}\n{lines}\n{_ticks(steps, rate_max)}\n</svg>\n"
    )


def _x(rate: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * rate / most


def _y(ms: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * ms / most


def _wide(text: str, size: int) -> float:
    return len(text) * size * _EM


def _line(points: Sequence[tuple[float, float]], colour: str, name: str, number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    left = LEFT + 200 * number
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        f'<text x="{left}" y="{HEIGHT - 12}" fill="{colour}">{escape(name)}</text>'
    )


def _mark(x: float, text: str) -> str:
    """Return a line at the sustainable rate; its text stands where there is room for it."""
    left = x - 6 - _wide(text, MARK_SIZE) > LEFT
    at, anchor = (x - 6, "end") if left else (x + 6, "start")
    return (
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#16a34a" stroke-dasharray="4 3"/>\n'
        f'<text x="{at:.1f}" y="{TOP + 12}" fill="#16a34a" text-anchor="{anchor}" '
        f'font-size="{MARK_SIZE}">{text}</text>'
    )


def _ticks(steps: Sequence[Step], rate_max: float) -> str:
    """Return a stroke for each rate, from the highest down, and its number where that has room."""
    drawn, free = [], float(WIDTH)
    for step in reversed(steps):
        x, text = _x(step.rate, rate_max), f"{step.rate:,.0f}"
        drawn.append(f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v5" stroke="#475569"/>')
        half = _wide(text, TICK_SIZE) / 2
        if x + half <= free:
            drawn.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
                f'font-size="{TICK_SIZE}">{text}</text>'
            )
            free = x - half - TICK_SIZE / 2
    return "\n".join(drawn)


if __name__ == "__main__":
    main()
