"""`engage weights`, and the rows of value models: what ships is sound, what is wrong is named."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.weights import WEIGHTS_PATH, Weights, load_weights
from scripts.cli import dispatch, guarded

PRESETS = ("contribution", "leaked", "x-2023", "x-2026")
QUANTILES = (0.6, 0.75, 0.9, 0.95, 0.99)
REPLAYED_MS = 1_650_812_741_000  # 2022-04-24, the first event of the real log
STATISTICS = {
    "play": "play_cnt",
    "completion": "complete_play_cnt",
    "comment": "comment_cnt",
    "share": "share_cnt",
    "favorite": "collect_cnt",
    "follow": "follow_cnt",
    "not_interested": "reduce_similar_cnt",
    "report": "report_cnt",
}


def engage(*arguments: str) -> int:
    return guarded(lambda: dispatch(["weights", *arguments]))


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = WEIGHTS_PATH.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "weights.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_show_prints_every_row_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert engage("show") == 0
    shown = capsys.readouterr().out
    weights = load_weights()
    sources = {cohort.version: cohort.source for cohort in weights.cohorts}
    sources |= {row.version: row.source for row in weights.value_models}
    sources |= {row.version: row.source for row in (*weights.bursts, *weights.frauds)}
    assert len(sources) == 7
    for version, source in sources.items():
        assert f"  {version}" in shown
        assert f"    source: {source}" in shown
    assert "pool L1: 300 impressions, value >= 0.813, held 360 min" in shown
    assert shown.startswith("pools go by preset contribution\n")


def test_check_says_that_a_file_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert engage("check", "--weights", str(WEIGHTS_PATH)) == 0
    says = "sound: score weights-1, 4 value models of 4 presets, 1 cohorts"
    assert capsys.readouterr().out == f"{WEIGHTS_PATH}: {says}\n"


@pytest.mark.parametrize("action", ["show", "check"])
def test_a_wrong_file_is_named_with_its_key(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = changed(tmp_path, "prior_impressions = 150", "prior_impressions = 0")
    assert engage(action, "--weights", str(file)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {file}: cohort[0].prior_impressions: Input should be")


def test_every_preset_covers_the_real_log() -> None:
    weights = load_weights()
    for preset in PRESETS:
        ranking = weights.ranking(REPLAYED_MS, preset)
        assert ranking is not None
        assert ranking.model.preset == preset
        assert weights.ranking_of(ranking.version) == ranking
    chosen = weights.ranking(REPLAYED_MS)
    assert chosen is not None
    assert chosen.version == "contribution-1"
    assert weights.ranking(0) is None
    assert weights.burst_rules(REPLAYED_MS) == weights.bursts[0]
    assert weights.fraud_rules(REPLAYED_MS) == weights.frauds[0]
    assert weights.burst_rules(0) is None
    assert weights.fraud_rules(0) is None
    assert weights.ranking(REPLAYED_MS, "none") is None
    assert weights.ranking_of("none") is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('preset = "contribution"', 'preset = "fair"', "Value error, preset: there is no value_mo"),
        ("share = 269", "share = -269", "value_model[0].weights.share: Input should be greater"),
        ("report = -1150", "report = 1", "value_model[0].weights.report: Input should be less"),
        ("report = -1150", "reports = -1", "value_model[0].weights.report: Field required"),
        ("share = 269", 'share = "269"', "value_model[0].weights.share: Input should be a valid"),
        ("play = 0.634", "play = 1.0", "cohort[0].rates.play: Input should be less than 1"),
        ("_z = 1.281551565545", "_z = inf", "value_model[0].wilson_z: Input should be"),
        ("impressions = 300,", "impressions = 1_000,", "value_model[0]: Value error, pools: impr"),
        ('"L2"', '"L1"', "value_model[0]: Value error, pools: a name is used twice"),
        ('"L2"', '"L:2"', "value_model[0].pools[1].name: String should match"),
        ('by = "value"', 'by = "luck"', "value_model[0].pools[0].by: Input should be"),
        ('by = "value"', 'by = "report"', "value_model[0].pools[0]: Value error, by: nothing"),
        (
            'by = "value", threshold = 1.05',
            'by = "like", threshold = 1.05',
            "value_model[0].pools[1]: Value error, threshold of a rate",
        ),
        ("hold_minutes = 360", "hold_minutes = 0", "value_model[0].pools[0].hold_minutes: Input"),
        ('"kuairand-1"\nwil', '"none"\nwil', "Value error, value_model[0].cohort: there is no"),
        ('"leaked-1"', '"weights-1"', "Value error, version 'weights-1' is used by several rows"),
        ('preset = "leaked"', 'preset = "x-2023"', "Value error, value_model, preset x-2023: "),
        ('preset = "contribution"\n\n', "\n", "preset: Field required"),
        ("z_leave = 2.0", "z_leave = 4.0", "burst[0]: Value error, z_leave must be below z_enter"),
        ("device_users = 5", "device_users = 1", "fraud[0].device_users: Input should be"),
        ("[[burst]]", "[[bursts]]", "burst: Field required"),
        ("[[cohort]]", "[cohort]", "cohort: Input should be a valid list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(ConfigError) as error:
        load_weights(path)
    assert str(error.value).startswith(f"{path}: {says}")


def signals_of(row: dict[str, str], weights: Weights) -> dict[str, float]:
    """What an impression of one real video led to, as the weights file describes it."""
    shows = float(row["show_cnt"])
    rates = {name: float(row[column]) / shows for name, column in STATISTICS.items()}
    rates["like"] = (float(row["like_cnt"]) - float(row["cancel_like_cnt"])) / shows
    usual = weights.cohorts[0].rates
    rates |= {"profile_view": usual.profile_view, "reply": usual.reply}
    rates = {name: min(1.0, max(0.0, rate)) for name, rate in rates.items()}
    return rates | {"watch_s": float(row["play_duration"]) / shows / 1000}


@pytest.mark.data
def test_cohort_and_thresholds_are_those_of_the_real_videos(data_dir: Path) -> None:
    weights = load_weights()
    with gzip.open(data_dir / "kuairand_video_stats.csv.gz", "rt", encoding="utf-8") as lines:
        videos = [signals_of(row, weights) for row in csv.DictReader(lines)]
    assert len(videos) == 7_583
    usual = weights.cohorts[0].rates.model_dump()
    for name, rate in usual.items():
        assert rate == pytest.approx(sum(v[name] for v in videos) / len(videos), rel=0.01), name
    for row in weights.value_models:
        table = row.weights.model_dump()
        values = sorted(sum(table[name] * v[name] for name in table) for v in videos)
        found = [values[int(q * len(values))] for q in QUANTILES]
        assert [pool.threshold for pool in row.pools] == pytest.approx(found, rel=0.01)
