"""README.md, ARCHITECTURE.md and RULES.md say what is true: commands, queries, outputs, files, settings."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clickhouse_connect.driver.client import Client

from schemas.failures import Reason
from scripts import cli
from sinks.writer import Writer
from streams.config import ENV_NAMES, Settings
from streams.gifts import Streak
from streams.partition import Partition
from streams.rows import RowBuilder
from tests.conftest import SEED_ENV

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
RULES = (ROOT / "RULES.md").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
TEXTS = {
    "README.md": README,
    "ARCHITECTURE.md": ARCHITECTURE,
    "RULES.md": RULES,
    "CHANGELOG.md": CHANGELOG,
}
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\1$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"\b(?:schemas|streams|sinks|scripts|dashboard|deploy|samples|tests)/[\w./*-]*\w")
PLANNED = {name for group in cli.GROUPS.values() for name in group}
COMPOSE_RUN = ["docker", "compose", "run", "--rm", "tools"]


def blocks(kind: str, text: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def between(name: str) -> str:
    """What stands between a pair of markers, of which there is exactly one."""
    for end in ("begin", "end"):
        assert README.count(f"<!-- {name}:{end} -->") == 1
    before, _, rest = README.partition(f"<!-- {name}:begin -->")
    inside, _, _ = rest.partition(f"<!-- {name}:end -->")
    assert before
    assert inside.strip()
    return inside


def command_lines() -> list[str]:
    """Every command line of the README, without what a heredoc feeds it."""
    scripts = "".join(blocks("sh", README))
    lines = HEREDOC.sub("", scripts).splitlines()
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def engage_words(words: list[str]) -> list[str] | None:
    """The words after `engage` of a command line that runs it, in whatever way."""
    if words[0] == "./scripts/engage":
        return words[1:]
    if words[0] == "./scripts/demo":
        return ["demo", *words[1:]]
    if words[: len(COMPOSE_RUN)] == COMPOSE_RUN:
        return words[len(COMPOSE_RUN) :]
    return None


def parses(words: list[str]) -> None:
    name, *rest = words
    if name == "--help":
        return
    if name not in cli.available():
        assert name in PLANNED, f"there is no command {name}"
        pytest.skip(f"engage {name} comes with a later change")
    try:
        cli.parser_of(name).parse_args(rest)
    except SystemExit as left:
        assert left.code == 0, f"engage {shlex.join(words)} does not parse"


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_can_be_typed(line: str) -> None:
    words = shlex.split(line)
    engage = engage_words(words)
    if engage is not None:
        parses(engage)
    elif words[:2] == ["docker", "compose"]:
        assert words[2:] == ["up", "--detach", "--build"]
    elif words[0] == "cp":
        assert (ROOT / words[1]).is_file()
    elif words[0] == "export":
        assert {word.partition("=")[0] for word in words[1:]} <= ENV_NAMES
    elif words[0] != "cat":
        assert os.access(ROOT / words[0], os.X_OK), f"{line}: say in this test how to check it"
    assert "tools" in SERVICES


def inline_commands() -> Iterator[str]:
    """Every command that a text names as `engage NAME ...`."""
    for text in TEXTS.values():
        yield from re.findall(r"`(?:\./scripts/)?engage ([a-z][^`]*)`", text)


@pytest.mark.parametrize("line", sorted(set(inline_commands())))
def test_every_command_in_the_text_exists(line: str) -> None:
    name, *rest = shlex.split(line)
    if rest:
        parses([name, *rest])
    else:
        assert name in PLANNED


def queries() -> list[str]:
    """Every SQL statement of the README."""
    found = (engage_words(shlex.split(line)) for line in command_lines())
    return [words[1] for words in found if words and words[0] == "sql"]


@pytest.mark.parametrize("query", queries())
def test_every_query_is_answered(client: Client, query: str) -> None:
    client.query(query)


def test_every_public_view_is_named_and_no_other(client: Client) -> None:
    paragraph = README.partition("Public views:")[2].partition("\n\n")[0].partition("```")[0]
    views = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    ).result_rows
    internal = {"estimated_earnings", "video_state"}
    assert set(re.findall(r"`(\w+)`", paragraph)) == {name for (name,) in views} - internal


@pytest.mark.parametrize("name", TEXTS)
def test_every_file_exists(name: str) -> None:
    paths = set(PATH.findall(TEXTS[name]))
    missing = [path for path in paths if "NNNN" not in path and not any(ROOT.glob(path + "*"))]
    assert not [path for path in missing if "NAME" not in path]


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    headings = re.findall(r"^#+ (.*)$", TEXTS[name], re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", TEXTS[name]):
        known = target[1:] in anchors if target.startswith("#") else (ROOT / target).exists()
        assert known, f"{name} links to {target}"


@pytest.mark.parametrize("name", TEXTS)
def test_every_environment_variable_exists(name: str) -> None:
    found = set(re.findall(r"\bENGAGE_[A-Z_]*[A-Z]\b", TEXTS[name]))
    assert found <= ENV_NAMES | {SEED_ENV}


@pytest.mark.parametrize("owner", [Partition, Streak, RowBuilder, Writer])
def test_every_method_exists(owner: type) -> None:
    named = set(re.findall(rf"\b{owner.__name__}\.(\w+)", ARCHITECTURE + RULES))
    assert {method for method in named if not hasattr(owner, method)} == set()


def test_the_texts_are_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) < 200
    assert len(ARCHITECTURE.splitlines()) < 250
    assert len(RULES.splitlines()) < 250


def test_the_rules_name_every_reason_and_the_settings_that_stand() -> None:
    assert {reason for reason in Reason if f"`{reason}`" not in RULES} == set()
    settings = Settings()
    for name, value, words in (
        ("ahead_ms_max", 5 * 60_000, "5 min"),
        ("horizon_ms", 24 * 3_600_000, "24 h"),
        ("idle_tick_s", 60, "60 s"),
        ("disorder_ms", 10_000, "10 s"),
        ("streak_timeout_ms", 60_000, "60 s"),
    ):
        assert getattr(settings, name) == value
        assert re.search(rf"`{name}`[^`]{{0,6}}{words}", RULES), name
    assert [int(number) for number in re.findall(r"^\*\*(\d+)\. ", RULES, re.MULTILINE)] == list(
        range(1, 21)
    )


def test_numbers_of_the_bench_stand_between_their_markers() -> None:
    block = between("bench")
    assert "engage bench" in block or "| " in block
    outside = README.replace(block, "").replace(between("demo"), "")
    assert not re.search(r"\d\s*(?:events/s|/s\b|ms\b|s p\d\d)", outside), "measured by what?"


def in_order(wanted: list[str], output: str) -> None:
    """Each wanted line stands in the output, in this order; `...` stands for any lines."""
    lines = iter(line.rstrip() for line in output.splitlines())
    for line in (line.rstrip() for line in wanted):
        if line and line != "...":
            assert line in lines, f"{line!r} is not, or not here, in:\n{output}"


def bash(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.stack
@pytest.mark.slow
def test_a_log_of_your_own_comes_to_what_is_shown(tmp_path: Path) -> None:
    (script,), (shown,) = blocks("sh", between("run")), blocks("text", between("run"))
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    in_order(shown.splitlines(), bash(script, tmp_path))


@pytest.mark.stack
@pytest.mark.slow
def test_the_demo_prints_what_is_shown(tmp_path: Path) -> None:
    (shown,) = blocks("text", between("demo"))
    output = bash(f"{ROOT}/scripts/demo --once --data {tmp_path / 'demo'}", tmp_path)
    timed = re.compile(r" in [\d.,]+ s \([\d,]+/s\)")
    in_order(timed.sub("", shown).splitlines(), timed.sub("", output))
