"""The state of one partition with many live keys, made by the load stream as a worker makes it.

A key is a video, a live, a person in a live, a gift streak, or a register: what is kept of a pair of
(video, user) as viewer, as liker or as favoriter, or of (creator, user) as follower. Remembered ids
are told apart: how many there are is decided by the rate and the horizon alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.errors import ConfigError
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.model import START_MS
from scripts.records import LogRecord
from streams.agents import rules_of
from streams.config import Settings
from streams.decode import decode_run
from streams.dedup import Dedup
from streams.partition import Partition
from streams.registers import Registers
from streams.rows import RowBuilder
from streams.subjects import Video
from streams.sweep import PageWriter
from streams.topics import ENGAGEMENT
from streams.values import Run
from streams.viewers import Viewers

KEYS_MIN = 1_000
KEYS_PER_VIDEO = 20
EVENTS_PER_S = 2_000  # of event time: what is open and what is remembered follows from it
CHUNK = 2_000
FLUSH_EVENTS = 20_000


class Census(NamedTuple):
    """How many things of each kind a state holds."""

    videos: int
    pairs: int
    lives: int  # sessions, people in them and streaks
    ids: int
    open_panes: int

    @property
    def keys(self) -> int:
        """Return the number of live keys."""
        return self.videos + self.pairs + self.lives


@dataclass(slots=True)
class LiveState:
    """A partition, and the pages that its changelog would hold."""

    state: Partition
    pages: PageWriter = field(default_factory=lambda: PageWriter(0, 0, 0))
    rows: RowBuilder = field(default_factory=lambda: RowBuilder(ENGAGEMENT, 0, 1))
    alive: dict[int, bytes] = field(default_factory=dict)
    written_bytes: int = 0
    events: int = 0

    def apply(self, records: list[LogRecord], time_ms: int) -> None:
        """Apply a run."""
        first = self.state.next_offset
        run = Run(
            range(first, first + len(records)),
            [time_ms] * len(records),
            [record.key for record in records],
            [record.value for record in records],
        )
        self.state.apply(run, *decode_run(run.values))
        self.events += len(records)

    def flush(self) -> None:
        """Take rows and pages, as a flush does."""
        self.rows.take(self.state)
        self.state.dead, self.state.for_you.decided = [], []
        pages = self.pages.take(self.state)
        self.alive.update(pages.written)
        self.written_bytes += sum(len(page) for _, page in pages.written)
        for sequence in pages.obsolete:
            self.alive.pop(sequence, None)

    def let_pages_go(self) -> None:
        """Forget the pages written: a worker has sent them."""
        self.alive.clear()


def new_state() -> Partition:
    """Return an empty partition under the rules that ship."""
    return Partition(rules_of(Settings()))


class Growth:
    """Grows a state until it holds a number of keys; the stream of events is made beforehand."""

    def __init__(self, keys: int, seed: int) -> None:
        if keys < KEYS_MIN:
            raise ConfigError(f"--keys {keys}: at least {KEYS_MIN}")
        self._keys = keys
        videos = keys // KEYS_PER_VIDEO
        self._model = LoadModel(LoadSpec(seed=seed, users=keys, videos=videos, broken=0, unknown=0))

    def run(self, tell: Callable[[int, int], None], *, keep_pages: bool) -> LiveState:
        """Return the grown state; `tell` gets the keys and the events so far.

        Without `keep_pages` a flush lets its pages go, as a worker does.
        """
        grown = LiveState(new_state())
        grown.apply(self._model.opening(START_MS), START_MS)
        while (found := census(grown.state)).keys < self._keys:
            tell(found.keys, grown.events)
            for _ in range(FLUSH_EVENTS // CHUNK):
                time_ms = START_MS + grown.events * 1_000 // EVENTS_PER_S
                records = self._model.chunk(CHUNK, time_ms)
                grown.apply([r for r in records if r.topic == ENGAGEMENT], time_ms)
            grown.flush()
            if not keep_pages:
                grown.let_pages_go()
        tell(found.keys, grown.events)
        return grown


def census(state: Partition) -> Census:
    """Count what a state holds."""
    videos, lives = state.videos.values(), state.lives.values()
    pairs = sum(
        len(v.viewers.views) + len(v.likes.by_key) + len(v.favorites.by_key) for v in videos
    )
    pairs += sum(len(registers.by_key) for registers in state.follows.values())
    people = sum(1 + len(live.presence) + len(live.streaks) for live in lives)
    panes = sum(len(subject.panes) for subject in (*videos, *lives))
    return Census(len(state.videos), pairs, people, len(state.dedup.seen), panes)


def taken_apart(state: Partition) -> Iterator[str]:
    """Take one kind of content after the other out of a state; yields what is left in it."""
    yield "everything"
    state.dedup = Dedup()
    yield "without ids"
    state.follows = {}
    for video in state.videos.values():
        _without_users(video)
    yield "without ids and pairs"
    state.lives = {}
    yield "videos alone"


def _without_users(video: Video) -> None:
    video.viewers, video.likes, video.favorites = Viewers(), Registers(), Registers()
    video.promotion.watched_from = {}
    video.promotion.trust = None
