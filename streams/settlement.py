"""Settlement: books what accounts should have (lines) less what they have (booked).

Pure: the first booking of an account is `final`, each later one an `adjustment` with its reason, and
an account that no line supports any more is brought to 0. Nothing is ever changed: run again it
returns nothing, after a correction it returns another entry. Balances may become negative.

An account is (key, creator, currency), so money that moves to another creator is taken back from
the one who had it.

**Two settlements at once.** An entry is named `<key>:<n>-<digest>`: n is how many bookings the
account had, the digest is of everything the entry says (creator, time, source, amount, currency,
reference, rate, reason, rate card) and of the sum booked before. (The explanation goes with an entry and is
no part of it: two that book the same amount must agree, whatever they would say about it.) Hence:
1. One name stands for one content. Writing it again, by whomever, writes the same row.
2. Two settlements that saw the same facts and the same ledger write the same names: once.
3. Two that saw different ones write different names; neither replaces the other. Both amounts then
   stand, the account may be off its target, and nothing is lost: the sum of what is booked includes
   both, so the next settlement sees it and books the difference to the target. Settling until
   nothing is missing therefore ends at the target, whoever else settled meanwhile, as soon as the
   facts are at rest.
4. Killed at any instant, some of the entries are there: the next run books the others, with names
   that do not depend on these, for accounts are independent of each other.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from schemas.errors import Refused
from streams.programs.lines import Line, Refusal, Step
from streams.programs.money import within_int64

RECOUNTED = "recounted after settlement"
UNSUPPORTED = "nothing supports it any more"

_DIGEST_BYTES = 8
_NAME = re.compile(r"(.*):\d+-[0-9a-f]{16}", re.DOTALL)


class Account(NamedTuple):
    """What is booked apart: one subject of one program, for one creator, in one currency."""

    key: str
    creator_id: str
    currency: str


class Booked(NamedTuple):
    """What an account has: entries and their sum; time, source and reference of any of them.

    `rate_version` and `rate_card` are those of the entry with the greatest number.
    """

    entries: int
    amount_micros: int
    occurred_at_ms: int
    source: str
    reference: str
    rate_version: str
    rate_card: str = ""


class SettledEntry(NamedTuple):
    """One entry to append to the ledger."""

    entry_id: str
    occurred_at_ms: int
    creator_id: str
    source: str
    state: str
    amount_micros: int
    currency: str
    reference: str
    rate_version: str
    reason: str
    rate_card: str
    explanation: tuple[Step, ...]


InForce = Callable[[Account, Booked], bool]


def always(_: Account, __: Booked) -> bool:
    """Tell that a rate is in force: for what is booked by no rate at all."""
    return True


def is_of_card(account: Account, before: Booked, cards: Mapping[str, str]) -> bool | None:
    """Tell whether an account was booked by the rate card that its key has now; None = not known."""
    card = cards.get(account.key, "")
    return before.rate_card == card if before.rate_card and card else None


def entries_to_book(
    lines: Iterable[Line],
    booked: Mapping[Account, Booked],
    *,
    refusals: Collection[Refusal] = (),
    restate: bool = False,
    in_force: InForce = always,
) -> list[SettledEntry]:
    """Return the entries that bring the booked accounts to these lines.

    `booked` and `lines` must be of the same scope (a program, a day), for what is booked and has no
    line is taken back; unless it is refused, which says that nobody knows. An account booked at
    another rate is left alone unless `restate`: a change of rates does not rewrite the past. With it
    waits all else of its key: one amount is never paid to some by the old rate and to others by the
    new. Where there is no line to compare with, `in_force` tells whether the rate still is the one
    that was booked by; if it is not, nobody can say that the facts are what has changed.

    Raises:
        Refused: two lines are for one account: it would be paid twice.
        SettlementError: a difference does not fit into 64 bits.
    """
    targets = _by_account(lines)
    held = set() if restate else _held_keys(targets, booked, in_force)
    entries = [
        _entry(account, line, booked.get(account))
        for account, line in targets.items()
        if restate or not (account.key in held or _is_held(line, booked.get(account)))
    ]
    entries += [
        _entry(account, _nothing(account, before), before)
        for account, before in _unsupported(targets, booked, refusals)
        if restate or (account.key not in held and in_force(account, before))
    ]
    return sorted(entry for entry in entries if entry.amount_micros)


def held_lines(
    lines: Iterable[Line],
    booked: Mapping[Account, Booked],
    *,
    refusals: Collection[Refusal] = (),
    in_force: InForce = always,
) -> list[Line]:
    """Return the lines that only a restatement would book, for its preview.

    For what only a restatement would take back, the line says an amount of nothing.
    """
    targets = _by_account(lines)
    keys = _held_keys(targets, booked, in_force)
    held = [
        line
        for account, line in targets.items()
        if (account.key in keys or _is_held(line, booked.get(account)))
        and line.amount_micros != (booked[account].amount_micros if account in booked else 0)
    ]
    held += [
        _nothing(account, before)
        for account, before in _unsupported(targets, booked, refusals)
        if before.amount_micros and (account.key in keys or not in_force(account, before))
    ]
    return sorted(held)


def account_of(line: Line) -> Account:
    """Return the account that a line is for."""
    return Account(line.key, line.creator_id, line.currency)


def key_of(entry_id: str) -> str:
    """Return the key of an entry's account; an id that settlement did not make is its own key."""
    match = _NAME.fullmatch(entry_id)
    return match[1] if match else entry_id


def _by_account(lines: Iterable[Line]) -> dict[Account, Line]:
    targets: dict[Account, Line] = {}
    for line in lines:
        account = account_of(line)
        if account in targets:
            raise Refused(f"{line.key}: two lines for {line.creator_id}: it would be paid twice")
        targets[account] = line
    return targets


def _unsupported(
    targets: Mapping[Account, Line], booked: Mapping[Account, Booked], refusals: Collection[Refusal]
) -> Iterator[tuple[Account, Booked]]:
    """Yield what is booked and has no line, unless it is refused."""
    if any(refusal.is_whole for refusal in refusals):
        return
    refused = {refusal.key for refusal in refusals}
    for account, before in booked.items():
        if account not in targets and not _is_refused(account, refused):
            yield account, before


def _is_held(line: Line, before: Booked | None) -> bool:
    """Tell whether an account was booked at another rate than its line is by."""
    if before is None:
        return False
    if before.rate_card and line.rate_card:
        return before.rate_card != line.rate_card
    return before.rate_version != line.rate_version


def _held_keys(
    targets: Mapping[Account, Line], booked: Mapping[Account, Booked], in_force: InForce
) -> set[str]:
    """Return the keys of which somebody has money by another rate than the one in use."""
    return {
        account.key
        for account, before in booked.items()
        if before.amount_micros
        and (
            _is_held(targets[account], before)
            if account in targets
            else not in_force(account, before)
        )
    }


def _is_refused(account: Account, refused: Collection[str]) -> bool:
    """Tell whether the account's key, or what it is a part of, is refused."""
    parts = account.key.split(":")
    return any(":".join(parts[:end]) in refused for end in range(1, len(parts) + 1))


def _nothing(account: Account, before: Booked) -> Line:
    return Line(
        key=account.key,
        occurred_at_ms=before.occurred_at_ms,
        creator_id=account.creator_id,
        source=before.source,
        amount_micros=0,
        currency=account.currency,
        reference=before.reference,
        rate_version=before.rate_version,
        explanation=(),
        cause=UNSUPPORTED,
        rate_card=before.rate_card,
    )


def _entry(account: Account, line: Line, before: Booked | None) -> SettledEntry:
    entries, had_micros = (before.entries, before.amount_micros) if before else (0, 0)
    entry = SettledEntry(
        entry_id="",
        occurred_at_ms=line.occurred_at_ms,
        creator_id=line.creator_id,
        source=line.source,
        state="adjustment" if entries else "final",
        amount_micros=within_int64(line.amount_micros - had_micros, line.key),
        currency=line.currency,
        reference=line.reference,
        rate_version=line.rate_version,
        reason=_reason(line, before),
        rate_card=line.rate_card,
        explanation=(
            *line.explanation,
            *([Step("booked before", -had_micros, line.currency)] if entries else []),
        ),
    )
    return entry._replace(entry_id=f"{account.key}:{entries}-{_digest(entry, had_micros)}")


def _reason(line: Line, before: Booked | None) -> str:
    if before is None or not before.entries:
        return ""
    if _is_held(line, before):
        return f"restated: rate {line.rate_version} instead of {before.rate_version}"
    return line.cause if line.cause and line.amount_micros < before.amount_micros else RECOUNTED


def _digest(entry: SettledEntry, had_micros: int) -> str:
    content = json.dumps([*entry[1:-1], had_micros], separators=(",", ":"))
    return blake2b(content.encode(), digest_size=_DIGEST_BYTES).hexdigest()
