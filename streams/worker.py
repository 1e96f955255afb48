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


def main(build: Callable[[Settings], Any] = build_worker) -> int:
    """Run what `build` makes until stopped."""
    try:
        settings = load_settings()
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(process)d %(name)s %(message)s",
            stream=sys.stderr,
        )
        app = build(settings)
    except EngageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - before there is a log
        return error.exit_code
    # state is large, acyclic and long-lived: full collections would only walk it
    gc.set_threshold(50_000, 50, 1_000)
    level = settings.log_level.upper()
    worker = faust.Worker(app, loglevel=level, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # a log is no terminal
    worker.execute_from_commandline()
    return 0


if __name__ == "__main__":
    sys.exit(main())
