"""Which money and correction events cannot be processed, though their bytes are an event."""

from typing import Any

from schemas import wire
from schemas.failures import Reason
from streams.programs.gift_catalogue import refusal_of_gift
from streams.values import Rules


def fault_of(event: Any, rules: Rules) -> tuple[Reason, str] | None:
    """Return why an event is a dead letter, and the detail; None = it can be processed."""
    if event.__class__ is wire.Gift:
        return _gift_fault(event, rules)
    if event.__class__ is wire.Invalidated:
        for target in event.targets:
            if target.video_id != event.video_id:
                detail = f"target {target.id} is of video {target.video_id}"
                return Reason.TARGET_MISMATCH, detail
    return None


def _gift_fault(event: wire.Gift, rules: Rules) -> tuple[Reason, str] | None:
    rates, at_ms = rules.rates, event.event_time_ms
    if rates.gift(at_ms) is None:
        return Reason.MISSING_RATE, "no gift rate then"
    refusal = refusal_of_gift(event.gift_id, event.coins, at_ms, rules.region, rates)
    return None if refusal is None else (Reason(refusal.reason), refusal.detail)
