"""Deduplication: bounded memory of event ids.

An id is remembered in the hour bucket of its first copy's event time, and forgotten with the
bucket, once the bucket's end is no longer inside the horizon. What happens at the edge: an event
older than the horizon is late before anybody asks whether it is a duplicate, so a forgotten id
can never be counted twice by a stage that counts.

Ids are kept as 64-bit xxh3 hashes, salted with the subject's id, so that the same id under two
subjects is two events wherever the partitions are cut. Two different ids of one partition and
horizon collide with a probability of about n^2 / 3.7e19 (3e-6 for ten million ids).
"""

from array import array

from xxhash import xxh3_64_intdigest

HOUR_MS = 3_600_000


def id_hash(event_id: str, salt: int) -> int:
    """Return the 64-bit hash that stands for an event id of one subject."""
    return xxh3_64_intdigest(event_id.encode(), salt)


def subject_salt(subject: bytes) -> int:
    """Return the salt of a subject, from its key."""
    return xxh3_64_intdigest(subject)


class Dedup:
    """The ids of one partition inside the horizon.

    `seen` is the membership test of the hot path. `buckets` holds the same hashes by hour, in
    order of arrival, for forgetting and for checkpoints; `saved` counts how many of each bucket the
    last checkpoint has.
    """

    __slots__ = ("buckets", "saved", "seen")

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.buckets: dict[int, array[int]] = {}
        self.saved: dict[int, int] = {}

    def remember(self, hashed: int, event_time_ms: int, late_before_ms: int) -> None:
        """Remember a hash that is not in `seen`, unless its bucket is past the horizon."""
        hour = event_time_ms // HOUR_MS
        bucket = self.buckets.get(hour)
        if bucket is None:
            if (hour + 1) * HOUR_MS <= late_before_ms:
                return
            bucket = self.buckets[hour] = array("Q")
        self.seen.add(hashed)
        bucket.append(hashed)

    def forget(self, late_before_ms: int) -> None:
        """Drop the buckets that end at or before `late_before_ms`."""
        for hour in [h for h in self.buckets if (h + 1) * HOUR_MS <= late_before_ms]:
            self.seen.difference_update(self.buckets.pop(hour))
            self.saved.pop(hour, None)

    def take_new(self) -> "dict[int, array[int]]":
        """Return the hashes added since the last call, by hour."""
        new = {}
        for hour, bucket in self.buckets.items():
            saved = self.saved.get(hour, 0)
            if saved < len(bucket):
                new[hour] = bucket[saved:]
                self.saved[hour] = len(bucket)
        return new

    def load(self, hour: int, hashes: "array[int]", late_before_ms: int) -> None:
        """Add hashes read from a checkpoint (each may come more than once).

        A bucket past the horizon is skipped: an id that was seen again later is in a younger one.
        """
        if (hour + 1) * HOUR_MS <= late_before_ms:
            return
        bucket = self.buckets.setdefault(hour, array("Q"))
        for hashed in hashes:
            if hashed not in self.seen:
                self.seen.add(hashed)
                bucket.append(hashed)
        self.saved[hour] = len(bucket)
