"""Collaborations: an amount of a shared video, split so that the parts add up to it exactly.

Collaborators have their share_bps, the creator the rest. Parts are by largest remainder, also of
negative amounts. Somebody named twice, or the creator among the collaborators, has the sum.
"""

from collections.abc import Iterable, Sequence

from schemas.errors import SettlementError
from streams.programs.facts import Share
from streams.programs.lines import Line, Step
from streams.programs.money import ONE_BPS, largest_remainder


def split(line: Line, collaborators: Sequence[Share]) -> list[Line]:
    """Return the line's parts, one for each creator with a share; the line's creator is the owner.

    Raises:
        SettlementError: shares are negative or more than the whole; names the key.
    """
    if not collaborators:
        return [line]
    shares = shares_bps(line.creator_id, collaborators, line.key)
    parts = largest_remainder(line.amount_micros, shares)
    return [
        line._replace(
            creator_id=creator_id,
            amount_micros=part,
            explanation=(
                *line.explanation,
                Step("amount of all", line.amount_micros, line.currency),
                Step("share of this creator", shares[creator_id], "bps", "largest remainder"),
                Step("part", part, line.currency),
            ),
        )
        for creator_id, part in sorted(parts.items())
    ]


def parts_of(
    amount_micros: int, owner_id: str, collaborators: Iterable[Share], key: str
) -> dict[str, int]:
    """Return each creator's part of an amount; who has no share is left out.

    Raises:
        SettlementError: shares are negative or more than the whole; names the key.
    """
    return largest_remainder(amount_micros, shares_bps(owner_id, collaborators, key))


def shares_bps(owner_id: str, collaborators: Iterable[Share], key: str) -> dict[str, int]:
    """Return everybody's share, 10,000 in all; who has none is left out.

    Raises:
        SettlementError: shares are negative or more than the whole; names the key.
    """
    shares: dict[str, int] = {}
    for share in collaborators:
        if share.share_bps < 0:
            raise SettlementError(key, "bad_shares", f"{share.creator_id} has a negative share")
        shares[share.creator_id] = shares.get(share.creator_id, 0) + share.share_bps
    rest = ONE_BPS - sum(shares.values())
    if rest < 0:
        raise SettlementError(key, "bad_shares", "the shares are more than 10000 basis points")
    shares[owner_id] = shares.get(owner_id, 0) + rest
    return {creator_id: bps for creator_id, bps in shares.items() if bps}
