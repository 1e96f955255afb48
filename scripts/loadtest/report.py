"""What a load test found: a table, JSON and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.sax.saxutils import escape

from scripts.benchmarks.tables import markdown
from scripts.loadtest.steps import Recovery, Step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 360, 70, 40, 48, 60
_LINES = (("p50_ms", "#94a3b8", "p50"), ("p95_ms", "#2563eb", "p95"), ("p99_ms", "#b91c1c", "p99"))
_TITLES = (
    *("offered/s", "sent/s in time", "kept up", "p50 ms", "p95 ms", "p99 ms", "max ms"),
    *("backlog at end", "drained s", "CPU cores", "worker peak MB", "load"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A whole load test."""

    profile: str
    workers: int
    servers: str
    step_s: float
    steps: Sequence[Step]
    recovery: Recovery | None
    machine: dict[str, Any]

    @property
    def sustainable(self) -> Step | None:
        """Return the highest rate that was kept up with."""
        kept = [step for step in self.steps if step.sustained]
        return max(kept, key=lambda step: step.rate, default=None)

    @property
    def limit(self) -> str:
        """Say why no higher rate is called sustainable."""
        above = [
            s for s in self.steps if self.sustainable is None or s.rate > self.sustainable.rate
        ]
        if not above:
            return "higher rates were not tried"
        lowest = min(above, key=lambda step: step.rate)
        if not lowest.offered:
            return (
                f"{lowest.rate:,.0f}/s could not be offered (the sender was {lowest.behind_s_max:.1f} s "
                "behind): the sender is the limit here, the pipeline may take more"
            )
        return f"at {lowest.rate:,.0f}/s the backlog grows"

    def as_json(self) -> dict[str, Any]:
        """Return everything."""
        best = self.sustainable
        return {
            **{key: value for key, value in asdict(self).items() if key != "steps"},
            "sustainable_rate": None if best is None else best.rate,
            "limit": self.limit,
            "steps": [asdict(step) for step in self.steps],
        }


def as_markdown(found: Found) -> str:
    """Return the table, what it means, where it was measured."""
    rows = [
        (
            *(
                f"{step.rate:,.0f}",
                "yes" if step.offered else f"no, {step.behind_s_max:.1f} s late",
            ),
            *("yes" if step.sustained else "no", step.p50_ms, step.p95_ms, step.p99_ms),
            *(step.most_ms, step.backlog_at_end, step.drain_s),
            ", ".join(f"{kind} {cores:.2f}" for kind, cores in step.cores.items()),
            *(step.worker_peak_mb, step.load_average_1m),
        )
        for step in sorted(found.steps, key=lambda step: step.rate)
    ]
    best = found.sustainable
    lines = [
        f"profile {found.profile}, {found.workers} worker(s), {found.servers}, "
        f"{found.step_s:g} s a step",
        "",
        markdown(_TITLES, rows),
        "",
        "No rate was kept up with" if best is None else f"Sustainable: {best.rate:,.0f} events/s",
    ]
    lines[-1] += f"; {found.limit}."
    if found.recovery is not None:
        lines += ["", recovery_line(found.recovery)]
    where = found.machine
    lines += [
        "",
        f"Measured {where['measured_at']} on {where['cpu']}, {where['cores']} cores, commit "
        f"{where['commit'][:12]}. Sender, broker, ClickHouse and workers share the machine; times are "
        "from when an event was due to the first look that saw it, looks are 50 ms apart. CPU cores: "
        "seconds of CPU per second of the step; the sender's includes making its stream.",
    ]
    return "\n".join(lines) + "\n"


def recovery_line(recovery: Recovery) -> str:
    """Return what a kill did, in a sentence."""
    back = (
        "the backlog was not back within the step"
        if recovery.seconds is None
        else f"the backlog was back {recovery.seconds:.1f} s later"
    )
    return (
        f"kill -9 of a worker at {recovery.rate:,.0f} events/s: {back} (at most "
        f"{recovery.backlog_most:,} events, before {recovery.backlog_before:,}); nobody waited longer "
        f"than {recovery.most_ms / 1000:.1f} s."
    )


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
    ticks = "\n".join(
        f'<text x="{_x(s.rate, rate_max):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
        f'font-size="11">{s.rate:,.0f}</text>'
        for s in steps
    )
    best = found.sustainable
    mark = "" if best is None else _mark(_x(best.rate, rate_max), f"{best.rate:,.0f}/s")
    title = f"Event to visible row, by events offered per second ({found.profile}, {found.servers})"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n'
        f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{ms_max:,.0f} ms</text>\n'
        f'<text x="{LEFT - 8}" y="{HEIGHT - BOTTOM}" text-anchor="end">0</text>\n'
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#475569"/>\n'
        f"{mark}\n{lines}\n{ticks}\n</svg>\n"
    )


def _x(rate: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * rate / most


def _y(ms: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * ms / most


def _line(points: Sequence[tuple[float, float]], colour: str, name: str, number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    left = LEFT + 200 * number
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        f'<text x="{left}" y="{HEIGHT - 12}" fill="{colour}">{escape(name)}</text>'
    )


def _mark(x: float, text: str) -> str:
    return (
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#16a34a" stroke-dasharray="4 3"/>\n'
        f'<text x="{x - 6:.1f}" y="{TOP + 12}" fill="#16a34a" text-anchor="end">'
        f"sustainable {text}</text>"
    )
