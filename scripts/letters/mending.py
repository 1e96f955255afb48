"""Mends a dead letter and says whether the pipeline would take it now; pure.

A patch is a JSON merge patch (RFC 7396): the fields it names are set, those that are null are
removed, nested objects likewise. What has no `id` then gets the letter's own name as its id: the same
letter is the same event however often it is mended. Whether the result is an event, and one that is
admitted now, is asked of the worker's own decoder and admission (rule 1); nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from xxhash import xxh3_64_hexdigest

from schemas import wire
from schemas.errors import InputError
from schemas.failures import Failure, Reason, Stage
from scripts.letters.view import DeadLetterRow
from scripts.records import LogRecord, address
from streams.admission import fault_of
from streams.decode import decode_run
from streams.effects import NEVER_LATE
from streams.values import Rules


class Mended(NamedTuple):
    """A letter after its patch: the record to send, and why it would be refused again, if it would."""

    name: str
    record: LogRecord
    failure: Failure | None
    never_late: bool


def mend(
    letter: DeadLetterRow, patch: Mapping[str, Any] | None, rules: Rules, now_ms: int
) -> Mended:
    """Apply the patch and judge the result as of `now_ms`, the time of the record to be sent."""
    value = _patched(letter, patch)
    (event,), _ = decode_run([value])
    failure = event if isinstance(event, Failure) else _refusal(event, rules, now_ms)
    return Mended(name_of(letter), address(value), failure, event.__class__ in NEVER_LATE)


def name_of(letter: DeadLetterRow) -> str:
    """Name a letter for all time: by its place, and by its bytes should the topic be made anew."""
    return f"{letter.where}~{xxh3_64_hexdigest(letter.raw)}"


def parse_patch(text: str) -> dict[str, Any]:
    """Read a merge patch.

    Raises:
        InputError: it is no JSON object.
    """
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise InputError(f"--patch is no JSON ({error}): {text[:80]}") from error
    if not isinstance(patch, dict):
        raise InputError('--patch must be a JSON object, like {"feed": "for_you"}')
    return patch


def merged(target: object, patch: object) -> Any:
    """Return the target with a merge patch applied (RFC 7396, section 2)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _patched(letter: DeadLetterRow, patch: Mapping[str, Any] | None) -> bytes:
    """Return the message to send: the bytes as they came where nothing is changed."""
    try:
        before = json.loads(letter.raw)
    except (ValueError, RecursionError):
        return letter.raw  # no JSON: a patch has nothing to hold on to
    if not isinstance(before, dict):
        return letter.raw
    after = merged(before, patch or {})
    after.setdefault("id", str(letter.where))
    return letter.raw if after == before else json.dumps(after, separators=(",", ":")).encode()


def _refusal(event: wire.Event, rules: Rules, now_ms: int) -> Failure | None:
    if event.event_time_ms > now_ms + rules.ahead_ms_max:
        return Failure(Stage.ADMISSION, Reason.FUTURE_EVENT_TIME, "")
    fault = fault_of(event, rules)
    return None if fault is None else Failure(Stage.ADMISSION, *fault)
