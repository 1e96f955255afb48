"""`engage rates`: every row is shown with its source, and a wrong file is refused in one line."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.rates import RATES_PATH, load_rates
from scripts.cli import dispatch, guarded, parser_of


def engage(*arguments: str) -> int:
    return guarded(lambda: dispatch(["rates", *arguments]))


def test_show_prints_every_row_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert engage("show") == 0
    shown = capsys.readouterr().out
    for row in load_rates().all:
        assert f"  {row.version}: from 2016-01-01" in shown or "2021-03-25" in str(row.valid_from)
        assert f"    source: {row.source}" in shown
    assert "rpm_micros_per_1000 = 400,000" in shown
    assert shown.startswith("pay day: UTC; gifts: preset A\n")


def test_check_says_that_a_file_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert engage("check", "--rates", str(RATES_PATH)) == 0
    rows = len(load_rates().all)
    assert capsys.readouterr().out == f"{RATES_PATH}: sound: {rows} rows of 8 kinds\n"


@pytest.mark.parametrize("action", ["show", "check"])
def test_a_wrong_file_is_named_with_its_key(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    text = RATES_PATH.read_text(encoding="utf-8")
    file.write_text(text.replace("hold_days = 15", "hold_days = -1"), encoding="utf-8")
    assert engage(action, "--rates", str(file)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {file}: payout[0].hold_days: Input should be greater")


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert engage("check", "--rates", str(tmp_path / "none.toml")) == 2
    assert "none.toml: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["rebuild"], ["bench", "--kafka", "embedded"]])
def test_a_wrong_file_is_refused_before_anything_is_touched(
    command: list[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('gift_preset = "C"\n')
    with pytest.raises(ConfigError, match=r"wrong\.toml.*gift_preset"):
        dispatch([*command, "--rates", str(wrong)])


USERS_OF_RATES = (
    *("audit", "bench", "demo", "explain", "payout", "quote", "rates", "rebuild", "run", "settle"),
    *("up", "worker"),
)


@pytest.mark.parametrize("name", USERS_OF_RATES)
def test_every_command_that_uses_rates_takes_a_file(name: str) -> None:
    assert "--rates" in parser_of(name).format_help()
