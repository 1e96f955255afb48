"""How an owner writes a checkpoint into its changelog partition: a transaction, or marked records."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from schemas.errors import Fenced
from streams.changelog import EPOCH, K_POSITION, PartitionLog, Position, page_key
from streams.sweep import Pages
from tests.simulation.kafka import Changelog, Letter
from tests.simulation.protocol import Protocol

Steps = Iterator[None]


@dataclass(slots=True)
class Lease:
    """A claimed partition: what the store keeps of it."""

    broker: Changelog
    log: PartitionLog
    producer_epoch: int = 0


@dataclass(slots=True)
class Checkpoint:
    """What one flush writes to the changelog of one partition."""

    pages: Pages
    letters: list[Letter]
    position: Position


def write_checkpoint(protocol: Protocol, lease: Lease, checkpoint: Checkpoint) -> Steps:
    """Write one flush to the changelog, all or nothing, step by step."""
    records: list[tuple[bytes, bytes | None]] = [
        (page_key(sequence), page) for sequence, page in checkpoint.pages.written
    ]
    records += [(page_key(sequence), None) for sequence in checkpoint.pages.obsolete]
    closing = (K_POSITION, msgspec.msgpack.encode(checkpoint.position))
    if lease.broker.transactions:
        yield from _transact(protocol, lease, records, checkpoint.letters, closing)
    else:
        yield from _mark(protocol, lease, records, checkpoint.letters, closing)


def _transact(
    protocol: Protocol,
    lease: Lease,
    records: list[tuple[bytes, bytes | None]],
    letters: list[Letter],
    closing: tuple[bytes, bytes],
) -> Steps:
    together, epoch = protocol.position_with_state, lease.producer_epoch
    for letter in letters:
        lease.broker.bury(letter, epoch)
    yield
    for key, value in [*records, closing] if together else records:
        _check(protocol, lease, lease.broker.append(key, value, epoch))
        yield
    was_open = lease.broker.is_open
    lease.broker.commit(epoch)
    lease.log.end += was_open  # the marker
    if not together:
        yield
        _check(protocol, lease, lease.broker.append(*closing))


def _mark(
    protocol: Protocol,
    lease: Lease,
    records: list[tuple[bytes, bytes | None]],
    letters: list[Letter],
    closing: tuple[bytes, bytes],
) -> Steps:
    for letter in letters:
        lease.broker.bury(letter)
    yield
    # read here, as the store does: a claim of the same owner may have kept the memory meanwhile
    epoch = EPOCH.pack(lease.log.epoch)
    landed = []
    for key, value in records:  # sent together, acknowledged together
        landed.append(lease.broker.append(key, epoch + (value or b"")))
        yield
    for offset in landed:
        _check(protocol, lease, offset)
    _check(protocol, lease, lease.broker.append(closing[0], epoch + closing[1]))
    yield


def _check(protocol: Protocol, lease: Lease, landed: int) -> None:
    if landed != lease.log.end and protocol.checks_landing:
        raise Fenced(f"landed at {landed}, expected {lease.log.end}")
    lease.log.end = landed + 1
