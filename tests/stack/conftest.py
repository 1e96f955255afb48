"""Tests of this folder start a stack, and some a Prometheus that watches it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.stack.prometheus import PROGRAMS

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def prometheus_possible() -> None:
    """Skip without Prometheus' programs; in CI that is an error instead."""
    if all(map(shutil.which, PROGRAMS)):
        return
    why = "no Prometheus here: install the system's package (apt-get install prometheus)"
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must run these tests: {why}")
    pytest.skip(why)
