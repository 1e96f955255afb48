"""State as pages: how a partition is written into its changelog and read back.

A flush writes a page of what changed. A page never replaces another; later pages win item by item.
So that old pages can be dropped, flushes also carry on a sweep: a walk through the whole state that
writes everything once more, a slice at a time, as many bytes as changes were written. When a sweep
is complete, every page from before its start is obsolete and is deleted (a tombstone). The changelog
thus holds at most about three times the state, and no flush ever has to write all of it.

A page is a msgpack list of records; each record begins with its kind. Records hold values, never
differences, so reading one twice does nothing.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from streams.gifts import Frame, Streak
from streams.partition import Partition
from streams.registers import Registers
from streams.scores import Decayed
from streams.subjects import Live, Published, Subject, Video
from streams.viewers import Viewers
from streams.windows import Pane

PAGE_BYTES = 400_000
RECORD_BYTES_MAX = 500_000
ENTRIES_SLICE = 2_000
HASHES_SLICE = 20_000

_VIDEO, _LIVE, _HASHES, _INVALIDATED, _FOLLOWS, _NAMINGS = range(6)
Make = Callable[[Any], tuple[Any, ...]]
_NO_HEAD: tuple[Any, ...] = (None, (), ())
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def changed_records(state: Partition) -> Iterator[bytes]:
    """Yield encoded records of everything changed since the last call; marks it as clean."""
    for subject in state.dirty_subjects:
        subject.dirty = False
        panes = [pane for pane in subject.panes.values() if pane.changed > subject.written]
        gone, subject.gone = subject.gone, []
        if isinstance(subject, Video):
            users = [
                _take_changed(part) for part in (subject.viewers, subject.likes, subject.favorites)
            ]
            yield from _video_records(subject, panes, gone, users)
        elif isinstance(subject, Live):
            keys: list[list[Any]] = [
                sorted(subject.changed_users & subject.presence.keys()),
                sorted(subject.changed_streaks),
                sorted(subject.changed_refunds),
            ]
            subject.changed_users, subject.changed_streaks = set(), set()
            subject.changed_refunds = set()
            yield from _live_records(subject, panes, gone, keys)
        subject.written = subject.changed
    state.dirty_subjects = []
    for hour, hashes in state.dedup.take_new().items():
        yield from _hash_records(hour, hashes)
    for part in _slices(state.new_invalidated):
        yield _encode((_INVALIDATED, part))
    state.new_invalidated = []
    yield from _naming_records(state, state.for_you.namings.take_changed())
    for creator_id, user_id in state.changed_follows:
        registers = state.follows[creator_id]
        registers.changed.clear()
        yield from _follow_records(creator_id, registers, [user_id])
    state.changed_follows = {}


def all_records(state: Partition) -> Iterator[bytes]:
    """Yield encoded records of the whole state, lazily: what changes meanwhile comes as changes."""
    for video in list(state.videos.values()):
        users = [_viewers(video), _likers(video), list(video.favorites.by_key)]
        yield from _video_records(video, list(video.panes.values()), [], users)
    for live in list(state.lives.values()):
        panes = list(live.panes.values())
        keys: list[list[Any]] = [
            list(live.presence),
            list(live.streaks),
            list(live.refunded_orders),
        ]
        yield from _live_records(live, panes, [], keys)
    for hour in list(state.dedup.buckets):
        yield from _hash_records(hour, state.dedup.buckets.get(hour, array("Q")))
    for part in _slices(list(state.invalidated)):
        yield _encode((_INVALIDATED, part))
    yield from _naming_records(state, list(state.for_you.namings.by_target))
    for creator_id, registers in list(state.follows.items()):
        yield from _follow_records(creator_id, registers, list(registers.by_key))


def pack(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pages of at most about PAGE_BYTES (one record alone may be a little larger)."""
    page: list[msgspec.Raw] = []
    size = 0
    for record in records:
        if page and size + len(record) > PAGE_BYTES:
            yield _encode(page)
            page, size = [], 0
        page.append(msgspec.Raw(record))
        size += len(record)
    if page:
        yield _encode(page)


def load_pages(state: Partition, pages: Iterable[bytes]) -> None:
    """Read pages, oldest first, into an empty state that was resumed at its position."""
    for page in pages:
        for record in _decode(page):
            _LOADERS[record[0]](state, record)
    for subject in (*state.videos.values(), *state.lives.values()):
        subject.written = subject.shown = subject.changed
        for minute in subject.panes:
            state.open_minutes.setdefault(minute, []).append(subject)
    for live in state.lives.values():
        for key, streak in live.streaks.items():
            if not streak.final:
                state.await_deadline(live, key, streak)
    state.for_you.settle(state.videos.values())


# ------------------------------------------------------------------- videos


def _take_changed(part: Viewers | Registers) -> list[str]:
    changed, part.changed = part.changed, set()
    return sorted(changed)


def _video_records(
    video: Video, panes: list[Pane], gone: list[int], users: list[list[str]]
) -> Iterator[bytes]:
    """Yield the video's header and panes, and entries of (viewers, likers, favoriters)."""
    header = (
        video.creator_id,
        video.total,
        (video.score.value, video.score.at_ms),
        (video.fast_score.value, video.fast_score.at_ms),
        video.published,
        list(video.durations_ms.items()),
        list(video.days.items()),
        list(video.feeds.items()),
        video.earns,
        video.fact_bits_ever,
        video.promotion.dump(),
        video.changed,
    )
    keys = ((tag, user) for tag, part in enumerate(users) for user in part)
    make = partial(_video_entry, video)
    yield from _subject_records(_VIDEO, video, (header, _panes(panes), gone), keys, make)


def _video_entry(video: Video, key: tuple[int, str]) -> tuple[Any, ...]:
    tag, user = key
    if tag == 0:
        viewers = video.viewers
        waiting = viewers.waiting.get(user, ())
        watched_from = video.promotion.watched_from.get(user)
        views, qualified = viewers.views.get(user, 0), viewers.qualified.get(user)
        return (tag, user, views, qualified, waiting, watched_from)
    if tag == 2:
        return (tag, user, video.favorites.by_key.get(user, ()))
    trust = video.promotion.trust
    waits = trust.entry(user) if trust is not None else ()
    return (tag, user, video.likes.by_key.get(user, ()), *waits)


def _viewers(video: Video) -> list[str]:
    """Return everybody who viewed, and whose suppressed views count as watched."""
    viewers = video.viewers.users()
    only_watched = video.promotion.watched_from.keys() - video.viewers.views.keys()
    return [*viewers, *sorted(only_watched)]


def _likers(video: Video) -> list[str]:
    """Return everybody who has a register, or whose likes wait for their minute to close."""
    likers, trust = video.likes.by_key, video.promotion.trust
    waiting = trust.users() if trust is not None else set()
    return [*likers, *sorted(waiting - likers.keys())]


def _load_video(state: Partition, record: list[Any]) -> None:
    _, key, (header, panes, gone), entries = record
    video = state.videos.get(key)
    if video is None:
        video = state.videos[key] = Video(key, state.half_lives_ms)
    if header is not None:
        video.creator_id, video.total = header[0], header[1]
        video.score, video.fast_score = Decayed(*header[2]), Decayed(*header[3])
        video.publish(tuple(_published(p) for p in header[4]))
        video.durations_ms = dict(map(tuple, header[5]))
        video.days = dict(map(tuple, header[6]))
        video.qualified = sum(video.days.values())
        video.feeds = dict(map(tuple, header[7]))
        video.earns, fact_bits_ever, promotion, video.changed = header[8:]
        video.fact_bits_ever |= fact_bits_ever
        video.promotion.load(promotion, state.for_you.first_open)
    _load_panes(video, panes, gone)
    for tag, user, *entry in entries:
        if tag == 0:
            views, qualified, waiting, watched_from = entry
            video.viewers.load(user, views, qualified, [tuple(w) for w in waiting])
            if watched_from is not None:
                video.promotion.watched_from[user] = watched_from
            continue
        history, *waits = entry
        registers = video.likes if tag == 1 else video.favorites
        registers.load(user, tuple(tuple(a) for a in history))
        if waits:
            video.promotion.load_user(user, *waits)


def _published(fields: list[Any]) -> Published:
    value = Published(*fields)
    return value._replace(
        hashtags=tuple(value.hashtags),
        collaborators=tuple((c, bps) for c, bps in value.collaborators),
        product_ids=tuple(value.product_ids),
    )


# ------------------------------------------------------------------- lives


def _live_records(
    live: Live, panes: list[Pane], gone: list[int], keys: list[list[Any]]
) -> Iterator[bytes]:
    """Yield the live's header and panes, and entries of (people, streaks, refunded orders)."""
    header = (live.creator_id, live.total, live.started_ms, live.ended_ms, live.changed)
    tagged = ((tag, key) for tag, part in enumerate(keys) for key in part)
    make = partial(_live_entry, live)
    yield from _subject_records(_LIVE, live, (header, _panes(panes), gone), tagged, make)


def _live_entry(live: Live, tagged: tuple[int, Any]) -> tuple[Any, ...]:
    tag, key = tagged
    if tag == 0:
        return (tag, key, live.presence[key], key in live.joined)
    if tag == 1:
        return (tag, *key, *_streak(live.streaks[key]))
    return (tag, key)


def _streak(streak: Streak) -> tuple[Any, ...]:
    return (
        streak.best,
        streak.last_ms,
        streak.final,
        streak.refunded,
        streak.booked_micros,
        streak.bookings,
        list(streak.order_ids),
        streak.changed,
    )


def _load_live(state: Partition, record: list[Any]) -> None:
    _, key, (header, panes, gone), entries = record
    live = state.lives.get(key)
    if live is None:
        live = state.lives[key] = Live(key)
    if header is not None:
        live.creator_id, live.total, live.started_ms, live.ended_ms, live.changed = header
    _load_panes(live, panes, gone)
    for tag, *entry in entries:
        if tag == 0:
            _load_person(live, *entry)
        elif tag == 1:
            user, gift_id, group_id, best, *booked, orders, changed = entry
            streak = Streak(Frame(*best), *booked)
            streak.order_ids, streak.changed = dict.fromkeys(orders), changed
            live.streaks[user, gift_id, group_id] = streak
        else:
            live.refunded_orders.add(entry[0])


def _load_person(live: Live, user: str, action: list[Any], joined: bool) -> None:  # noqa: FBT001
    last = live.presence.get(user)
    live.here += action[2] - (last is not None and last[2])
    live.presence[user] = (action[0], action[1], action[2])
    if joined:
        live.joined.add(user)


# ------------------------------------------------------------------- the rest


def _subject_records(
    kind: int, subject: Subject, head: tuple[Any, ...], keys: Iterator[Any], make: Make
) -> Iterator[bytes]:
    """Yield records of the head and of all entries; the head is in the first record alone."""
    while True:
        part = list(islice(keys, ENTRIES_SLICE))
        if part or head is not _NO_HEAD:
            yield from _fitting(kind, subject.id.encode(), head, part, make)
        if len(part) < ENTRIES_SLICE:
            return
        head = _NO_HEAD


def _fitting(kind: int, key: bytes, head: Any, part: list[Any], make: Make) -> Iterator[bytes]:
    """Yield records of entries, split until each fits, whatever the length of ids and histories.

    A sweep may rest between two records, so entries are made when they are encoded and not before:
    an older value must never come after a newer one.
    """
    record = _encode((kind, key, head, [make(entry) for entry in part]))
    if len(record) <= RECORD_BYTES_MAX or len(part) < 2:
        yield record
        return
    half = len(part) // 2
    yield from _fitting(kind, key, head, part[:half], make)
    yield from _fitting(kind, key, _NO_HEAD, part[half:], make)


def _panes(panes: list[Pane]) -> list[tuple[Any, ...]]:
    return [(p.minute, p.opened, p.changed, p.creator_id, p.counters) for p in panes]


def _load_panes(subject: Subject, panes: list[Any], gone: list[int]) -> None:
    for minute in gone:
        subject.panes.pop(minute, None)
    for minute, opened, changed, creator_id, counters in panes:
        pane = subject.panes[minute] = Pane(minute, opened, creator_id)
        pane.changed, pane.counters, pane.flushed = changed, counters, tuple(counters)


def _hash_records(hour: int, hashes: "array[int]") -> Iterator[bytes]:
    for start in range(0, len(hashes), HASHES_SLICE):
        yield _encode((_HASHES, hour, hashes[start : start + HASHES_SLICE].tobytes()))


def _load_hashes(state: Partition, record: list[Any]) -> None:
    hashes = array("Q")
    hashes.frombytes(record[2])
    state.dedup.load(record[1], hashes, state.late_before_ms)


def _load_invalidated(state: Partition, record: list[Any]) -> None:
    state.invalidated.update(record[1])


def _naming_records(state: Partition, targets: list[int]) -> Iterator[bytes]:
    for part in _slices(targets):
        yield _encode((_NAMINGS, list(state.for_you.namings.entries(part))))


def _load_namings(state: Partition, record: list[Any]) -> None:
    for target, due, done in record[1]:
        state.for_you.namings.put(target, due, done)


def _follow_records(creator_id: str, registers: Registers, users: list[str]) -> Iterator[bytes]:
    def make(user: str) -> tuple[Any, ...]:
        return (user, registers.by_key.get(user, ()))

    for part in _slices(users):
        yield from _fitting(_FOLLOWS, creator_id.encode(), _NO_HEAD, part, make)


def _load_follows(state: Partition, record: list[Any]) -> None:
    registers = state.follows.setdefault(record[1].decode(), Registers())
    for user, history in record[3]:
        registers.load(user, tuple(tuple(a) for a in history))


def _slices(items: list[Any]) -> list[list[Any]]:
    return [items[i : i + ENTRIES_SLICE] for i in range(0, len(items), ENTRIES_SLICE)]


_LOADERS = {
    _VIDEO: _load_video,
    _LIVE: _load_live,
    _HASHES: _load_hashes,
    _INVALIDATED: _load_invalidated,
    _FOLLOWS: _load_follows,
    _NAMINGS: _load_namings,
}
