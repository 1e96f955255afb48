"""The benchmark of the ledger, on a small one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks import ledger


def test_help_says_what_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ledger.main(["--help"])
    assert "A view is to answer within 200 ms" in capsys.readouterr().out


@pytest.mark.slow
def test_a_small_ledger_is_filled_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ledger.main(["--data", str(tmp_path), "--entries", "2000", "--creators", "50"]) == 0
    shown = capsys.readouterr().out
    for name in ("earnings_daily, a creator", "balances, the largest", "settle a day, preview"):
        assert name in shown
