"""From the single runs to the table, the comparisons and the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from scripts.benchmarks.measured import Rate, Result
from scripts.benchmarks.tables import markdown

EXACT, INEXACT = "engage", "engage without checkpoints"
STOCK, FLOOR = "stock Faust", "bare consumer"
_TITLES = (
    "path",
    "a message is done when",
    "events/s",
    "CPU us/event",
    "events per CPU s",
    "whole run, events/s",
    "peak MB",
    "runs",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run, and before it: how loaded the machine was, how fast the measured core."""

    round: int
    load_average_1m: float
    loop_ns: float
    result: Result


@dataclass(frozen=True, slots=True)
class Summary:
    """All runs of one job: the median of each figure."""

    job: str
    after: str
    events_per_s: float  # steady
    cpu_us_per_event: float  # steady
    whole_events_per_s: float
    peak_rss_mb: float
    runs: int

    @property
    def events_per_cpu_s(self) -> float:
        """Return what one core would do if nothing else wanted it."""
        return 1e6 / self.cpu_us_per_event


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the jobs say about each other; each once by time and once by CPU time."""

    times_stock: float
    times_stock_by_cpu: float
    exactness_cost: float  # share of throughput
    exactness_cost_by_cpu: float


def summaries(runs: Sequence[Run]) -> dict[str, Summary]:
    """Return a summary for each job, in the order of their first runs."""
    return {
        job: _summary([run.result for run in runs if run.result.job == job])
        for job in dict.fromkeys(run.result.job for run in runs)
    }


def _summary(results: list[Result]) -> Summary:
    return Summary(
        results[0].job,
        results[0].after,
        median(r.steady.events_per_s for r in results),
        median(r.steady.cpu_us_per_event for r in results),
        median(r.whole.events_per_s for r in results),
        max(r.peak_rss_mb for r in results),
        len(results),
    )


def comparison(found: dict[str, Summary]) -> Comparison:
    """Compare the product with stock Faust and with itself without checkpoints."""
    exact, inexact, stock = found[EXACT], found[INEXACT], found[STOCK]
    return Comparison(
        exact.events_per_s / stock.events_per_s,
        stock.cpu_us_per_event / exact.cpu_us_per_event,
        1 - exact.events_per_s / inexact.events_per_s,
        1 - inexact.cpu_us_per_event / exact.cpu_us_per_event,
    )


def as_markdown(content: dict[str, Any], runs: Sequence[Run]) -> str:
    """Return what is printed: the table, the comparisons, where it was measured and the caveats."""
    found = summaries(runs)
    rows = [
        (
            each.job,
            each.after,
            round(each.events_per_s),
            each.cpu_us_per_event,
            round(each.events_per_cpu_s),
            round(each.whole_events_per_s),
            round(each.peak_rss_mb),
            each.runs,
        )
        for each in found.values()
    ]
    parts = [markdown(_TITLES, rows), _compared(comparison(found)), _measured_on(content)]
    return "\n\n".join([*parts, *(f"- {caveat}" for caveat in content["caveats"])]).replace(
        "\n\n- ", "\n- "
    )


def _compared(by: Comparison) -> str:
    return (
        f"**{by.times_stock:.0f} times stock Faust** in events/s ({by.times_stock_by_cpu:.0f} times "
        f"by CPU time). Exactness, that is pages of state, changelog transactions and commits, costs "
        f"{by.exactness_cost_by_cpu:.1%} of the CPU time ({by.exactness_cost:.1%} of the events/s)."
    )


def _measured_on(content: dict[str, Any]) -> str:
    of, source = content["machine"], content["source"]
    return (
        f"{of['cpu']}, {of['cores']} cores, {of['memory_gb']} GB; Python {of['python']}, "
        f"faust-streaming {of['libraries']['faust-streaming']}, chDB {of['libraries']['chdb']}; "
        f"{source['broker']}; {source['messages']:,} messages of {source['bytes_per_event']} bytes, "
        f"seed {source['seed']}; commit {short(of['commit'])}, {of['measured_at'][:10]}."
    )


def short(commit: str) -> str:
    """Return a commit as people write it."""
    name, _, rest = commit.partition(" ")
    return f"{name[:10]} {rest}".strip()


def as_content(
    machine: dict[str, Any], source: dict[str, Any], runs: Sequence[Run], caveats: Sequence[str]
) -> dict[str, Any]:
    """Return the JSON: everything that is printed and every single run."""
    found = summaries(runs)
    return {
        "machine": machine,
        "source": source,
        "summary": {
            job: asdict(each) | {"events_per_cpu_s": round(each.events_per_cpu_s)}
            for job, each in found.items()
        },
        "comparison": {name: round(v, 4) for name, v in asdict(comparison(found)).items()},
        "runs": [_single(run) for run in runs],
        "caveats": list(caveats),
    }


def _single(run: Run) -> dict[str, Any]:
    result = run.result
    return {
        "round": run.round,
        "job": result.job,
        "load_average_1m": run.load_average_1m,
        "loop_ns": run.loop_ns,
        "steady": _rate(result.steady),
        "whole": _rate(result.whole),
        "peak_rss_mb": result.peak_rss_mb,
    }


def _rate(rate: Rate) -> dict[str, float]:
    return asdict(rate)
