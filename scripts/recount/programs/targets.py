"""What accounts should have been booked in all, and how an amount is split and rounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from schemas.currencies import CURRENCIES
from schemas.entries import entry_id
from schemas.events import VideoPublished

INT64_MAX = 2**63 - 1
WHOLE_BPS = 10_000
DATED = ("creator_fund", "creator_rewards")  # their keys end in a day: source, video, day
AS_OF = ("affiliate", "sale", "brand_deal")  # theirs end in an order, or a deal and a milestone
PROGRAMS = (*DATED, *AS_OF)


class Account(NamedTuple):
    """What is booked apart; entries of it are named `<key>:<n>-<16 hex digits>`."""

    key: str
    creator_id: str
    currency: str


class Target(NamedTuple):
    """What an account should have, and by which rate."""

    amount_micros: int
    rate_version: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a program must know of a video; `shares` are those of its collaborators, in bps."""

    creator_id: str
    duration_ms: int = 0
    is_original: bool = False
    is_promoted: bool = False
    shares: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Targets:
    """What all accounts should have. Accounts that are not named should have nothing.

    `unknown` are the keys of which the facts contradict each other or a rate is missing: these keep
    what they were booked. A key stands for all keys that begin with its parts; `unknown_pools` are
    days of the Creator Fund of which nothing is known. `cards` are by key of a commission: all rates
    that might apply to its order.
    """

    accounts: dict[Account, Target] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    unknown_pools: set[str] = field(default_factory=set)
    cards: dict[str, str] = field(default_factory=dict)

    def book(self, key: str, parts: Mapping[str, int], currency: str, rate_version: str) -> None:
        """Note what everybody has of one amount; `parts` are by creator."""
        amounts = [*parts.values(), sum(parts.values())]
        if currency not in CURRENCIES or any(abs(amount) > INT64_MAX for amount in amounts):
            self.unknown.add(key)
            return
        for creator_id, amount in parts.items():
            self.accounts[Account(key, creator_id, currency)] = Target(amount, rate_version)

    def is_unknown(self, account: Account) -> bool:
        """Tell whether nobody can say what the account should have."""
        source, *parts = account.key.split(":")
        if source == "creator_fund" and parts[-1:] and parts[-1] in self.unknown_pools:
            return True
        return any(
            ":".join([source, *parts[:end]]) in self.unknown for end in range(len(parts) + 1)
        )

    def add(self, other: "Targets") -> None:
        """Add the targets of another program."""
        self.accounts |= other.accounts
        self.unknown |= other.unknown
        self.unknown_pools |= other.unknown_pools
        self.cards |= other.cards


def split(amount_micros: int, owner_id: str, shares: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """Return everybody's part of an amount: collaborators have their shares, the owner the rest.

    Parts are by largest remainder. Who is named twice has the sum; who has no share, no part.
    """
    weights: dict[str, int] = {}
    for creator_id, bps in shares:
        weights[creator_id] = weights.get(creator_id, 0) + bps
    rest = WHOLE_BPS - sum(weights.values())
    weights[owner_id] = weights.get(owner_id, 0) + rest
    return shared_out(amount_micros, {name: bps for name, bps in weights.items() if bps})


def shared_out(total: int, weights: Mapping[str, int | Fraction]) -> dict[str, int]:
    """Divide a total by weights, by largest remainder; of equal remainders the smaller name has it.

    Parts of a negative total are minus the parts of the positive one.
    """
    whole = sum(weights.values())
    exact = {name: Fraction(abs(total)) * weight / whole for name, weight in weights.items()}
    parts = {name: int(part) for name, part in exact.items()}
    left = abs(total) - sum(parts.values())
    by_remainder = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[:left]:
        parts[name] += 1
    return {name: -part if total < 0 else part for name, part in parts.items()}


def part_of(amount_micros: int, bps: int) -> int:
    """Return a share of an amount, rounded to the nearest, ties to even."""
    return round(Fraction(amount_micros * bps, WHOLE_BPS))


def head_of(creator_id: str, published: VideoPublished | None) -> Head:
    """Return the head of a video; one that was not published is not known to be original."""
    if published is None:
        return Head(creator_id)
    return Head(
        creator_id,
        published.duration_ms,
        published.is_original,
        published.is_promoted,
        tuple((part.creator_id, part.share_bps) for part in published.collaborators or ()),
    )


def key_of(source: str, *parts: str) -> str:
    """Return the key of an account."""
    return entry_id(source, *parts)
