"""Own sales: a creator's shop has what was kept of a settled order, less fees and the commission.

Each fee is rounded half-even and is that of the order's time. The commission is what the promoter
should have, not what is booked. A shop is a creator's if its seller has a video or a live.
"""

from collections.abc import Collection, Iterable, Mapping

from scripts.recount.model import Rules
from scripts.recount.programs.orders import Order
from scripts.recount.programs.targets import Targets, key_of, part_of


def sale(
    orders: Iterable[Order],
    commissions: Targets,
    sellers: Collection[str],
    end_ms: int,
    rules: Rules,
) -> Targets:
    """Return what sellers have of orders settled before `end_ms`."""
    targets = Targets()
    paid = _by_key(commissions)
    for order in orders:
        if order.seller_id not in sellers or order.settled_ms is None:
            continue
        if order.settled_ms >= end_ms:
            continue
        key = key_of("sale", order.order_id)
        fees = rules.rates.sale_fees(order.placed_ms, rules.region)
        if fees is None:
            targets.unknown.add(key)
            continue
        amount = order.kept_micros - paid.get(key_of("affiliate", order.order_id), 0)
        for bps in (fees.platform_bps, fees.payment_bps, fees.referral_bps):
            amount -= part_of(order.kept_micros, bps)
        targets.book(key, {order.seller_id: amount}, order.currency, fees.version)
    return targets


def _by_key(targets: Targets) -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for account, target in targets.accounts.items():
        sums[account.key] = sums.get(account.key, 0) + target.amount_micros
    return sums
