"""What every test gets: one printed seed, a clean environment, no process left behind."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.stack.command import Engage

SEED_ENV = "ENGAGE_TEST_SEED"
REAL_DATA_ENV = "ENGAGE_REAL_DATA"

_ROOT = Path(__file__).resolve().parent.parent
_SEED = int(os.environ.get(SEED_ENV) or random.SystemRandom().randrange(1 << 32))
_REAL_DATA = Path(os.environ.get(REAL_DATA_ENV) or _ROOT.parent / "shared" / "data")

# A developer's settings must not decide what a test shows, nor reach the processes it starts.
for _name in [name for name in os.environ if name.startswith("ENGAGE_")]:
    del os.environ[_name]

hypothesis.settings.register_profile(
    "engage",
    deadline=None,  # the machine is shared with brokers
    print_blob=True,
    derandomize=False,  # the seed below decides, also in CI
)
hypothesis.settings.load_profile("engage")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--hypothesis-seed", None) is None:
        config.option.hypothesis_seed = str(_SEED)


def pytest_report_header() -> str:
    return f"seed: {_SEED} (the same again: {SEED_ENV}={_SEED} scripts/test)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    if exitstatus:
        terminalreporter.write_line(f"the same again: {SEED_ENV}={_SEED} scripts/test")


@pytest.fixture(autouse=True)
def _clean_environment() -> Iterator[None]:
    """Put back what a test changed in the environment by hand."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True, scope="session")
def _no_process_left() -> Iterator[None]:
    """Fail the run when processes started by tests still live at its end."""
    yield
    left = [line for pid in _children() if "resource_tracker" not in (line := _command_line(pid))]
    assert not left, f"processes left behind: {left}"


@pytest.fixture(scope="session")
def run_seed() -> int:
    """The run's printed seed, for what many tests share."""
    return _SEED


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of this test's own, made from the run's printed seed."""
    return random.Random(f"{_SEED} {request.node.nodeid}").randrange(1 << 32)


@pytest.fixture
def rng(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture(scope="session")
def repository() -> Path:
    return _ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real logs; the test is skipped where they are not."""
    if not (_REAL_DATA / "kuairand_log.csv.gz").exists():
        pytest.skip(f"the real logs are not at {_REAL_DATA}; set {REAL_DATA_ENV} to their folder")
    return _REAL_DATA


@pytest.fixture
def engage(tmp_path: Path) -> Iterator[Engage]:
    """The command; the test fails when it leaves a process behind."""
    command = Engage(tmp_path)
    try:
        yield command
        command.nothing_left()
    finally:
        command.end()


def _children() -> list[int]:
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listing.read_text().split()] if listing.exists() else []


def _command_line(pid: int) -> str:
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_text().replace("\0", " ").strip() if file.exists() else f"{pid} (gone)"
