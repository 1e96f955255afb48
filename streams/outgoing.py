"""Messages to other topics, written in the transaction of the checkpoint that says they are due."""

from typing import cast

from faust.types import TP

from schemas.boosts import BOOSTS_TOPIC, BoostDecision, Verdict
from schemas.failures import DeadLetter
from streams.changelog import Outgoing
from streams.for_you import Decided
from streams.topics import DEAD_LETTERS
from streams.values import DeadMessage


def dead_letter(tp: TP, dead: DeadMessage) -> Outgoing:
    """Return the message for a record that was refused."""
    letter = DeadLetter.of(
        dead.failure,
        topic=tp.topic,
        partition=tp.partition,
        offset=dead.offset,
        raw=dead.raw,
        key=dead.key,
        recorded_at_ms=dead.recorded_at_ms,
        event_time_ms=dead.event_time_ms,
    )
    key = f"{tp.topic}-{tp.partition}-{dead.offset}"
    return Outgoing(DEAD_LETTERS, key.encode(), letter.model_dump_json().encode())


def boost(decided: Decided) -> Outgoing:
    """Return the message for a decision about a video in a pool."""
    d = decided.decision
    message = BoostDecision(
        id=d.decision_id,
        video_id=d.video_id,
        pool=d.pool,
        pool_after=d.pool_after,
        verdict=cast(Verdict, d.verdict),
        reason=d.reason,
        decided_at_ms=d.decided_at_ms,
        measure=d.measure,
        lower_bound=d.lower,
        upper_bound=d.upper,
        threshold=d.threshold,
        impressions=d.impressions,
        weights_version=d.weights_version,
    )
    return Outgoing(BOOSTS_TOPIC, d.video_id.encode(), message.model_dump_json().encode())
