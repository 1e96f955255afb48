"""The answer in plain words, from what was found; it says no more than the intervals do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scripts.world.findings import Finding
from scripts.world.report import Section, amount, between

_DIRECT = "No ledger entry has a like for its source: likes themselves pay nothing."


def answer(sections: Sequence[Section]) -> str:
    """Return one paragraph; about likes when they were played, and about what else was."""
    parts = [_DIRECT]
    for section in sections:
        strongest = section.experiment.treatments
        for treatment in (one for one in strongest if not one.placebo):
            found = _of_chosen(section.findings, treatment.name)
            parts.append(_sentence(section.experiment.weights, treatment.name, found))
        parts += [_swept(preset, section.findings) for preset in section.experiment.presets[1:]]
    return " ".join(parts)


def _swept(preset: str, findings: Sequence[Finding]) -> str:
    money = [one for one in findings if (one.treatment, one.measure) == (preset, "earnings")]
    texts = [f"{one.group} {amount('earnings', one.effect.mean, signed=True)}" for one in money]
    return f"Videos valued by {preset} instead: {', '.join(texts)}."


def _of_chosen(findings: Sequence[Finding], treatment: str) -> dict[str, Finding]:
    return {
        one.measure: one for one in findings if (one.treatment, one.group) == (treatment, "chosen")
    }


def _sentence(weights: str, name: str, found: Mapping[str, Finding]) -> str:
    where = "" if weights == "as shipped" else f" where the weights are: {weights},"
    likes = found["likes"].per_1000_likes
    if likes is not None and name.startswith("likes"):
        views, money = found["views"].per_1000_likes, found["earnings"].per_1000_likes
        assert views is not None and money is not None, "ratios stand or fall together"
        return (
            f"With {name},{where} 1,000 extra likes came with {amount('views', views.mean, signed=True)} "
            f"views {between('views', views)} and {amount('earnings', money.mean, signed=True)} "
            f"{between('earnings', money)} for the creators who got them"
            f"{'' if views.differs else ': the interval of views holds zero'}."
        )
    views_all, money_all = found["views"].effect, found["earnings"].effect
    return (
        f"{name.capitalize()}:{where} {amount('views', views_all.mean, signed=True)} views "
        f"{between('views', views_all)}, {amount('earnings', money_all.mean, signed=True)} "
        f"{between('earnings', money_all)} in a world."
    )
