"""bootstrap makes the environment once, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOTHING = "# a lock file that asks for no package\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with empty lock files, so that no package is fetched."""
    root = tmp_path / "a checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "bootstrap", root / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text(NOTHING)
    return root


def start(checkout: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(checkout / "scripts" / "bootstrap"), *arguments],
        cwd="/",
        env={**os.environ, "ENGAGE_PYTHON": sys.executable, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(checkout: Path, *arguments: str, **env: str) -> tuple[int | None, str, str]:
    process = start(checkout, *arguments, **env)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def test_it_installs_once_again_for_another_lock_and_anew_when_killed(checkout: Path) -> None:
    code, output, errors = run(checkout)
    assert (code, output) == (0, ""), errors
    assert "Ready after" in errors
    assert run(checkout) == (0, "", "")

    witness = checkout / ".venv" / "witness"
    witness.touch()
    (checkout / "requirements.lock").write_text(NOTHING + "# changed\n")
    assert "Ready after" in run(checkout)[2]
    assert witness.exists()

    (checkout / ".venv" / ".installing").touch()
    assert run(checkout)[0] == 0
    assert not witness.exists()
    assert run(checkout) == (0, "", "")


def test_two_at_once_install_once(checkout: Path) -> None:
    both = [start(checkout), start(checkout)]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sum("Ready after" in text for text in errors) == 1


def test_a_wrong_word_and_a_missing_python_are_explained(checkout: Path, tmp_path: Path) -> None:
    code, _, errors = run(checkout, "devel")
    assert code == 2
    assert "'bootstrap devel' is unknown" in errors
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "cmp", "mkdir", "env", "grep"):
        (tools / name).symlink_to(shutil.which(name) or "")
    home = str(tmp_path)
    alone = {"ENGAGE_PYTHON": "", "PATH": str(tools), "HOME": home, "PYENV_ROOT": home}
    if Path("/usr/local/bin/python3.11").exists():
        pytest.skip("this machine's Python 3.11 cannot be hidden")
    code, _, errors = run(checkout, **alone)
    assert code == 2
    assert "Python 3.11 is needed" in errors


def test_the_test_lock_contains_the_runtime_lock() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split()[0] for line in lines if line[:1].isalnum()}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_launchers_are_executable_and_parse() -> None:
    for name in ("scripts/bootstrap", "scripts/engage", "scripts/demo", "scripts/test", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name
        subprocess.run(["bash", "-n", str(ROOT / name)], check=True)
