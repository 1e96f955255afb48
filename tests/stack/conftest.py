"""The command, and a generated log that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.command import Engage

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.stack)


@pytest.fixture
def engage(tmp_path: Path) -> Iterator[Engage]:
    """The command; the test fails when it leaves a process behind."""
    command = Engage(tmp_path)
    try:
        yield command
        command.nothing_left()
    finally:
        command.end()
