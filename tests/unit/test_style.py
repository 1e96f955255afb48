"""House rules that ruff does not know, read off the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("schemas", "streams", "sinks", "dashboard", "scripts", "tests")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# State is a pure function of the log: these read no clock, no environment, no network.
PURE = (
    *("decode", "dedup", "windows", "scores", "registers", "gifts", "rewards", "partition"),
    *("intervals", "value_model", "calibration", "pools", "corrections", "trust", "promotion"),
    *("trends", "bursts", "fraud", "lockstep"),
    "settlement",
    *(f"programs/{path.stem}" for path in sorted((ROOT / "streams" / "programs").glob("*.py"))),
)
FOREIGN_TO_PURE = {
    *("faust", "mode", "aiokafka", "clickhouse_connect", "chdb", "aiohttp", "asyncio"),
    *("os", "time", "random", "secrets", "uuid", "socket", "threading"),
}
CLOCKS = {"time", "time_ns", "monotonic", "now", "utcnow", "today"}
# Laid over one another: the right may import the left, never back (streams write through sinks).
LAYERS = ("schemas", "sinks", "streams", "dashboard", "scripts", "tests")

SOURCES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "__pycache__" not in path.parts
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Yield the first part of every imported name, wherever it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    lines = 0 if "Do not edit." in text[:400] else len(text.splitlines())  # generated files
    assert lines <= FILE_LINES_MAX, f"{name_of(path)} has {lines} lines: split it"
    for function in functions_of(ast.parse(text)):
        assert function.end_lineno is not None
        length = function.end_lineno - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, (
            f"{name_of(path)}:{function.lineno} {function.name} has {length} lines: split it"
        )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_say_what_they_are_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_layers_import_only_downwards(path: Path) -> None:
    layer = LAYERS.index(path.relative_to(ROOT).parts[0])
    above = set(LAYERS[layer + 1 :]) & set(imports_of(ast.parse(path.read_text())))
    assert not above, f"{name_of(path)} imports {', '.join(sorted(above))}"


@pytest.mark.parametrize("name", PURE)
def test_pure_stages_stay_pure(name: str) -> None:
    path = ROOT / "streams" / f"{name}.py"
    if not path.exists():
        pytest.skip(f"{name_of(path)} is not written yet")
    tree = ast.parse(path.read_text())
    foreign = FOREIGN_TO_PURE & set(imports_of(tree))
    assert not foreign, f"{name_of(path)} imports {', '.join(sorted(foreign))}"
    clocks = [
        f"{name_of(path)}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
    ]
    assert not clocks, f"a clock is read at {', '.join(clocks)}: time is an argument"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_excuses(path: Path) -> None:
    banned = ("type: ignore\n", "TO" + "DO", "FIX" + "ME", "unittest." + "mock", "Magic" + "Mock")
    text = path.read_text()
    if path == Path(__file__):
        return
    found = [word.strip() for word in banned if word in text]
    assert not found, f"{name_of(path)} contains {', '.join(found)}"
