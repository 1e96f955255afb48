"""Dated rates and weights: what ships is sound, and what is wrong is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.events import EVENT_TYPES
from schemas.rates import RATES_PATH, WEIGHTS_PATH, load_rates, load_weights

REPLAYED_MS = 1_650_812_741_000  # 2022-04-24, the first event of the real log

GIFT = """
[[gift]]
version = "{version}"
preset = "A"
valid_from = {valid_from}
{valid_to}
micros_per_coin = {micros}
currency = "USD"
source = "a test"
"""
REWARDS = """
[[creator_rewards]]
version = "{version}"
region = "{region}"
valid_from = 2020-01-01T00:00:00Z
currency = "USD"
rpm_micros_per_1000 = {rpm}
min_duration_ms = 60_000
threshold_views = {threshold}
threshold_variant = "backlog"
source = "a test"
"""


def gift(version: str, valid_from: str, valid_to: str = "", micros: int = 1) -> str:
    end = f"valid_to = {valid_to}" if valid_to else ""
    return GIFT.format(version=version, valid_from=valid_from, valid_to=end, micros=micros)


def rewards(version: str, region: str = "*", rpm: int = 1, threshold: int = 1_000) -> str:
    return REWARDS.format(version=version, region=region, rpm=rpm, threshold=threshold)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def written(tmp_path: Path, *parts: str) -> Path:
    path = tmp_path / "rates.toml"
    path.write_text("".join(parts), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load_rates(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).removeprefix(f"{path}: ")


HEAD = 'gift_preset = "A"\n'
OPEN_GIFT = gift("g1", "2020-01-01T00:00:00Z")


def test_the_shipped_rates_cover_the_real_log() -> None:
    rates = load_rates()
    found = rates.gift(REPLAYED_MS)
    assert found is not None
    assert (found.preset, found.micros_per_coin, found.currency) == ("A", 2_500, "USD")
    reward = rates.rewards(REPLAYED_MS, "US")
    assert reward is not None
    assert (reward.min_duration_ms, reward.threshold_views) == (60_000, 1_000)
    assert reward.threshold_variant == "excess"
    assert rates.rewards_threshold_views_min == 1_000
    assert all(rate.source for rate in rates.all)


def test_preset_b_is_twice_preset_a(tmp_path: Path) -> None:
    text = RATES_PATH.read_text(encoding="utf-8")
    other = load_rates(written(tmp_path, text.replace('gift_preset = "A"', 'gift_preset = "B"')))
    found = other.gift(REPLAYED_MS)
    assert found is not None
    assert found.micros_per_coin == 5_000


def test_a_period_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    rates = load_rates(
        written(
            tmp_path,
            HEAD,
            gift("later", "2021-01-01T00:00:00Z", "2021-02-01T00:00:00Z", micros=2),
            gift("early", "2020-01-01T00:00:00Z", "2020-06-01T00:00:00+02:00", micros=1),
            rewards("r1"),
        )
    )

    def version(at_ms: int) -> str | None:
        rate = rates.gift(at_ms)
        return None if rate is None else rate.version

    assert version(ms("2020-01-01T00:00:00+00:00") - 1) is None
    assert version(ms("2020-01-01T00:00:00+00:00")) == "early"
    assert version(ms("2020-06-01T00:00:00+02:00") - 1) == "early"
    assert version(ms("2020-06-01T00:00:00+02:00")) is None
    assert version(ms("2021-01-01T00:00:00+00:00")) == "later"
    assert version(ms("2021-02-01T00:00:00+00:00")) is None


def test_a_region_has_its_own_rate_or_the_common_one(tmp_path: Path) -> None:
    rates = load_rates(
        written(
            tmp_path, HEAD, OPEN_GIFT, rewards("all", rpm=1), rewards("jp", "JP", 9, threshold=10)
        )
    )
    day = ms("2022-01-01T00:00:00+00:00")
    found = [rates.rewards(day, "JP"), rates.rewards(day, "US"), rates.rewards(day)]
    assert [rate.version for rate in found if rate is not None] == ["jp", "all", "all"]
    assert rates.rewards(0, "JP") is None
    assert rates.rewards_threshold_views_min == 10


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            (HEAD, gift("g1", "2020-01-01T00:00:00Z"), gift("g2", "2021-01-01T00:00:00Z")),
            "gift, preset A: g2 begins before g1 ends",
        ),
        ((HEAD, OPEN_GIFT, OPEN_GIFT), "version 'g1' is used by several rows"),
        (('gift_preset = "B"\n', OPEN_GIFT), "gift_preset: there is no gift row of preset B"),
        (('gift_preset = "C"\n', OPEN_GIFT), "gift_preset: Input should be 'A' or 'B'"),
        ((OPEN_GIFT,), "gift_preset: Field required"),
        ((HEAD, "bonus = 1\n", OPEN_GIFT), "bonus: Extra inputs are not permitted"),
        (
            (HEAD, gift("g1", "2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z")),
            "gift[0]: Value error, valid_to must be after valid_from",
        ),
        ((HEAD, gift("g1", "2021-01-01T00:00:00")), "gift[0].valid_from: Input should have timez"),
        ((HEAD, gift("g1", "2021-01-01")), "gift[0].valid_from: Input should be a valid datetime"),
        ((HEAD, gift("g1", "2021-01-01T00:00:00Z", micros=-1)), "gift[0].micros_per_coin: Input"),
        ((HEAD, OPEN_GIFT.replace("= 1\n", '= "1"\n')), "gift[0].micros_per_coin: Input should be"),
        ((HEAD, OPEN_GIFT.replace("= 1\n", "= 1.0\n")), "gift[0].micros_per_coin: Input should be"),
        ((HEAD, OPEN_GIFT.replace('"a test"', '""')), "gift[0].source: String should have at"),
        ((HEAD, OPEN_GIFT.replace("USD", "EUR")), "gift[0].currency: Input should be 'USD'"),
        ((HEAD, OPEN_GIFT, rewards("r2")), "creator_rewards, region *: r1 begins before r2 ends"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, parts: tuple[str, ...], says: str) -> None:
    message = refusal(written(tmp_path, *parts, rewards("r1")))
    alternative = "creator_rewards, region *: r2 begins before r1 ends"
    assert message.startswith(says) or (says.startswith("creator") and message == alternative)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.toml")
    assert "not valid TOML" in refusal(written(tmp_path, "= 1"))
    path = tmp_path / "latin.toml"
    path.write_bytes(b'gift_preset = "\xe9"')
    assert "not valid TOML" in refusal(path)


def test_the_shipped_weights() -> None:
    weights = load_weights()
    assert (weights.half_life_ms, weights.fast_half_life_ms) == (21_600_000, 3_600_000)
    assert weights.points.keys() - {"completion"} <= EVENT_TYPES.keys()
    assert weights.points["unlike"] == -weights.points["like"] < 0
    assert weights.points["report"] < weights.points["not_interested"] < 0
    assert weights.version


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("unlike = -7 ", "unlike = -6 ", "points: Value error, unlike must be minus like"),
        ("like = 7\n", "", "points.like: Field required"),
        ("follow = 25", "follow = nan", "points.follow: Input should be a finite number"),
        ("follow = 25", 'follow = "25"', "points.follow: Input should be a valid number"),
        ("follow = 25", "follow = 25\ngift = 1", "points.gift: Extra inputs are not permitted"),
        ("half_life_ms = 21_600_000", "half_life_ms = 0", "half_life_ms: Input should be greater"),
        ('version = "weights-1"', "", "version: Field required"),
    ],
)
def test_wrong_weights_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = WEIGHTS_PATH.read_text(encoding="utf-8")
    assert text.count(old)
    path = tmp_path / "weights.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_weights(path)
    assert str(error.value).startswith(f"{path}: {says}")
