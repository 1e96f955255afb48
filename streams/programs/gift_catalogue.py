"""The price list of gifts: a check of what an event claims a gift costs.

A rates file takes every gift at its event's price, unless it says `unknown_gifts = "refuse"`. Then its
list is complete: a gift that is not on it then and there, or has another price, is refused. The price
in the event is never replaced by that of the list.
"""

from schemas.entries import entry_id
from schemas.rates import Rates
from streams.programs.lines import Refusal

SOURCE = "gift"


def refusal_of_gift(
    gift_id: str, coins: int, at_ms: int, region: str, rates: Rates
) -> Refusal | None:
    """Return why a gift of this unit price cannot be taken; None = it can. The key is the gift's."""
    if not rates.refuses_unknown_gifts:
        return None
    key = entry_id(SOURCE, gift_id)
    row = rates.catalogue(gift_id, at_ms, region)
    if row is None:
        return Refusal(key, "unknown_gift", f"not in the gift_catalogue of region {region} then")
    if row.coins != coins:
        detail = f"{coins} coins; {row.version} says {row.coins}"
        return Refusal(key, "price_mismatch", detail)
    return None
