"""The guides that need no server, command by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guides import GUIDES, run_guide

EMBEDDED = ("replay_your_log.md", "send_events.md", "query.md")


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_a_guide_works_as_it_stands(name: str, tmp_path: Path) -> None:
    run_guide(name, tmp_path, {}, limit_s=300)


def test_every_guide_is_listed() -> None:
    text = (GUIDES / "README.md").read_text()
    for path in GUIDES.glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in text, path.name
