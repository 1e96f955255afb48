"""The launcher and the dispatcher: what a person meets first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import EngageError, Fenced, InputError
from scripts import cli

ROOT = Path(__file__).resolve().parent.parent.parent


def engage(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "scripts.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_what_exists_in_groups() -> None:
    shown = engage("--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for name, file in cli.available().items():
        assert f"\n  {name}" in shown.stdout
        assert cli.summary(file), f"{file} has neither HELP nor a docstring"
    assert "Examples:" in shown.stdout


def test_no_command_shows_help_and_fails() -> None:
    shown = engage()
    assert shown.returncode == cli.EXIT_USAGE
    assert "usage: engage COMMAND" in shown.stdout


@pytest.mark.parametrize("name", cli.available())
def test_every_command_explains_itself(name: str) -> None:
    shown = engage(name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert f"usage: engage {name}" in shown.stdout


@pytest.mark.parametrize("name", cli.available())
def test_every_command_refuses_a_wrong_flag(name: str) -> None:
    shown = engage(name, "--no-such-flag")
    assert shown.returncode == cli.EXIT_USAGE
    assert "Traceback" not in shown.stderr


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    shown = engage("doctr")
    assert shown.returncode == cli.EXIT_USAGE
    assert shown.stderr == "error: there is no command 'doctr': did you mean 'doctor'?\n"


def test_a_folder_of_the_caller_hides_nothing(tmp_path: Path) -> None:
    for name in ("schemas", "scripts", "streams"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('hidden')")
    assert engage("--help", cwd=tmp_path).returncode == 0


def test_output_that_nobody_reads_ends_quietly() -> None:
    command = f"{sys.executable} -m scripts.cli --help | true; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.stdout.strip() in {"0", str(cli.EXIT_BROKEN_PIPE)}
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("line 17 is broken"), 2, "error: line 17 is broken\n"),
        (Fenced("another owner"), 75, "error: another owner\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            FileNotFoundError(2, "No such file or directory", "a.jsonl"),
            2,
            "error: No such file or directory: a.jsonl\n",
        ),
        (BrokenPipeError(32, "Broken pipe"), 2, "error: Broken pipe\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_expected_errors_are_one_line(
    error: BaseException,
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> int:
        raise error

    # A file as output: its reader cannot go away, so a broken pipe is somebody else's.
    with (tmp_path / "out").open("w") as output, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert cli.guarded(fail) == code
    assert capsys.readouterr().err == message


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise EngageError("it broke")

    monkeypatch.setenv(cli.DEBUG_ENV, "1")
    assert cli.guarded(fail) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.endswith("error: it broke\n")


def test_unexpected_errors_are_not_hidden() -> None:
    def fail() -> int:
        raise AssertionError("a bug")

    with pytest.raises(AssertionError):
        cli.guarded(fail)


@pytest.mark.parametrize(
    ("number", "before", "code", "output"),
    [
        (signal.SIGTERM, "", 143, "cleaned up\n"),
        (signal.SIGHUP, "", 129, "cleaned up\n"),
        (signal.SIGHUP, "signal.signal(signal.SIGHUP, signal.SIG_IGN)", 0, "done\ncleaned up\n"),
        (signal.SIGINT, "", 130, "cleaned up\n"),
    ],
)
def test_signals_let_the_command_clean_up(
    number: signal.Signals, before: str, code: int, output: str
) -> None:
    program = f"""
import os, signal, sys, time
from scripts import cli
def command(arguments):
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(0.1)
        print("done")
        return 0
    finally:
        print("cleaned up")
{before}
cli.dispatch = command
sys.exit(cli.main([]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=heed_signals,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, output, "")


def heed_signals() -> None:
    """Undo what a shell's background job or nohup leaves to the tests: signals that are ignored."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
