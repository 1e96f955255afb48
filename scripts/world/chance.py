"""Chance that depends on who and what, never on what was drawn before.

A draw is a hash of the world's seed, a purpose and some numbers. So the same user meets the same
video with the same luck in a treated world and in its control: what differs between the two is what
the treatment did, and nothing else has to be averaged away (common random numbers).
"""

from __future__ import annotations

from enum import IntEnum, auto, unique

import xxhash

_digest = xxhash.xxh3_64_intdigest
_UNIT = 2.0**-53
_KEYS = tuple(b":".join([b"%d"] * count) for count in range(8))  # what is hashed, by how many


@unique
class For(IntEnum):
    """What a draw is for; two purposes never share a draw."""

    ACTIVITY = auto()
    TASTE = auto()
    PURSE = auto()
    FIRST_FOLLOW = auto()
    SESSION = auto()
    SLOTS = auto()
    PAUSE = auto()
    QUALITY = auto()
    TOPIC = auto()
    POSTING = auto()
    POST_TIME = auto()
    CHOSEN = auto()
    LIVE_HOUR = auto()
    GOES_LIVE = auto()
    SHOP = auto()
    DEAL = auto()
    DURATION = auto()
    VIDEO_QUALITY = auto()
    RATE = auto()
    TAG = auto()
    PRODUCT = auto()
    ROUTE = auto()
    PICK = auto()
    VIEW = auto()
    COMPLETION = auto()
    WATCH = auto()
    LIKE = auto()
    COMMENT = auto()
    SHARE = auto()
    FAVORITE = auto()
    FOLLOW = auto()
    PROFILE_VIEW = auto()
    NOT_INTERESTED = auto()
    REPORT = auto()
    UNDONE = auto()
    UNDONE_AFTER = auto()
    REPLY = auto()
    CLICK = auto()
    ORDER = auto()
    REFUND = auto()
    JOIN = auto()
    TAPS = auto()
    GIFT = auto()
    STREAK = auto()


class Chance:
    """All draws of one world."""

    __slots__ = ("_seed",)

    def __init__(self, seed: int) -> None:
        self._seed = seed * 1_000

    def __call__(self, purpose: For, *numbers: int) -> float:
        """Return a number from 0 up to 1, always the same for the same arguments."""
        key = _KEYS[len(numbers)] % numbers
        return (_digest(key, self._seed + purpose) >> 11) * _UNIT
