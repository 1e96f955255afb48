"""The answer in plain words, from what was found; it says no more than the intervals do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scripts.world.assumptions import Treatment
from scripts.world.estimates import Effect
from scripts.world.experiments import Experiment
from scripts.world.findings import Finding
from scripts.world.report import Section, amount, between

_LIKE = "like"  # what an entry's source would be
_SHIPPED = "as shipped"


def answer(sections: Sequence[Section]) -> str:
    """Return one paragraph; about likes when they were played, and about what else was."""
    parts = ["In these simulated worlds likes themselves pay nothing:", _direct(sections)]
    for section in sections:
        experiment = section.experiment
        likes = [one for one in experiment.treatments if one.like_factor > 1]
        told = (*likes[-1:], *(one for one in experiment.treatments if one not in likes))
        parts += [_sentence(experiment, treatment, section.findings) for treatment in told]
        parts += [_swept(preset, section.findings) for preset in experiment.presets[1:]]
    return " ".join(parts)


def _direct(sections: Sequence[Section]) -> str:
    entries: Counter[str] = Counter()
    for section in sections:
        entries.update(section.entries)
    sources = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in entries.items())
    return (
        f"of {entries.total():,} ledger entries {entries[_LIKE]:,} were booked for a like ({sources}). "
        "Only the Creator Fund looks at likes, together with comments and shares, when it splits its fixed "
        "daily pool. What else a like brings comes from more people being shown the video."
    )


def _swept(preset: str, findings: Sequence[Finding]) -> str:
    money = [one for one in findings if (one.treatment, one.measure) == (preset, "earnings")]
    texts = [
        f"{one.group} {_change('earnings', one.effect)}" for one in money if one.effect.differs
    ]
    return f"Videos valued by {preset} instead: {', '.join(texts) or 'no difference is sure'}."


def _sentence(experiment: Experiment, treatment: Treatment, findings: Sequence[Finding]) -> str:
    chosen, others = (
        {one.measure: one for one in findings if (one.treatment, one.group) == key}
        for key in ((treatment.name, "chosen"), (treatment.name, "others"))
    )
    if treatment.placebo:
        told = [one.effect.differs for one in (*chosen.values(), *others.values())]
        views, money = chosen["views"].effect, chosen["earnings"].effect
        return (
            "A placebo, which changes luck and nothing else, came with "
            f"{_change('views', views)} views and {_change('earnings', money)}: {_control(views, money)}. "
            f"Of all its {len(told)} intervals {sum(told)} leave out zero; by chance one in twenty does."
        )
    if treatment.like_factor > 1 and chosen["views"].per_1000_likes is not None:
        return _of_likes(experiment, treatment, chosen, others)
    views, money = chosen["views"].effect, chosen["earnings"].effect
    where = "" if experiment.weights == _SHIPPED else "Where likes have no say in For You: "
    what = treatment.name
    if treatment.like_factor > 1:
        what = f"videos liked {treatment.like_factor:g} times as readily, where likes did not surely rise"
    return (
        f"{where}{what.capitalize() if not where else what}: {_change('views', views)} views and "
        f"{_change('earnings', money)} for the chosen creators of a world{_unsure(views, money)}."
    )


def _of_likes(
    experiment: Experiment,
    treatment: Treatment,
    chosen: Mapping[str, Finding],
    others: Mapping[str, Finding],
) -> str:
    per = {
        (who, measure): one.per_1000_likes
        for who, found in (("chosen", chosen), ("others", others))
        for measure, one in found.items()
        if one.per_1000_likes is not None
    }
    views, money = per["chosen", "views"], per["chosen", "earnings"]
    times = f"{treatment.like_factor:g} times as readily"
    if experiment.weights != _SHIPPED:
        fund = per["chosen", "creator_fund"]
        return (
            f"Where likes have no say in For You, creators liked {times} got with 1,000 extra likes "
            f"{_change('views', views)} views: {_control(views)}; and {_change('earnings', money)}, of it "
            f"{_change('creator_fund', fund)} from the Creator Fund."
        )
    return (
        f"For creators whose videos are liked {times}, 1,000 extra likes came with "
        f"{_change('views', views)} views, "
        f"{_change('followers', per['chosen', 'followers'])} followers and "
        f"{_change('earnings', money)}{_unsure(views, money)}; the other creators had "
        f"{_change('views', per['others', 'views'])} views and "
        f"{_change('earnings', per['others', 'earnings'])}."
    )


def _change(measure: str, effect: Effect) -> str:
    return f"{amount(measure, effect.mean, signed=True)} {between(measure, effect)}"


def _control(*effects: Effect) -> str:
    """A control must show nothing; when it does, that is said too."""
    if any(effect.differs for effect in effects):
        return "an effect where none should be, so do not trust changes of this size in the others"
    return "no effect is seen, as it should be"


def _unsure(views: Effect, money: Effect) -> str:
    unsure = [name for name, one in (("views", views), ("money", money)) if not one.differs]
    return f" (zero is within the interval of {' and of '.join(unsure)})" if unsure else ""
