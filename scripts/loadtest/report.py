"""What a load test found: a table and JSON; `plot` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scripts.benchmarks.tables import markdown
from scripts.loadtest.steps import Recovery, Step

_TITLES = (
    *("offered/s", "sent in time", "kept up", "p50 ms", "p95 ms", "p99 ms", "max ms"),
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
