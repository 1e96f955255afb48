"""Faust, batch-wise: one Faust event per fetched run of one partition.

Per record there is then no Event object, no await and no acknowledgement: Faust keeps assignment,
rebalancing and flow control, and the tight loops are ours.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from faust.serializers.schemas import Schema
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from streams.values import Run


class FetchedRun:
    """Consecutive records of one partition, shaped like a Kafka record for Faust."""

    __slots__ = ("offset", "partition", "run", "timestamp", "timestamp_type", "topic")

    headers = None
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, tp: TP, records: list[Any]) -> None:
        last = records[-1]
        self.topic, self.partition = tp
        self.offset = last.offset
        self.timestamp = last.timestamp
        self.timestamp_type = last.timestamp_type
        self.run = Run(
            [r.offset for r in records],
            [r.timestamp for r in records],
            [r.key for r in records],
            [r.value for r in records],
        )

    @property
    def value(self) -> "FetchedRun":
        """Return the run itself: the schema passes it on as the event's value."""
        return self


class RunSchema(Schema[Any, Any]):
    """Hands a run to the stream as it is."""

    def compile(
        self,
        app: Any,
        *,
        on_key_decode_error: Any = None,
        on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        """Return Faust's decoder of messages."""

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


def run_scheduler(topics: set[str], messages_max: int) -> type[DefaultSchedulingStrategy]:
    """Return a Faust scheduler that yields runs of at most `messages_max` for these topics.

    Partitions take turns, so that none starves.
    """

    class RunScheduler(DefaultSchedulingStrategy):
        def iterate(self, records: Any) -> Iterator[tuple[TP, Any]]:
            fetched = [(tp, found) for tp, found in records.items() if tp.topic in topics and found]
            start = 0
            while fetched:
                for tp, found in fetched:
                    yield tp, FetchedRun(tp, found[start : start + messages_max])
                start += messages_max
                fetched = [(tp, found) for tp, found in fetched if len(found) > start]
            rest = {tp: found for tp, found in records.items() if tp.topic not in topics}
            if rest:
                yield from super().iterate(rest)

    return RunScheduler
