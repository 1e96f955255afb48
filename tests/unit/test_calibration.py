"""Cohorts and thresholds measured on videos, and the file that they are written into."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.rows import COUNTERS
from schemas.weights import Weights, load_weights
from schemas.weights_text import text_of
from streams.calibration import calibrated, cohort_rates, threshold
from streams.value_model import NOTHING, sums_of
from tests.pooling import pool_weights, sums

SHARES = (0.6, 0.75, 0.9, 0.95, 0.99)
FROM = datetime(2026, 1, 1, tzinfo=UTC)
FROM_MS = round(FROM.timestamp() * 1000)
VIDEOS = [
    sums(impressions=1_000, play=800, watch_ms=n * 100_000, like=n, completion=100 + n)
    for n in range(100)
]


def rewritten(weights: Weights, tmp_path: Path) -> Weights:
    file = tmp_path / "weights.toml"
    file.write_text(text_of(weights), encoding="utf-8")
    return load_weights(file)


def test_a_file_written_from_its_rows_holds_the_same_rows(tmp_path: Path) -> None:
    for weights in (load_weights(), pool_weights(by="like", thresholds=(0.1, 0.2, 0.3))):
        assert rewritten(weights, tmp_path).model_dump() == weights.model_dump()


def test_means_are_over_videos() -> None:
    rates = cohort_rates([sums(impressions=100, like=10), sums(impressions=900, like=9, play=90)])
    assert rates.like == 0.055
    assert rates.play == 0.05
    assert rates.share == 1e-9, "what never happened is rare"
    assert rates.watch_s == 0.001
    odd = cohort_rates([sums(impressions=10, play=10, like=-3, completion=99)])
    assert (odd.play, odd.like, odd.completion) == (1 - 1e-9, 1e-9, 1 - 1e-9)


def test_a_threshold_is_a_quantile() -> None:
    row = load_weights().value_models[0]
    by_likes = row.pools[0].model_copy(update={"by": "like"})
    assert threshold(VIDEOS, by_likes, row, 0.6) == 0.06
    assert threshold(VIDEOS, by_likes, row, 0.99) == 0.099
    value = 0.00543 * 6 + 0.2 * 0.8 + 0.94 * 0.16 + 6.8 * 0.06
    assert threshold(VIDEOS, row.pools[0], row, 0.6) == pytest.approx(value, rel=0.005)
    with pytest.raises(ConfigError):
        threshold(VIDEOS, row.pools[0], row, 1.0)


def test_a_new_row_follows_the_one_that_was_open(tmp_path: Path) -> None:
    before = load_weights()
    after = rewritten(calibrated(before, [*VIDEOS, NOTHING], SHARES, FROM, "test"), tmp_path)
    old, new = after.ranking(FROM_MS - 1), after.ranking(FROM_MS)
    assert old is not None
    assert new is not None
    assert (old.version, new.version) == ("contribution-1", "contribution-2026-01-01")
    assert new.cohort.source == "test: means over 100 videos"
    assert new.cohort.rates.like == 0.0495
    assert new.model.weights == old.model.weights
    assert [p.impressions for p in new.model.pools] == [p.impressions for p in old.model.pools]
    thresholds = [pool.threshold for pool in new.model.pools]
    assert thresholds == sorted(thresholds)
    assert after.points == before.points
    assert after.ranking_of("leaked-1") == before.ranking_of("leaked-1")


def test_what_cannot_be_calibrated_is_refused() -> None:
    weights = load_weights()
    with pytest.raises(ConfigError, match="no video has 200 impressions"):
        calibrated(weights, [sums(impressions=199)], SHARES, FROM, "test")
    with pytest.raises(ConfigError, match="4 shares for 5 pools"):
        calibrated(weights, VIDEOS, SHARES[1:], FROM, "test")
    with pytest.raises(ConfigError, match="contribution-1: cannot be followed"):
        calibrated(weights, VIDEOS, SHARES, datetime(2016, 1, 1, tzinfo=UTC), "test")


@pytest.mark.data
def test_the_real_videos_give_the_figures_that_ship(data_dir: Path) -> None:
    """Counts are the statistics' daily means times their days, so rounding may move a digit."""
    columns = {
        "impressions": "show_cnt",
        "watch_ms": "play_duration",
        "views": "play_cnt",
        "completions": "complete_play_cnt",
        "likes": "like_cnt",
        "unlikes": "cancel_like_cnt",
        "comments": "comment_cnt",
        "shares": "share_cnt",
        "favorites": "collect_cnt",
        "follows": "follow_cnt",
        "not_interested": "reduce_similar_cnt",
        "reports": "report_cnt",
    }
    weights = load_weights()
    videos = []
    with gzip.open(data_dir / "kuairand_video_stats.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            days = float(row["counts"])
            counted = {name: round(float(row[column]) * days) for name, column in columns.items()}
            videos.append(sums_of([counted.get(name, 0) for name in COUNTERS]))
    after = calibrated(weights, videos, SHARES, FROM, "KuaiRand-Pure")
    old, new = after.ranking(FROM_MS - 1), after.ranking(FROM_MS)
    assert old is not None
    assert new is not None
    unmeasured = {"reply", "profile_view"}
    usual = old.cohort.rates.model_dump(exclude=unmeasured)
    assert new.cohort.rates.model_dump(exclude=unmeasured) == pytest.approx(usual, rel=0.02)
    shipped = [pool.threshold for pool in old.model.pools]
    assert [pool.threshold for pool in new.model.pools] == pytest.approx(shipped, rel=0.02)
