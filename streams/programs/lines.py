"""What programs answer: target lines with their arithmetic, and what they refuse to guess."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from schemas.currencies import CURRENCIES
from schemas.errors import SettlementError
from streams.programs.money import in_words, within_int64

Fact = TypeVar("Fact")


class Step(NamedTuple):
    """One line of the arithmetic behind an amount: what, how much, in which unit, and why."""

    label: str
    value: int
    unit: str
    note: str = ""


class Line(NamedTuple):
    """What one account should have been booked in all: a target, not an entry.

    The account is (key, creator_id, currency); the key names program and subject and is the same
    for all creators who share the amount. `cause` says why an amount is less than it might be, and
    becomes the reason of the adjustment. `rate_card` names all rates that might have been applied,
    where that depends on facts: the same card with another rate means that facts have changed.
    """

    key: str
    occurred_at_ms: int
    creator_id: str
    source: str
    amount_micros: int
    currency: str
    reference: str
    rate_version: str
    explanation: tuple[Step, ...] = ()
    cause: str = ""
    rate_card: str = ""


class Refusal(NamedTuple):
    """An amount that could not be computed. Nothing is booked and nothing taken back meanwhile.

    `is_whole`: not only this key, but all that the program was asked for.
    """

    key: str
    reason: str
    detail: str
    is_whole: bool = False


class Result(NamedTuple):
    """All lines and refusals of one call, in an order that does not depend on that of the facts."""

    lines: list[Line]
    refusals: list[Refusal]


def collect(facts: Iterable[Fact], lines_of: Callable[[Fact], Iterable[Line]]) -> Result:
    """Compute the lines of each fact; what one fact lacks does not stop the others."""
    lines: list[Line] = []
    refusals: list[Refusal] = []
    for fact in facts:
        try:
            lines += [checked(line) for line in lines_of(fact)]
        except SettlementError as error:
            refusals.append(refusal_of(error))
    return ordered(lines, refusals)


def ordered(lines: Iterable[Line], refusals: Iterable[Refusal]) -> Result:
    """Return a result in its fixed order."""
    by_account = sorted(lines, key=lambda line: (line.key, line.creator_id, line.currency))
    return Result(by_account, sorted(set(refusals)))


def checked(line: Line) -> Line:
    """Return the line.

    Raises:
        SettlementError: its currency is unknown, or its amount does not fit into 64 bits.
    """
    check_currency(line.currency, line.key)
    within_int64(line.amount_micros, line.key)
    return line


def check_currency(currency: str, key: str) -> None:
    """Refuse what is no currency of ISO 4217.

    Raises:
        SettlementError: names the key.
    """
    if currency not in CURRENCIES:
        raise SettlementError(key, "unknown_currency", f"{currency!r} is none of ISO 4217")


def missing_rate(key: str, what: str) -> SettlementError:
    """Return the error for a rate that no row gives; `what` names the row that is missing."""
    return SettlementError(key, "missing_rate", f"no {what} is valid then")


def refusal_of(error: SettlementError, *, is_whole: bool = False) -> Refusal:
    """Return the row of an error."""
    return Refusal(error.key, error.reason, error.detail, is_whole)


def explain(line: Line) -> str:
    """Return the arithmetic of a line as a creator reads it."""
    steps = [step_in_words(step) for step in line.explanation]
    head = f"{line.source} for {line.reference}: {in_words(line.amount_micros, line.currency)}"
    tail = f"rate {line.rate_version}" + (f"; reduced by: {line.cause}" if line.cause else "")
    return "\n".join([head, *(f"  {text}" for text in steps), f"  {tail}"])


def step_in_words(step: Step) -> str:
    """Return one step of the arithmetic in one line."""
    if step.unit in CURRENCIES:
        value = in_words(step.value, step.unit)
    elif step.unit == "ppm":
        value = f"{step.value // 10_000:,}.{step.value % 10_000:04d} %"
    elif step.unit == "bps":
        value = f"{step.value // 100:,}.{step.value % 100:02d} %"
    else:
        value = f"{step.value:,} {step.unit}"
    return f"{step.label}: {value}" + (f" ({step.note})" if step.note else "")
