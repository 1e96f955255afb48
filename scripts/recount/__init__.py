"""The independent recount: what the counting rules say, in the plainest code there is.

Nothing here is shared with the worker: no state, no decoding, no formula. Only the definitions
are: the event models, the dated rates and the weights of `schemas`. Speed does not count here,
being readable next to the rules does; memory is that of one partition's ids and cells.

    record -> judge.py       rules 1, 2, 3, 10: dead letter, late, duplicate, suppressed, counted
           -> partition.py   the minute of its event time (4), and its subject:
                videos.py    5 to 8      lives.py  4, 7      gifts.py  9      scores.py  11
                facts.py     14
           -> expected.py    all partitions added up, and the public views made of that
                rewards.py   12          trending.py  11          content.py  13
           -> programs/      what settled accounts should have, from facts and days
    ClickHouse -> against.py all of that compared with checks.py (views), ledger.py and settled.py (money)
"""

from collections.abc import Iterable

from scripts.recount.expected import Expected, add_up
from scripts.recount.model import Record, Rules, rules_of
from scripts.recount.partition import count_partition

__all__ = ["Expected", "Record", "Rules", "recount", "rules_of"]


def recount(records: Iterable[Record], rules: Rules) -> Expected:
    """Recount a log that fits into memory; records of one partition must be in offset order."""
    partitions: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        partitions.setdefault((record.topic, record.partition), []).append(record)
    parts = [
        count_partition(topic, partition, log.__iter__, rules)
        for (topic, partition), log in partitions.items()
    ]
    return add_up(parts, rules)
