"""Exact money: integers in micro-units, divided so that nothing is lost and nothing is guessed."""

from collections.abc import Mapping
from fractions import Fraction

from schemas.errors import SettlementError

INT64_MAX = (1 << 63) - 1
ONE_PPM = 1_000_000
ONE_BPS = 10_000


def half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest integer, ties to the even one."""
    return round(Fraction(numerator, denominator))


def part_bps(amount_micros: int, bps: int) -> int:
    """Return this share of an amount, rounded half-even."""
    return half_even(amount_micros * bps, ONE_BPS)


def largest_remainder(total_micros: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Divide a total by weights into integers that add up to it exactly.

    Everybody gets the quotient rounded towards zero; what is left goes, one micro-unit each, to the
    largest remainders, of equal ones to the smaller name. The order of the weights is of no
    account, and minus the total divides into minus the parts.

    Raises:
        ValueError: a weight is negative, or all are 0.
    """
    whole = sum(weights.values())
    if whole <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must not be negative, and not all 0")
    sign = -1 if total_micros < 0 else 1
    quotients = {name: divmod(abs(total_micros) * weights[name], whole) for name in weights}
    parts = {name: quotient for name, (quotient, _) in quotients.items()}
    left = abs(total_micros) - sum(parts.values())
    for name in sorted(quotients, key=lambda name: (-quotients[name][1], name))[:left]:
        parts[name] += 1
    return {name: sign * part for name, part in parts.items()}


def within_int64(amount_micros: int, key: str) -> int:
    """Return the amount.

    Raises:
        SettlementError: it is beyond what a column of 64 bits holds; names the key.
    """
    if abs(amount_micros) > INT64_MAX:
        raise SettlementError(key, "amount_out_of_range", f"{amount_micros} is beyond 64 bits")
    return amount_micros


def in_words(amount_micros: int, currency: str) -> str:
    """Return an amount for people, exact: `-1.500000 USD`."""
    units, micros = divmod(abs(amount_micros), 1_000_000)
    return f"{'-' if amount_micros < 0 else ''}{units:,}.{micros:06d} {currency}"
