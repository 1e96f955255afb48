"""The worker's log: lines of text for a person, or one JSON object a line for a collector."""

import json
import logging
import logging.config
import traceback
from datetime import UTC, datetime
from typing import Any

TEXT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"


class JsonFormatter(logging.Formatter):
    """time (UTC, RFC 3339), level, process, logger, message; `exception` is the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


def log_config(level: str, form: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` of a worker; `form` is "text" or "json"."""
    formatters: dict[str, Any] = {"text": {"format": TEXT}, "json": {"()": JsonFormatter}}
    handler = {"class": "logging.StreamHandler", "formatter": form, "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {"stderr": handler},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
    }


def set_up(level: str, form: str) -> dict[str, Any]:
    """Configure logging and return the configuration, for a library that would set its own."""
    config = log_config(level, form)
    logging.config.dictConfig(config)
    return config
