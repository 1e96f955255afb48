"""A folder of results remembers the rates and weights that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.rates import RATES_PATH, WEIGHTS_PATH, load_rates
from scripts.cli import parser_of
from scripts.kept_rules import keep_rules, settings_of_folder
from streams.config import Settings

SAMPLE = RATES_PATH.parent.parent / "samples" / "rates.toml"


def test_copies_are_kept_and_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(SAMPLE.read_text())
    data = tmp_path / "data"
    data.mkdir()
    settings = keep_rules(data, Settings(rates=str(mine)))
    assert settings.rates == str(data / "rates.toml")
    assert Path(settings.weights).read_bytes() == WEIGHTS_PATH.read_bytes()
    mine.unlink()
    assert load_rates(settings_of_folder(data).rates).has("demo-fund")


def test_a_flag_goes_before_the_folder_and_the_folder_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_RATES", str(RATES_PATH))
    assert settings_of_folder(None).rates == str(RATES_PATH)
    assert settings_of_folder(tmp_path).rates == str(RATES_PATH), "made before rates were kept"
    keep_rules(tmp_path, Settings(rates=str(SAMPLE)))
    assert settings_of_folder(tmp_path, rates=None).rates == str(tmp_path / "rates.toml")
    assert settings_of_folder(tmp_path, rates=str(SAMPLE)).rates == str(SAMPLE)


def test_the_demo_pays_by_its_own_rates_and_a_run_by_those_that_ship() -> None:
    assert parser_of("demo").parse_args([]).rates == str(SAMPLE)
    assert parser_of("demo").parse_args(["--rates", "x"]).rates == "x"
    run = parser_of("run").parse_args(["--input", "l", "--data", "d"])
    assert run.rates is None


def test_the_rates_of_the_demo_are_complete_and_say_what_they_are() -> None:
    rates = load_rates(SAMPLE)
    kinds = {type(row) for row in rates.all}
    shipped = {type(row) for row in load_rates().all}
    assert {kind.__name__ for kind in shipped - kinds} == {"CatalogueRow"}, (
        "gifts cost what they cost"
    )
    assert {row.source for row in rates.all} == {"demo, not a platform's figure"}
