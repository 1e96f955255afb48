"""The report of experiments, as Markdown and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from scripts.benchmarks.tables import markdown
from scripts.world.assumptions import Assumptions
from scripts.world.estimates import Effect
from scripts.world.experiments import Experiment
from scripts.world.findings import Finding
from scripts.world.outcomes import SOURCES
from scripts.world.plots import Dot, intervals
from scripts.world.reality import Likeness

_MONEY = frozenset((*SOURCES, "earnings"))
_MILLION = 1_000_000
_BESIDE = ("likes", "views", "followers", "earnings")  # dose and response
_LABEL = (
    "This is a simulation. People, creators and what they feel are made up from a seed and from the "
    "assumptions below; events, counts, decisions and money went through the real pipeline."
)


@dataclass(frozen=True, slots=True)
class Section:
    """One experiment as it was played."""

    experiment: Experiment
    seeds: Sequence[int]
    findings: Sequence[Finding]
    messages: int
    seconds: float
    ledger_digest: str
    entries: Mapping[str, int]  # of the ledger, by source


@dataclass(frozen=True, slots=True)
class Report:
    """All sections, with what they rest on."""

    sections: Sequence[Section]
    assumed: Assumptions
    likenesses: Sequence[Likeness]
    answer: str
    command: str
    machine: str

    def as_markdown(self) -> str:
        """Return the Markdown text; pictures are in the HTML page."""
        parts = [
            "# What is a like worth?",
            f"> {_LABEL}",
            self.answer,
            "## What the world assumes",
            markdown(("assumption", "value", "meaning", "basis"), self.assumed.rows()),
            "## The world beside the real logs",
            markdown(_LIKENESS_TITLES, map(_likeness_row, self.likenesses)),
        ]
        for section in self.sections:
            parts += [f"## {section.experiment.name}", *_texts(section)]
            parts += [markdown(_TITLES, _rows(section.findings))]
        return "\n\n".join([*parts, "## How to make it again", *self._colophon()]) + "\n"

    def as_html(self) -> str:
        """Return the page."""
        body = [
            "<h1>What is a like worth?</h1>",
            f'<p class="label">{escape(_LABEL)}</p>',
            f"<p><strong>{escape(self.answer)}</strong></p>",
            "<details open><summary>What the world assumes</summary>",
            _table(("assumption", "value", "meaning", "basis"), self.assumed.rows()),
            "</details><details><summary>The world beside the real logs</summary>",
            _table(_LIKENESS_TITLES, map(_likeness_row, self.likenesses)),
            "</details>",
        ]
        for section in self.sections:
            body.append(f"<h2>{escape(section.experiment.name)}</h2>")
            body += [f"<p>{escape(text)}</p>" for text in _texts(section)]
            body += pictures(section)
            body += ["<details><summary>All figures</summary>"]
            body += [_table(_TITLES, _rows(section.findings)), "</details>"]
        body += ["<h2>How to make it again</h2>"]
        body += [f"<p>{escape(text.replace('`', ''))}</p>" for text in self._colophon()]
        return _PAGE.format(body="\n".join(body))

    def _colophon(self) -> list[str]:
        seen = (
            "Each experiment's findings are rows of the table `experiments` in its folder: "
            "`engage dashboard --data DIR/NAME`, page Experiments; of `weights` in one folder for each of "
            "them, `DIR/weights/NAME`. `engage audit` compares such a folder with its log."
        )
        return [f"`{self.command}`", seen, self.machine]


def pictures(section: Section) -> list[str]:
    """Return the charts: what each treatment changed for the first group, in percent.

    Where there are several treatments, doses of one thing for example, they are put beside each other first.
    """
    first = section.findings[0].group
    shown = [one for one in section.findings if one.group == first and one.control_mean > 0]
    treatments = list(dict.fromkeys(one.treatment for one in section.findings))
    footer = f"95 % intervals over {len(section.seeds)} seeds; blue: differs from zero. Simulation."

    def chart(title: str, dots: list[Dot]) -> str:
        return intervals(f"{title}: change for the {first}, %", dots, footer)

    beside = [
        chart(measure, [_dot(one, one.treatment) for one in shown if one.measure == measure])
        for measure in _BESIDE
        if len(treatments) > 1 and any(one.measure == measure for one in shown)
    ]
    return beside + [
        chart(name, [_dot(one, one.measure) for one in shown if one.treatment == name])
        for name in treatments
    ]


def _dot(one: Finding, name: str) -> Dot:
    mean, low, high = (
        100 * value / one.control_mean
        for value in (one.effect.mean, one.effect.low, one.effect.high)
    )
    return Dot(name.replace("_", " "), mean, low, high, f"{mean:+.1f} %")


def _texts(section: Section) -> list[str]:
    return [
        section.experiment.question,
        f"{len(section.seeds)} seeds ({section.seeds[0]} to {section.seeds[-1]}), the same luck for "
        f"treated and control; weights {section.experiment.weights}; {section.messages:,} messages "
        f"in {section.seconds:.0f} s; ledger {section.ledger_digest}.",
    ]


_TITLES = ("treatment, group", "measure", "control", "change", "95 % interval", "per 1,000 likes")
_LIKENESS_TITLES = ("figure", "world", "real", "bound", "holds", "source")


def _rows(found: Iterable[Finding]) -> list[tuple[str, ...]]:
    return [
        (
            f"{one.treatment}, {one.group}",
            one.measure.replace("_", " "),
            amount(one.measure, one.control_mean),
            amount(one.measure, one.effect.mean, signed=True),
            between(one.measure, one.effect),
            "" if one.per_1000_likes is None else _ratio(one.measure, one.per_1000_likes),
        )
        for one in found
    ]


def _ratio(measure: str, effect: Effect) -> str:
    return f"{amount(measure, effect.mean, signed=True)} {between(measure, effect)}"


def between(measure: str, effect: Effect) -> str:
    """Return an interval as text."""
    low, high = (amount(measure, value, signed=True) for value in (effect.low, effect.high))
    return f"[{low}, {high}]"


def amount(measure: str, value: float, *, signed: bool = False) -> str:
    """Return a count or an amount in USD as text."""
    if measure in _MONEY:
        text, unit = f"{abs(value) / _MILLION:,.2f}", "$"
    else:
        text, unit = f"{abs(value):,.0f}", ""
    is_zero = not text.strip("0.")
    sign = "-" if value < 0 and not is_zero else "+" if signed else ""
    return f"{sign}{unit}{text}"


def _likeness_row(one: Likeness) -> tuple[str, ...]:
    bound = f"within {one.times_max:g} times"
    holds = "yes" if one.holds else "no"
    return one.name, f"{one.world:.4g}", f"{one.reality:.4g}", bound, holds, one.source


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What is a like worth? A simulation</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem; }}
.label {{ background: #fef3c7; color: #422006; padding: .75rem 1rem; border-radius: 8px; }}
table {{ border-collapse: collapse; font-size: 13px; width: 100%; }}
td, th {{ border-bottom: 1px solid #e2e8f0; padding: 4px 8px; text-align: left; }}
svg {{ width: 100%; height: auto; margin: 1rem 0; }}
summary {{ cursor: pointer; font-weight: 600; margin: 1rem 0; }}
</style></head><body>
{body}
</body></html>
"""
