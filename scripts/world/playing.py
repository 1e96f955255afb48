"""Plays one experiment: one sitting, or one for each value model, and what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.progress import show_progress
from scripts.reading import open_ledger
from scripts.world.assumptions import CONTROL, Assumptions
from scripts.world.experiments import Experiment
from scripts.world.findings import Finding, findings
from scripts.world.outcomes import Outcome
from scripts.world.reality import Likeness, likenesses
from scripts.world.report import Section
from scripts.world.sitting import Plan, Played, plan, play
from scripts.world.weights import world_weights
from sinks.client import connect
from sinks.writer import Writer
from streams.config import load_settings


@dataclass(frozen=True, slots=True)
class Worlds:
    """What is played, whatever the experiment."""

    seeds: Sequence[int]
    assumed: Assumptions
    processes: int = 1


def play_experiment(
    experiment: Experiment, worlds: Worlds, data: Path
) -> tuple[Section, list[Likeness]]:
    """Play an experiment in a new folder; its findings are rows of the table `experiments` there.

    Returns the section of the report, and how like the real logs the worlds were.
    """
    started_s = time.monotonic()
    played: list[Played] = []
    found: list[Outcome] = []
    for preset in experiment.presets or ("",):
        folder = data / preset if preset else data
        planned = _plan(experiment, worlds, preset)
        with show_progress(f"play {folder.name}", planned.minutes) as tell:
            one = play(
                folder,
                planned,
                tell,
                processes=worlds.processes,
                grouping=experiment.grouping,
            )
        played.append(one)
        found += [o._replace(treatment=preset) if preset else o for o in one.outcomes]
    section = Section(
        experiment,
        list(worlds.seeds),
        _findings(experiment, found),
        sum(one.messages for one in played),
        time.monotonic() - started_s,
        " ".join(one.ledger_digest for one in played),
        sum((Counter(one.entries) for one in played), Counter()),
    )
    return section, _keep(section, folder, planned)


def _plan(experiment: Experiment, worlds: Worlds, preset: str) -> Plan:
    weights = world_weights(preset, likes_count=experiment.weights != "no likes")
    return plan(worlds.seeds, experiment.arms, worlds.assumed, weights)


def _findings(experiment: Experiment, found: Sequence[Outcome]) -> list[Finding]:
    if experiment.presets:
        control, *others = experiment.presets
    else:
        control, others = CONTROL.name, [one.name for one in experiment.treatments]
    return findings(found, others, experiment.grouping.names, control)


def _keep(section: Section, folder: Path, planned: Plan) -> list[Likeness]:
    """Write what was found beside the results, and look at how real the worlds were."""
    database = load_settings().database
    with open_ledger(folder, None) as url:
        with Writer(url, database) as writer:
            writer.write(
                "experiments", [list(column) for column in zip(*_rows(section), strict=True)]
            )
        client = connect(url, database)
        try:
            return likenesses(client, sum(arm.first_follows for arm in planned.arms))
        finally:
            client.close()


def _rows(section: Section) -> list[tuple[object, ...]]:
    now_ms = time.time_ns() // 1_000_000
    rows: list[tuple[object, ...]] = []
    for one in section.findings:
        ratio = one.per_1000_likes
        per = (0, 0.0, 0.0, 0.0) if ratio is None else (1, ratio.mean, ratio.low, ratio.high)
        effect = one.effect
        rows.append(
            (
                *(section.experiment.name, section.experiment.question),
                *(one.treatment, one.group, one.measure),
                *(section.experiment.weights, effect.seeds, one.control_mean),
                *(effect.mean, effect.low, effect.high, *per, now_ms),
            )
        )
    return rows
