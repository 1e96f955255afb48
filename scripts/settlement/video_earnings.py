"""What each video has earned, added up from the ledger for those who look at all of them at once."""

from __future__ import annotations

from contextlib import closing

from sinks.client import answering, connect

ADD_UP = """
INSERT INTO video_earnings (video_id, currency, amount_micros, version)
SELECT substring(l.reference, 7), l.currency, sum(l.amount_micros), count()
FROM ledger AS l FINAL
WHERE startsWith(l.reference, 'video:') AND l.source != 'payout'
GROUP BY l.reference, l.currency
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


def add_up(url: str, database: str) -> None:
    """Add up what is booked. Whoever saw the most entries of a video is right about it: safe to kill, to
    repeat, and to run twice at once.

    Raises:
        Unavailable: ClickHouse does not answer; the next settlement adds up again.
    """
    with (
        answering(url, doing="adding up what videos have earned"),
        closing(connect(url, database)) as client,
    ):
        client.command(ADD_UP)
