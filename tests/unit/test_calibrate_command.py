"""`engage calibrate` on a real ClickHouse: the figures of the videos, in a file that loads."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.weights import load_weights
from scripts.cli import dispatch, guarded
from sinks.embedded import EmbeddedClickHouse
from tests.unit.clickhouse_rows import Tables, video

NEWEST_MS = 1_764_460_800_000  # 2025-11-30
DAY_MS = 86_400_000
STATISTICS = {
    "impressions": "show_cnt",
    "watch_ms": "play_duration",
    "views": "play_cnt",
    "completions": "complete_play_cnt",
    "likes": "like_cnt",
    "comments": "comment_cnt",
    "shares": "share_cnt",
    "favorites": "collect_cnt",
    "follows": "follow_cnt",
}


@pytest.fixture
def calibrate(
    clickhouse: EmbeddedClickHouse, migrated: str, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("ENGAGE_DATABASE", migrated)
    newest = {"topic": "engagement.events", "max_event_time": NEWEST_MS, "version": 1}
    tables.write("partitions", newest)

    def run(*arguments: str) -> int:
        command = ["calibrate", "--clickhouse", clickhouse.url, *arguments]
        return guarded(lambda: dispatch(command))

    return run


def hundred_videos(tables: Tables) -> None:
    """Video n of 100 has a like rate of n in 1,000."""
    tables.write(
        "video_totals",
        *(
            video(f"v{n}", impressions=1_000, views=800, watch_ms=4_000_000, likes=n + 5, unlikes=5)
            for n in range(100)
        ),
        video("few", impressions=199, views=199, likes=199),
    )


def test_a_new_row_follows_from_the_day_after_the_newest_event(
    calibrate: Any, client: Client, tables: Tables, tmp_path: Path
) -> None:
    hundred_videos(tables)
    out = tmp_path / "weights.toml"
    assert calibrate("--out", str(out)) == 0
    before, after = load_weights(), load_weights(out)
    old, new = after.ranking(NEWEST_MS + DAY_MS - 1), after.ranking(NEWEST_MS + DAY_MS)
    assert old is not None
    assert new is not None
    assert (old.version, new.version) == ("contribution-1", "contribution-2025-12-01")
    assert new.cohort.rates.like == 0.0495
    assert new.cohort.rates.watch_s == 4
    assert new.cohort.source.endswith("means over 100 videos")
    gained = [0.06, 0.075, 0.09, 0.095, 0.099]
    plain = 0.00543 * 4 + 0.2 * 0.8
    wanted = [plain + 6.8 * rate for rate in gained]
    assert [pool.threshold for pool in new.model.pools] == pytest.approx(wanted, rel=0.005)
    assert after.ranking_of("leaked-1") == before.ranking_of("leaked-1")


def test_a_preview_writes_nothing(
    calibrate: Any,
    client: Client,
    tables: Tables,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hundred_videos(tables)
    monkeypatch.chdir(tmp_path)
    assert calibrate("--preview", "--valid-from", "2026-02-01") == 0
    shown = capsys.readouterr().out
    assert "contribution-1 ends and contribution-2026-02-01 begins at 2026-02-01" in shown
    assert "  like                 0.0184 -> 0.0495" in shown
    assert "  pool L1               0.813 -> " in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--preview",), "no video has 200 impressions"),
        (("--preview", "--impressions-min", "0"), "--impressions-min 0: must be at least 1"),
        (("--preview", "--impressions-min", "1", "--shares", "0.5"), "1 shares for 5 pools"),
        (("--preview", "--shares", "much"), "shares are numbers like"),
        (("--out", "/"), "/ exists: name a new file"),
    ],
)
def test_what_cannot_be_is_refused(
    calibrate: Any,
    client: Client,
    tables: Tables,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    tables.write("video_totals", video("few", impressions=199, views=1))
    try:
        code = calibrate(*arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert says in capsys.readouterr().err


@pytest.mark.data
def test_quantiles_of_the_real_videos_are_those_of_the_reference(
    calibrate: Any, client: Client, tables: Tables, tmp_path: Path, data_dir: Path
) -> None:
    """Per play: p50, p75, p90, p95, p99 of 7,519 videos with at least 200 plays, in percent.

    A pool that tests a rate tests it per impression, so here an impression is a play.
    """
    with gzip.open(data_dir / "kuairand_video_stats.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    written = []
    for row in rows:
        days = float(row["counts"])
        counted = {name: round(float(row[c]) * days) for name, c in STATISTICS.items()}
        written.append(video(row["video_id"], **counted | {"impressions": counted["views"]}))
    tables.write("video_totals", *written)
    reference = {
        "like": (2.19, 4.09, 6.79, 9.44, 16.4),
        "comment": (0.10, 0.21, 0.41, 0.63, 1.52),
        "share": (0.025, 0.073, 0.19, 0.30, 0.77),
        "follow": (0.14, 0.28, 0.52, 0.76, 1.33),
        "favorite": (0.23, 0.48, 0.94, 1.36, 2.57),
        "completion": (17.4, 27.5, 38.8, 46.4, 59.1),
    }
    shipped = (Path(__file__).resolve().parents[2] / "schemas" / "weights.toml").read_text()
    for signal, percents in reference.items():
        weights, out = tmp_path / f"{signal}.toml", tmp_path / f"{signal}-new.toml"
        weights.write_text(rate_pools(shipped, signal))
        code = calibrate(
            *("--weights", str(weights), "--out", str(out)),
            *("--shares", "0.5,0.75,0.9,0.95,0.99"),
        )
        assert code == 0
        new = load_weights(out).ranking(round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000))
        assert new is not None
        found = [100 * pool.threshold for pool in new.model.pools]
        assert found == pytest.approx(percents, rel=0.03, abs=0.006), signal


def rate_pools(text: str, signal: str) -> str:
    """The weights file with pools of the first value model that test a rate."""
    head, _, tail = text.partition("pools = [")
    _, _, rest = tail.partition("\n]")
    pools = "".join(
        f'\n    {{ name = "Q{n}", impressions = {10**n}, by = "{signal}", threshold = 0.5, '
        "hold_minutes = 60 },"
        for n in range(1, 6)
    )
    return f"{head}pools = [{pools}\n]{rest}"
