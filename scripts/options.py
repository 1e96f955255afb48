"""Options that several commands share, with the same words and the same defaults."""

from __future__ import annotations

import argparse
import os
from datetime import date
from pathlib import Path

from streams.config import text_of

KAFKA_ENV = "ENGAGE_KAFKA"
CLICKHOUSE_ENV = "ENGAGE_CLICKHOUSE"


def kafka_option(parser: argparse.ArgumentParser, *, note: str = "") -> None:
    """Add --kafka; `args.kafka` is None when neither flag nor environment names a broker."""
    parser.add_argument(
        "--kafka",
        metavar="[PROTOCOL://]HOST:PORT[,...]",
        default=os.environ.get(KAFKA_ENV) or None,
        help=_with(f"a real Kafka; else the environment's {KAFKA_ENV}", note),
    )


def clickhouse_option(parser: argparse.ArgumentParser, *, note: str = "") -> None:
    """Add --clickhouse; `args.clickhouse` is None when neither flag nor environment names one."""
    parser.add_argument(
        "--clickhouse",
        metavar="URL",
        default=text_of("clickhouse", os.environ) or None,
        help=_with(
            "a real ClickHouse, http://user:password@host:8123; else the environment's "
            f"{CLICKHOUSE_ENV}, which unlike a flag no process list shows",
            note,
        ),
    )


def data_option(parser: argparse.ArgumentParser, *, required: bool = False, note: str = "") -> None:
    """Add --data; `args.data` is an absolute path, or None."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=_absolute,
        required=required,
        help=_with("folder of the embedded ClickHouse", note),
    )


def rates_option(parser: argparse.ArgumentParser) -> None:
    """Add --rates, for commands that look at or settle results."""
    parser.add_argument(
        "--rates",
        metavar="FILE",
        help="dated rates (default: those that the folder's results were made by; of a server "
        "those of ENGAGE_RATES, else schemas/rates.toml)",
    )


def processes_option(parser: argparse.ArgumentParser) -> None:
    """Add --processes."""
    parser.add_argument(
        "--processes",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="worker processes (default 1); each uses one core",
    )


def port(text: str) -> int:
    """Parse a port; for `type=`."""
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 0 < number < 65_536:
        raise argparse.ArgumentTypeError(f"{text}: a port is a number from 1 to 65535")
    return number


def day(text: str) -> date:
    """Parse a day; for `type=`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day like 2026-11-25") from error


def _at_least_one(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number, at least 1")
    return number


def _with(text: str, note: str) -> str:
    return f"{text}; {note}" if note else text


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()
