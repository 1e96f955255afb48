"""Own sales: what a creator's own shop keeps of a settled order.

Revenue is what the buyer paid and kept; platform, payment and referral fees are parts of it, so a
refund gives their part back as well (whether platforms do is not published: our choice). The
commission that another creator has for the order is the seller's to pay. Each part is rounded
half-even; the seller has what is left, so all parts add up to the revenue.
"""

from collections.abc import Iterable, Mapping

from schemas.entries import entry_id
from schemas.rate_rows import SaleFees
from schemas.rates import Rates
from streams.programs.affiliate import check_amounts
from streams.programs.facts import Order
from streams.programs.lines import Line, Result, Step, collect, missing_rate
from streams.programs.money import part_bps

SOURCE = "sale"


def sale_lines(
    orders: Iterable[Order],
    commissions_micros: Mapping[str, int],
    rates: Rates,
    *,
    region: str,
    as_of_ms: int,
) -> Result:
    """Return what the seller of each order that is settled by `as_of_ms` earned.

    `orders` are those of sellers who are creators; `commissions_micros` by order id are the targets
    of `affiliate_lines`, all parts of an order together. Fees are those valid at the order's time.
    """

    def lines_of(order: Order) -> list[Line]:
        if order.settled_ms is None or order.settled_ms > as_of_ms:
            return []
        key = entry_id(SOURCE, order.order_id)
        check_amounts(order, key)
        fees = rates.sale_fees(order.placed_ms, region)
        if fees is None:
            raise missing_rate(key, f"sale_fees row of region {region}")
        return [_line(order, key, fees, commissions_micros.get(order.order_id, 0))]

    return collect(orders, lines_of)


def fees_micros(revenue_micros: int, fees: SaleFees) -> tuple[int, int, int]:
    """Return the platform, payment and referral fee of a revenue."""
    return (
        part_bps(revenue_micros, fees.platform_bps),
        part_bps(revenue_micros, fees.payment_bps),
        part_bps(revenue_micros, fees.referral_bps),
    )


def _line(order: Order, key: str, fees: SaleFees, commission_micros: int) -> Line:
    stopped_by = order.frozen_by or order.ineligible_by
    revenue = 0 if stopped_by else order.kept_micros
    platform, payment, referral = fees_micros(revenue, fees)
    amount = revenue - platform - payment - referral - commission_micros
    return Line(
        key=key,
        occurred_at_ms=order.settled_ms or order.placed_ms,
        creator_id=order.seller_id,
        source=SOURCE,
        amount_micros=amount,
        currency=order.currency,
        reference=f"order:{order.order_id}",
        rate_version=fees.version,
        explanation=(
            Step("paid for the order", order.paid_micros, order.currency),
            Step("given back", -order.refunded_micros, order.currency),
            Step("revenue", revenue, order.currency, stopped_by),
            Step("platform fee", -platform, order.currency, f"{fees.platform_bps} bps"),
            Step("payment fee", -payment, order.currency, f"{fees.payment_bps} bps"),
            Step("referral fee", -referral, order.currency, f"{fees.referral_bps} bps"),
            Step("commission of the promoting creator", -commission_micros, order.currency),
            Step("amount", amount, order.currency),
        ),
        cause=stopped_by or ("refund" if order.refunded_micros else ""),
    )
