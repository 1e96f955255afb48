"""The one command, `engage COMMAND ...`: finds the command's module and runs it.

A command is a module of `scripts` with `HELP` (one line), `add_arguments(parser)` and
`run(args) -> int`; its docstring is what `engage COMMAND --help` teaches, `EXAMPLES` (optional)
stands below the options. Only the chosen module is imported, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import logging
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol, cast

from schemas.errors import EngageError
from scripts.interrupts import keep_interrupts

DEBUG_ENV = "ENGAGE_DEBUG"
EXIT_USAGE = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE

GROUPS: dict[str, tuple[str, ...]] = {
    "Try it": ("demo", "run", "sql", "generate"),
    "Run it": (
        "up",
        "migrate",
        "worker",
        "replay",
        "settle",
        "trends",
        "fraud",
        "payout",
        "rebuild",
    ),
    "Look": ("dashboard", "explain", "quote", "rates", "weights", "calibrate", "dead-letters"),
    "Ask it": ("experiment",),
    "Prove it": ("audit", "bench", "load-test", "doctor"),
}
MODULES = {"demo": "demo_command"}  # scripts/demo is the launcher

INTRODUCTION = """\
engage turns a log of engagement and commerce events into exact counts, trends and earnings:
Kafka -> Faust -> ClickHouse.

usage: engage COMMAND [options]        engage COMMAND --help explains one command
"""
EXAMPLES = """\
Examples:
  engage demo --once                                        everything, on a sample log
  engage run --input events.jsonl.gz --data ./results       a log of yours, start to end
  engage sql 'SELECT * FROM trending_now LIMIT 10' --data ./results
  engage worker --kafka kafka:9092 --processes 2            against real servers

Servers come from --kafka and --clickhouse or from ENGAGE_KAFKA and ENGAGE_CLICKHOUSE; without
them the embedded ones are started. ENGAGE_DEBUG=1 shows the traceback behind an error.
Exit codes: 0 done, 1 differences or findings, 2 cannot be done (the message says what to do).
"""


class Command(Protocol):
    """What a command's module provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code; raise EngageError for what a person can mend."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a command line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"error: {message}: see '{self.prog} --help'\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; never raises for expected errors."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What goes wrong is raised, in one line; the client would print it as well, in its own words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _leave)
    keep_interrupts()
    return guarded(lambda: dispatch(arguments))


def dispatch(arguments: Sequence[str]) -> int:
    """Choose the command, parse its options and run it."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        if len(arguments) > 1 and arguments[0] == "help":
            return dispatch([arguments[1], "--help"])
        print(overview())
        return 0 if arguments else EXIT_USAGE
    name, *rest = arguments
    if name not in available():
        return _unknown(name)
    module = load(name)
    return module.run(parser_of(name).parse_args(rest))


def guarded(action: Callable[[], int]) -> int:
    """Run `action`; turn what is expected to go wrong into one line and an exit code."""
    try:
        code = action()
        sys.stdout.flush()
    except EngageError as error:
        return _failed(str(error), error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            # Without this Python complains when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_BROKEN_PIPE
        place = f": {error.filename}" if error.filename is not None else ""
        return _failed(f"{error.strerror or error}{place}", EXIT_USAGE)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def available() -> dict[str, Path]:
    """Return the commands that exist in this checkout, with their files, in help's order."""
    folder = Path(__file__).parent
    names = [name for group in GROUPS.values() for name in group]
    files = {name: folder / f"{module_name(name)}.py" for name in names}
    return {name: file for name, file in files.items() if file.exists()}


def module_name(command: str) -> str:
    """Return the module of `scripts` that holds the command."""
    return MODULES.get(command, command.replace("-", "_"))


def load(command: str) -> Command:
    """Import the command's module."""
    return cast(Command, importlib.import_module(f"scripts.{module_name(command)}"))


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the command's complete parser."""
    module = load(command)
    parser = _Parser(
        prog=f"engage {command}",
        description=getattr(module, "__doc__", None),
        epilog=getattr(module, "EXAMPLES", None),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser


def overview() -> str:
    """Return what `engage --help` prints."""
    files = available()
    lines = [INTRODUCTION]
    for title, names in GROUPS.items():
        present = [name for name in names if name in files]
        if present:
            lines.append(f"{title}:")
            lines += [f"  {name:<14}{summary(files[name])}" for name in present]
            lines.append("")
    return "\n".join(lines) + "\n" + EXAMPLES.rstrip()


def summary(file: Path) -> str:
    """Read a module's HELP line without importing it; else its docstring's first line."""
    tree = ast.parse(file.read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["HELP"]:
                return str(node.value.value)
    return (ast.get_docstring(tree) or "").split("\n")[0]


def _unknown(name: str) -> int:
    close = difflib.get_close_matches(name, available(), n=1)
    hint = f"did you mean '{close[0]}'?" if close else "'engage --help' lists the commands"
    return _failed(f"there is no command '{name}': {hint}", EXIT_USAGE)


def _failed(message: str, code: int) -> int:
    if os.environ.get(DEBUG_ENV) == "1":
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return code


def _reader_is_gone() -> bool:
    """Tell whether it is our output that broke (`engage sql ... | head`) and not a server."""
    output = select.poll()
    output.register(sys.stdout.fileno(), select.POLLOUT)
    return any(events & select.POLLERR for _, events in output.poll(0))


def _leave(number: int, _frame: FrameType | None) -> None:
    """End on SIGTERM and SIGHUP as on any exit, so that what we started is stopped."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
