"""The recount as the tests' oracle: what a log of messages must come to."""

from collections import Counter
from collections.abc import Iterable

from aiokafka.partitioner import DefaultPartitioner

from schemas.base import EVENT_TIME_MS_MAX
from scripts.records import address
from scripts.recount import Expected, Record, Rules, recount, rules_of
from streams.config import Settings

# A record time after which no event time can be "in the future".
NEVER_AHEAD_MS = EVENT_TIME_MS_MAX
_partition_of = DefaultPartitioner()


def records_from_lines(
    lines: Iterable[bytes], partitions: int, *, timestamp_ms: int = NEVER_AHEAD_MS
) -> list[Record]:
    """Return the records that a producer makes of these messages, in the order given.

    Topics and keys are those of `replay`, partitions those of every Kafka client, offsets begin
    at 0 and have no holes.
    """
    choices = list(range(partitions))
    ends: Counter[tuple[str, int]] = Counter()
    records = []
    for line in lines:
        topic, key, value, _ = address(line)
        partition = int(_partition_of(key, choices, choices))
        offset = ends[topic, partition]
        ends[topic, partition] += 1
        records.append(Record(topic, partition, offset, timestamp_ms, key, value))
    return records


def expected_from_lines(
    lines: Iterable[bytes],
    partitions: int,
    *,
    rules: Rules | None = None,
    timestamp_ms: int = NEVER_AHEAD_MS,
) -> Expected:
    """Return what ClickHouse must say after exactly these messages."""
    records = records_from_lines(lines, partitions, timestamp_ms=timestamp_ms)
    return recount(records, rules or rules_of(Settings()))
