"""Where a replay goes on: a small file that says how many records of which log Kafka has."""

from __future__ import annotations

import json
from pathlib import Path

import xxhash

from schemas.errors import InputError, Refused
from scripts.logs import Log

_HEAD_BYTES = 64 << 10


class ResumeFile:
    """The number of acknowledged records, kept on disk. May lag behind, never runs ahead.

    Raises:
        InputError: the file cannot be read or written, or is no resume file.
        Refused: it belongs to another log, order or Kafka: going on there would lose records.
    """

    def __init__(self, path: Path, log: Log, arrival: str, kafka: str) -> None:
        self._path = path
        self._identity = _identity(log, arrival, kafka)
        self.acknowledged = self._load()
        self._saved = -1
        self.save(self.acknowledged)  # a place that cannot be written is told now, not at the end

    def save(self, acknowledged: int) -> None:
        """Keep the number, atomically."""
        if acknowledged == self._saved:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.write_text(json.dumps(self._identity | {"acknowledged": acknowledged}) + "\n")
            part.replace(self._path)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._saved = acknowledged

    def _load(self) -> int:
        try:
            state = json.loads(self._path.read_bytes())
            acknowledged = state.pop("acknowledged")
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"{self._path}: is no resume file of a replay") from error
        other = [key for key, value in self._identity.items() if state.get(key) != value]
        if other:
            raise Refused(
                f"{self._path}: belongs to another replay ({', '.join(other)} differ): name "
                "another file, or delete it to begin from the start"
            )
        if type(acknowledged) is not int or acknowledged < 0:
            raise InputError(f"{self._path}: is no resume file of a replay")
        return acknowledged


def _identity(log: Log, arrival: str, kafka: str) -> dict[str, object]:
    with log.path.open("rb") as file:
        head = xxhash.xxh3_64_hexdigest(file.read(_HEAD_BYTES))
    return {
        "log_bytes": log.path.stat().st_size,
        "log_head": head,
        "format": log.format,
        "arrival": arrival,
        "kafka": kafka,
    }
