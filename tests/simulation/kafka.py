"""The broker's side of one changelog partition: transactions, fencing, compaction; or none of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

import msgspec

from schemas.boosts import BoostDecision
from schemas.errors import Fenced, Unavailable
from streams.changelog import EPOCH, K_CLAIM, K_POSITION, Position

Letter = tuple[bytes, bytes]  # the offset of a dead letter, or "boost" and a decision's id


def named(boost: bytes) -> bytes:
    """Return the name of a message of the boosts topic."""
    return b"boost " + BoostDecision.model_validate_json(boost).id.encode()


class _Is(Enum):
    COMMITTED = auto()
    OPEN = auto()
    ABORTED = auto()


@dataclass(slots=True)
class _Entry:
    offset: int
    key: bytes
    value: bytes | None
    state: _Is


class Changelog:
    """One partition. With transactions there is one transactional id, the partition's own.

    `position` is the source offset that the last whole flush of a rightful owner reached.
    """

    def __init__(self, *, transactions: bool) -> None:
        self.transactions = transactions
        self.end = 0
        self.position = 0
        self.dead_letters: list[Letter] = []
        self.compactions = 0
        self._entries: list[_Entry] = []
        self._open_letters: list[Letter] = []
        self.producer_epoch = 0
        self._claim = -1

    # ------------------------------------------------------------ writing

    def init_producer(self) -> int:
        """Abort what is open, fence whoever wrote before, and return the new epoch."""
        self._close(_Is.ABORTED)
        self.producer_epoch += 1
        return self.producer_epoch

    def expire(self) -> None:
        """Let an open transaction time out: it is aborted and its producer fenced."""
        if self.is_open:
            self.init_producer()

    def append(self, key: bytes, value: bytes | None, epoch: int | None = None) -> int:
        """Append a record, inside a transaction when an epoch is given; return its offset.

        Raises:
            Fenced: another producer of the same id was initialised since.
        """
        if epoch is not None:
            self._check(epoch)
        state = _Is.COMMITTED if epoch is None else _Is.OPEN
        self._entries.append(_Entry(self.end, key, value, state))
        self.end += 1
        if epoch is None:
            self._note(key, value, self.end - 1)
        return self.end - 1

    def bury(self, letter: Letter, epoch: int | None = None) -> None:
        """Send a dead letter or a decision, in the open transaction when an epoch is given."""
        if epoch is None:
            self.dead_letters.append(letter)
        else:
            self._check(epoch)
            self._open_letters.append(letter)

    def commit(self, epoch: int) -> None:
        """Commit the open transaction; its marker takes an offset."""
        self._check(epoch)
        written = [entry for entry in self._entries if entry.state is _Is.OPEN]
        self._close(_Is.COMMITTED)
        for entry in written:
            self._note(entry.key, entry.value, entry.offset)

    def _check(self, epoch: int) -> None:
        if epoch != self.producer_epoch:
            raise Fenced("a newer producer of this transactional id exists")

    def _close(self, state: _Is) -> None:
        if not self.is_open:
            return
        for entry in self._entries:
            if entry.state is _Is.OPEN:
                entry.state = state
        if state is _Is.COMMITTED:
            self.dead_letters += self._open_letters
        self._open_letters = []
        self.end += 1

    def _note(self, key: bytes, value: bytes | None, offset: int) -> None:
        if key == K_CLAIM:
            self._claim = offset
        elif key == K_POSITION and value is not None:
            if not self.transactions and EPOCH.unpack_from(value)[0] < self._claim:
                return
            plain = value if self.transactions else value[EPOCH.size :]
            self.position = msgspec.msgpack.decode(plain, type=Position).next_offset

    # ------------------------------------------------------------ reading

    @property
    def is_open(self) -> bool:
        """Tell whether a transaction is open."""
        return bool(self._open_letters) or any(e.state is _Is.OPEN for e in self._entries)

    def read(
        self, last: int, *, uncommitted: bool = False
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Yield the records up to an offset, as a consumer of its isolation level sees them.

        Raises:
            Unavailable: a transaction is open below, so that a committed reader waits in vain.
        """
        for entry in list(self._entries):
            if entry.offset > last:
                return
            if entry.state is _Is.OPEN and not uncommitted:
                raise Unavailable("the last stable offset does not reach the claim")
            if entry.state is _Is.COMMITTED or uncommitted:
                yield entry.offset, entry.key, entry.value

    def fetch(self, offset: int, limit: int) -> list[tuple[int, bytes, bytes | None]]:
        """Return committed records at or after an offset, up to the last stable one."""
        found: list[tuple[int, bytes, bytes | None]] = []
        for entry in self._entries:
            if entry.state is _Is.OPEN or len(found) == limit:
                break
            if entry.state is _Is.COMMITTED and entry.offset >= offset:
                found.append((entry.offset, entry.key, entry.value))
        return found

    # ------------------------------------------------------------ compaction

    def compact(self, rng: Random) -> None:
        """Clean a part from the beginning: keep the last record of each key, drop tombstones."""
        stable = next((i for i, e in enumerate(self._entries) if e.state is _Is.OPEN), None)
        upto = rng.randrange(len(self._entries[:stable]) + 1)
        cleaned, rest = self._entries[:upto], self._entries[upto:]
        cleaned = [entry for entry in cleaned if entry.state is _Is.COMMITTED]
        last = {entry.key: entry.offset for entry in cleaned}
        self._entries = [
            entry
            for entry in cleaned
            if last[entry.key] == entry.offset and (entry.value is not None or rng.random() < 0.5)
        ] + rest
        self.compactions += 1
