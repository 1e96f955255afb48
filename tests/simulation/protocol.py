"""The rules of the checkpoint protocol as switches: each can be broken on purpose.

All of them are on in the product; a simulation with one of them off must find wrong numbers.
The rules are those of the design's section 4, argued in streams/checkpoint.py. With transactions
`looks_at_claim` alone may be off: a stale owner keeps its memory, but is fenced at its first flush.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Protocol:
    """How workers of a simulation behave; the defaults are right."""

    transactions: bool = True  # or markers in the records, on a broker that never compacts
    compaction: bool = True
    # recovery
    fences: bool = True  # taking over shuts the old owner out (transactions)
    honours_claims: bool = True  # reading drops what an owner wrote after it lost (markers)
    closes_flushes: bool = True  # reading drops pages that no position closes (markers)
    reads_committed: bool = True
    claims_before_reading: bool = True
    looks_at_claim: bool = True  # memory is kept only if nobody wrote in between (markers)
    incarnation_first: bool = True  # the first position is durable before any row
    # flush
    checks_landing: bool = True  # a record that lands elsewhere means another owner (markers)
    position_with_state: bool = True  # in one transaction
    position_of_snapshot: bool = True  # the position at which the pages were taken
    dead_letters_with_state: bool = True
    rows_first: bool = True
    offsets_last: bool = True
    sweep_deletes_last: bool = True
    # runs
    slices: bool = True
    asks_about_gaps: bool = True
    watches_quiet_end: bool = True
    # rows
    cumulative: bool = True
    versioned: bool = True


RIGHT = Protocol()
MARKERS = Protocol(transactions=False, compaction=False)

MUTATIONS: dict[str, Protocol] = {
    "taking over does not fence": replace(RIGHT, fences=False),
    "recovery reads uncommitted records": replace(RIGHT, reads_committed=False),
    "reading before claiming": replace(RIGHT, claims_before_reading=False),
    "the incarnation is not durable before rows": replace(RIGHT, incarnation_first=False),
    "position outside the transaction": replace(RIGHT, position_with_state=False),
    "position of the flush's end": replace(RIGHT, position_of_snapshot=False),
    "dead letters outside the transaction": replace(RIGHT, dead_letters_with_state=False),
    "rows after state": replace(RIGHT, rows_first=False),
    "offsets before state": replace(RIGHT, offsets_last=False),
    "obsolete pages deleted at the sweep's start": replace(RIGHT, sweep_deletes_last=False),
    "redelivered records are not sliced off": replace(RIGHT, slices=False),
    "a gap is guessed to be a hole": replace(RIGHT, asks_about_gaps=False),
    "nobody watches the quiet end": replace(RIGHT, watches_quiet_end=False),
    "rows are deltas": replace(RIGHT, cumulative=False),
    "versions without offset": replace(RIGHT, versioned=False),
    "markers: claims are ignored": replace(MARKERS, honours_claims=False),
    "markers: unclosed pages are taken": replace(MARKERS, closes_flushes=False),
    "markers: landing is not checked": replace(MARKERS, checks_landing=False),
    "markers: memory is kept whatever the claim says": replace(MARKERS, looks_at_claim=False),
    "markers on a compacted topic": replace(MARKERS, compaction=True),
}
