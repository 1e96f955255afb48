"""What each video has earned, added up from the ledger for those who look at all of them at once."""

from __future__ import annotations

from contextlib import closing

from sinks.client import answering, connect

# On a cluster a video's entries lie on the shards of its creators: the server that is asked must add up,
# where each shard would otherwise keep a sum of its own.
ADD_UP = """
INSERT INTO video_earnings (video_id, currency, amount_micros, version)
SELECT substring(l.reference, 7), l.currency, sum(l.amount_micros), count()
FROM ledger AS l FINAL
WHERE startsWith(l.reference, 'video:')
GROUP BY l.reference, l.currency
SETTINGS do_not_merge_across_partitions_select_final = 1, parallel_distributed_insert_select = 0
"""


def add_up(url: str, database: str) -> None:
    """Add up what is booked. Whoever saw the most entries of a video is right about it: safe to kill, to
    repeat, and to run twice at once.

    What a replica that lags does not show yet is in the sums of the next settlement.

    Raises:
        Unavailable: ClickHouse does not answer; the next settlement adds up again.
    """
    with (
        answering(url, doing="adding up what videos have earned"),
        closing(connect(url, database)) as client,
    ):
        client.command(ADD_UP)
