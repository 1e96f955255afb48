"""One worker process: `python -m streams.worker`, settings from the environment.

Started and restarted by scripts/supervisor.py. Exit codes: 0 stopped, 2 cannot run like this (the
log says why; starting again would not help), 75 lost a partition or a service: start again.
"""

import gc
import logging
import sys
from collections.abc import Callable
from typing import Any

import faust

from schemas.errors import EngageError
from streams.agents import build_worker
from streams.config import Settings, load_settings
from streams.logs import set_up

REPEAT_AFTER_S = 10.0
_REPEATING = (  # a filter of a logger is not asked for the loggers below it
    "aiokafka",
    "aiokafka.client",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)


class Unrepeated(logging.Filter):
    """Lets the same message through once in ten seconds.

    Clients repeat themselves a hundred times a second while a broker is away.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        text = f"{record.name} {record.levelno} {record.msg}"
        if record.created - self._seen.get(text, 0.0) < REPEAT_AFTER_S:
            return False
        self._seen[text] = record.created
        return True


def main(build: Callable[[Settings], Any] = build_worker) -> int:
    """Run what `build` makes until stopped."""
    try:
        settings = load_settings()
        logging_config = set_up(settings.log_level, settings.log_format)
        for name in _REPEATING:
            logging.getLogger(name).addFilter(Unrepeated())
        app = build(settings)
    except EngageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        return error.exit_code
    # state is large, acyclic and long-lived: full collections would only walk it
    gc.set_threshold(50_000, 50, 1_000)
    level = settings.log_level.upper()
    worker = faust.Worker(
        app,
        loglevel=level,
        logging_config=logging_config,
        redirect_stdouts=False,
        quiet=True,
    )
    worker.spinner = None  # a log is no terminal
    worker.execute_from_commandline()
    return 0


if __name__ == "__main__":
    sys.exit(main())
