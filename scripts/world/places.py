"""Ids that Kafka's default partitioner puts where an arm of an experiment lives.

Each arm has partitions of its own and days of its own: event time, pools, daily funds and ledger of
one arm then know nothing of another, though all run through one pipeline at once.
"""

from __future__ import annotations

from aiokafka.partitioner import murmur2


class Place:
    """The partitions of one arm, and the prefix of its ids."""

    def __init__(self, prefix: str, own: tuple[int, ...], partitions: int) -> None:
        assert own, "an arm lives somewhere"
        self.prefix = prefix
        self.own = own
        self._partitions = partitions

    def id(self, kind: str, number: int) -> str:
        """Return the id of the number-th thing of a kind; it hashes to one of the arm's partitions."""
        home = self.own[number % len(self.own)]
        return self._landing(f"{self.prefix}-{kind}{number}", home)

    def control_ids(self) -> list[str]:
        """Return an id for each partition of the arm, in their order: the keys of its ticks."""
        return [self._landing(f"{self.prefix}-clock", partition) for partition in self.own]

    def _landing(self, name: str, partition: int) -> str:
        salt = 0
        while True:
            found = f"{name}.{salt}" if salt else name
            if (int(murmur2(found.encode())) & 0x7FFFFFFF) % self._partitions == partition:
                return found
            salt += 1
