"""From changed state to ClickHouse rows.

A row is the whole value of its key with the version of the last event that changed it, so writing
it again, late, or from another process changes nothing. version = incarnation << 40 | offset.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.entries import entry_id
from schemas.rows import COLUMNS, TABLES
from streams.partition import Partition
from streams.programs.collaboration import parts_of
from streams.programs.days import utc_day_name
from streams.programs.facts import Share
from streams.rewards import daily_amounts
from streams.subjects import Live, StreakKey, Subject, Video
from streams.windows import Pane

INCARNATION_SHIFT = 40
DAY_MS = 86_400_000
GIFT_CURRENCY = "USD"  # schemas/rate_rows.py takes no other

Columns = list[Sequence[Any]]


class RowBuilder:
    """Builds the rows of one partition of one topic."""

    def __init__(self, topic: str, partition: int, incarnation: int) -> None:
        self.topic = topic
        self.source = partition
        self.base = incarnation << INCARNATION_SHIFT
        self._shown = 0  # next_offset at the last take

    def take(self, state: Partition) -> dict[str, Columns]:
        """Return the columns per table of all that changed since the last call.

        Panes and subjects are marked as shown here, as written when their pages are taken.
        """
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for subject, pane in state.dirty_panes:
            rows["windows_1m"].append(self._window(subject, pane))
            pane.take_change(subject.total)
        state.dirty_panes = []
        for subject in state.dirty_subjects:
            if subject.changed == subject.shown:
                continue  # shown already, or only a pane was closed
            subject.shown = subject.changed
            if isinstance(subject, Video):
                rows["video_totals"].append(self._video(state, subject))
                rows["estimates"].extend(self._video_estimates(state, subject))
            elif isinstance(subject, Live):
                rows["live_totals"].append(self._live(subject))
                for key in sorted(subject.changed_streaks):
                    if subject.streaks[key].changed < self._shown:
                        continue
                    rows["gift_streaks"].append(self._streak(subject, key))
                    rows["estimates"].append(self._streak_estimate(subject, key))
        rows["follows"].extend(self._follows(state))
        rows["ledger"].extend(self._entries(state))
        rows["late"].extend(self._late(state))
        rows["dead_letters_log"].extend(self._dead(state))
        rows["boosts_log"].extend(self._boosts(state))
        rows["partitions"].append(self._partition(state))
        self._shown = state.next_offset
        taken = {
            table: _columns(table, table_rows) for table, table_rows in rows.items() if table_rows
        }
        return taken | state.facts.take(self.source, self.base)

    def _window(self, subject: Subject, pane: Pane) -> tuple[Any, ...]:
        return (
            pane.minute * 60,
            subject.kind,
            subject.id,
            pane.creator_id,
            self.source,
            self.base + pane.opened,
            *pane.counters,
            self.base + pane.changed,
        )

    def _video(self, state: Partition, video: Video) -> tuple[Any, ...]:
        published = video.metadata
        if published:
            head: tuple[Any, ...] = (
                published.creator_id,
                published.content_type,
                published.duration_ms,
                published.event_time_ms,
                int(published.is_original),
                int(published.is_promoted),
                published.hashtags,
                published.sound_id,
                published.challenge_id,
                [f"{creator}:{bps}" for creator, bps in published.collaborators],
                published.product_ids,
            )
        else:
            head = (video.creator_id, "", video.duration_ms_max(), 0, 0, 0, (), "", "", (), ())
        return (
            video.id,
            self.source,
            *head,
            tuple(f"{feed}:{views}" for feed, views in sorted(video.feeds.items())),
            *video.total,
            video.likes.on,
            video.favorites.on,
            video.viewers.unique,
            state.for_you.pool_of(video),
            *video.log_scores(),
            *video.half_lives_ms,
            state.rules.weights.version,
            self.base + video.changed,
        )

    def _video_estimates(self, state: Partition, video: Video) -> Iterator[tuple[Any, ...]]:
        changed_from, video.days_changed_from = video.days_changed_from, None
        if changed_from is None or not video.earns:
            return
        rates, region = state.rules.rates, state.rules.region
        published = video.metadata
        amounts = daily_amounts(video.days, published, rates, region)
        for day, (micros, rate_version) in amounts.items():
            if day >= changed_from:
                rate = rates.rewards(day * DAY_MS, region)
                name = entry_id("creator_rewards", video.id, utc_day_name(day))
                creator_id = published.creator_id if published else video.creator_id
                shares = [Share(*part) for part in published.collaborators] if published else []
                parts = parts_of(micros, creator_id, shares, name) if shares else {}
                yield (
                    name,
                    day * DAY_MS,
                    creator_id,
                    "creator_rewards",
                    "estimated",
                    micros,
                    rate.currency if rate else GIFT_CURRENCY,
                    f"video:{video.id}",
                    rate_version,
                    [f"{part_of}:{part}" for part_of, part in sorted(parts.items())],
                    self.base + video.changed,
                )

    def _live(self, live: Live) -> tuple[Any, ...]:
        return (
            live.id,
            self.source,
            live.creator_id,
            live.started_ms,
            live.ended_ms,
            *live.total,
            len(live.joined),
            live.here,
            self.base + live.changed,
        )

    def _streak(self, live: Live, key: StreakKey) -> tuple[Any, ...]:
        streak = live.streaks[key]
        state = "refunded" if streak.refunded else "final" if streak.final else "open"
        return (
            live.id,
            *key,
            self.source,
            streak.best.creator_id,
            streak.best.event_time_ms,
            streak.best.repeat_count,
            streak.best.coins,
            sorted(streak.order_ids),
            state,
            self.base + streak.changed,
        )

    def _streak_estimate(self, live: Live, key: StreakKey) -> tuple[Any, ...]:
        streak = live.streaks[key]
        return (
            entry_id("gift", live.id, *key),
            streak.best.event_time_ms,
            streak.best.creator_id,
            "gift",
            "estimated",
            0 if streak.final else streak.worth_micros,
            GIFT_CURRENCY,
            f"live:{live.id}",
            streak.best.rate_version,
            (),
            self.base + streak.changed,
        )

    def _follows(self, state: Partition) -> Iterator[tuple[Any, ...]]:
        for (creator_id, user_id), offset in state.changed_follows.items():
            if offset < self._shown:
                continue
            last = state.follows[creator_id].last(user_id) or (0, "", False)
            yield (
                creator_id,
                user_id,
                self.source,
                int(last[2]),
                last[0],
                last[1],
                self.base + offset,
            )

    def _entries(self, state: Partition) -> Iterator[tuple[Any, ...]]:
        entries, state.entries = state.entries, []
        for e in entries:
            yield (
                e.entry_id,
                e.occurred_at_ms,
                e.creator_id,
                e.source,
                e.state,
                e.amount_micros,
                GIFT_CURRENCY,
                e.reference,
                e.rate_version,
                e.reason,
                "",
                self.base + e.offset,
            )

    def _late(self, state: Partition) -> Iterator[tuple[Any, ...]]:
        late, state.late = state.late, []
        for e in late:
            start_s = e.event_time_ms // 60_000 * 60
            yield (
                self.source,
                e.offset,
                start_s,
                e.kind,
                e.subject_id,
                e.type,
                e.event_time_ms,
                self.base + e.offset,
            )

    def _dead(self, state: Partition) -> Iterator[tuple[Any, ...]]:
        for d in state.dead:
            yield (
                self.topic,
                self.source,
                d.offset,
                d.failure.stage.value,
                d.failure.reason.value,
                d.failure.detail,
                d.raw or b"",
                d.event_time_ms,
                d.recorded_at_ms,
                self.base + d.offset,
            )

    def _boosts(self, state: Partition) -> Iterator[tuple[Any, ...]]:
        """Yield what was decided; it leaves the state when its messages are taken."""
        for offset, d in state.for_you.decided:
            yield (
                d.video_id,
                d.pool,
                d.verdict,
                d.decided_at_ms,
                d.weights_version,
                d.decision_id,
                d.reason,
                d.measure,
                d.lower,
                d.upper,
                d.threshold,
                d.impressions,
                d.pool_after,
                self.base + offset,
            )

    def _partition(self, state: Partition) -> tuple[Any, ...]:
        counts = state.counts
        return (
            self.topic,
            self.source,
            state.next_offset,
            state.max_event_time_ms,
            counts["messages"],
            state.counted,
            counts["duplicates"],
            counts["suppressed"],
            counts["late"],
            counts["dead_letters"],
            counts["unknown_fields"],
            {name: number for name, number in state.by_type.items() if number},
            self.base + state.next_offset,
        )


def _columns(table: str, rows: list[tuple[Any, ...]]) -> Columns:
    columns: Columns = list(zip(*rows, strict=True))
    assert len(columns) == len(COLUMNS[table]), table
    return columns
