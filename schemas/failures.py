"""Why a message was refused, and what the dead-letter topic says about it."""

import base64
from enum import StrEnum
from typing import Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field


class Stage(StrEnum):
    """Where on its way a message was refused."""

    DECODE = "decode"
    ADMISSION = "admission"


class Reason(StrEnum):
    """The closed list of reasons; queries and alerts rely on these words."""

    # decode: the bytes are no event
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    INVALID_UTF8 = "invalid_utf8"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    # admission: an event, but not here, not now or not of this subject
    WRONG_TOPIC = "wrong_topic"
    WRONG_KEY = "wrong_key"
    FUTURE_EVENT_TIME = "future_event_time"
    MISSING_RATE = "missing_rate"
    UNKNOWN_GIFT = "unknown_gift"
    PRICE_MISMATCH = "price_mismatch"
    TARGET_MISMATCH = "target_mismatch"


class Failure(msgspec.Struct, frozen=True, gc=False):
    """One refused message; `detail` is for people and names the field, never its content."""

    stage: Stage
    reason: Reason
    detail: str


class DeadLetter(BaseModel):
    """One JSON value of the dead-letter topic: the message as it came, and why it was refused.

    (topic, partition, offset) names the message, so a copy written twice can be told from two
    messages. `event_time_ms` is there only when the message was an event.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    topic: str = Field(min_length=1)
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    stage: Stage
    reason: Reason
    detail: str
    raw_base64: str
    key_base64: str | None = None
    event_time_ms: int | None = None
    recorded_at_ms: int = Field(ge=0, description="The Kafka record's own timestamp.")

    @classmethod
    def of(  # noqa: PLR0913 - a Kafka record has this many parts
        cls,
        failure: Failure,
        *,
        topic: str,
        partition: int,
        offset: int,
        raw: bytes | None,
        key: bytes | None,
        recorded_at_ms: int,
        event_time_ms: int | None = None,
    ) -> Self:
        """The dead letter of one record."""
        return cls(
            topic=topic,
            partition=partition,
            offset=offset,
            stage=failure.stage,
            reason=failure.reason,
            detail=failure.detail,
            raw_base64=base64.b64encode(raw or b"").decode("ascii"),
            key_base64=None if key is None else base64.b64encode(key).decode("ascii"),
            event_time_ms=event_time_ms,
            recorded_at_ms=recorded_at_ms,
        )

    @property
    def raw(self) -> bytes:
        """The refused message, byte for byte."""
        return base64.b64decode(self.raw_base64)
