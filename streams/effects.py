"""What each type of event does to the state: one small function a type.

`n` is 1 for an event and -1 when an invalidation takes it back, at its own event time. The
counting rules are in RULES.md; the table at the end names the function of every type.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from schemas import wire
from streams import windows as w
from streams.dedup import id_hash
from streams.facts import OrderStep
from streams.gifts import Frame, Streak
from streams.registers import Registers
from streams.subjects import SHARED, SOLD, Live, Published, Video

if TYPE_CHECKING:
    from streams.partition import Partition

MINUTE_MS = 60_000
DAY_MINUTES = 1_440
QUALIFIED_WATCH_MS = 5_000  # a qualified view is longer than this
PUBLISHED_MAX = 8  # publications kept of one video; an older one can no longer stand in

Effect = Callable[["Partition", Any, Any, int], None]


def counted(counter: int, weight: str = "", fact: str = "", *, by_owner: bool = False) -> Effect:
    """Return the effect of a type that adds one to a counter and its weight to the score.

    With `fact`, its name, each event of the type is noted as an engagement. What creators do with
    their own videos is counted, but lifts nothing, unless it is theirs to do (`by_owner`).
    """

    def effect(state: "Partition", video: Video, event: wire.Like, n: int) -> None:
        minute = event.event_time_ms // MINUTE_MS
        pane = video.panes.get(minute)
        if pane is None or not pane.dirty:
            pane = state.pane(video, minute, event.creator_id)
        pane.changed = state.offset
        pane.counters[counter] += n
        if event.user_id == event.creator_id and not by_owner:
            state.for_you.leave_out(video, event, n)
        elif weight:
            state.score(video, event.event_time_ms, n * state.weights[weight])
        if fact:
            state.facts.engagement(video, event, fact, n, state.offset)

    return effect


def view(state: "Partition", video: Video, event: wire.View, n: int) -> None:
    """Count a play of any length; it may complete and it may qualify."""
    t, user, feed = event.event_time_ms, event.user_id, event.feed
    watch_ms, duration_ms = event.watch_ms, event.duration_ms
    minute = t // MINUTE_MS
    pane = video.panes.get(minute)
    if pane is None or not pane.dirty:
        pane = state.pane(video, minute, event.creator_id)
    pane.changed = state.offset
    counters = pane.counters
    counters[w.VIEWS] += n
    counters[w.WATCH_MS] += n * watch_ms
    points = state.view_points
    if watch_ms >= duration_ms > 0:
        counters[w.COMPLETIONS] += n
        points += state.completion_points
    if user == event.creator_id:
        state.for_you.leave_out(video, event, n)
    else:
        state.score(video, t, n * points)
    video.feeds[feed] = video.feeds.get(feed, 0) + n
    if duration_ms in video.durations_ms:
        video.durations_ms[duration_ms] += n
    else:
        video.note_duration(duration_ms, n)
    qualifies = watch_ms > QUALIFIED_WATCH_MS and feed == "for_you" and not event.is_promoted
    viewers = video.viewers
    if n > 0:
        if feed == "search" or video.fact_bits:
            _note_view(state, video, event, 1)
        for_you = state.for_you
        if not for_you.watched_from_ms <= t < for_you.watched_to_ms:
            for_you.look_up_watched(t)
        if watch_ms >= for_you.watched_ms:  # Promotion.watch, without the call
            # the pane's own number, for a million viewers of a minute keep one object
            since = pane.minute if minute >= for_you.first_open else for_you.first_open
            watched_from = video.promotion.watched_from
            if watched_from.setdefault(user, since) > since:
                watched_from[user] = since
        viewers.changed.add(user)
        viewers.views[user] = views = viewers.views.get(user, 0) + 1
        if views == 1:
            viewers.unique += 1
        if qualifies and viewers.qualify(user, minute, state.hashed):
            _qualified(state, video, minute, event.creator_id, 1)
        return
    _unview(state, video, event, qualifies=qualifies)


def _note_view(state: "Partition", video: Video, event: wire.View, counted: int) -> None:
    """Note a view as facts; of one taken back nobody knows any more what was published then."""
    if event.feed == "search":
        state.facts.search_view(video, event, counted, state.offset)
    fact_bits = video.fact_bits if counted else video.fact_bits_ever
    if fact_bits & SOLD:
        product_ids = video.product_ids if counted else ()
        state.facts.product_view(video, event, product_ids, counted, state.offset)
    if fact_bits & SHARED:
        state.facts.shared_view(video, event, counted, state.offset)


def _qualified(state: "Partition", video: Video, minute: int, creator_id: str, n: int) -> None:
    state.pane(video, minute, creator_id).counters[w.QUALIFIED_VIEWS] += n
    day = minute // DAY_MINUTES
    video.days[day] = video.days.get(day, 0) + n
    video.qualified += n
    video.reestimate(day, state.reward_floor_views)


def _unview(state: "Partition", video: Video, event: wire.View, *, qualifies: bool) -> None:
    """Take a view back: who watched, and which view of the pair qualifies now."""
    video.viewers.remove(event.user_id)
    _note_view(state, video, event, 0)
    if not qualifies:
        return
    minute, hashed = event.event_time_ms // MINUTE_MS, id_hash(event.id, video.salt)
    for changed_minute, change in video.viewers.disqualify(event.user_id, minute, hashed):
        _qualified(state, video, changed_minute, event.creator_id, change)


def _register(registers: Registers, event: wire.Like, n: int, *, on: bool) -> None:
    if n > 0:
        registers.put(event.user_id, (event.event_time_ms, event.id, on))
    else:
        registers.remove(event.user_id, event.event_time_ms, event.id)


_count_like = counted(w.LIKES, "like", "like")
_count_unlike = counted(w.UNLIKES, "unlike")
_count_favorite = counted(w.FAVORITES, "favorite", "favorite")
_count_follow = counted(w.FOLLOWS, "follow", "follow")


def like(state: "Partition", video: Video, event: wire.Like, n: int) -> None:
    """Count a like and set the user's register on."""
    _count_like(state, video, event, n)
    if n > 0:
        state.for_you.like(video, event, 1)
    _register(video.likes, event, n, on=True)


def unlike(state: "Partition", video: Video, event: wire.Like, n: int) -> None:
    """Count an un-like and set the user's register off."""
    _count_unlike(state, video, event, n)
    if n > 0:
        state.for_you.like(video, event, -1)
    _register(video.likes, event, n, on=False)


def favorite(state: "Partition", video: Video, event: wire.Like, n: int) -> None:
    """Count a favorite and set the user's register on."""
    _count_favorite(state, video, event, n)
    _register(video.favorites, event, n, on=True)


def unfavorite(state: "Partition", video: Video, event: wire.Like, n: int) -> None:
    """Set the user's favorite register off; the score loses the favorite's weight."""
    state.pane(video, event.event_time_ms // MINUTE_MS, event.creator_id)
    if event.user_id != event.creator_id:
        state.score(video, event.event_time_ms, n * state.weights["unfavorite"])
    _register(video.favorites, event, n, on=False)


def follow(state: "Partition", video: Video, event: wire.Follow, n: int) -> None:
    """Count a follow and set the (creator, user) register on."""
    _count_follow(state, video, event, n)
    state.follow(event, n, on=True)
    state.facts.follow_action(event, 1, int(n > 0), state.offset)


def unfollow(state: "Partition", video: Video, event: wire.Follow, n: int) -> None:
    """Set the (creator, user) register off."""
    state.follow(event, n, on=False)
    state.facts.follow_action(event, 0, int(n > 0), state.offset)


def deal_signed(state: "Partition", video: Video, event: wire.DealSigned, n: int) -> None:
    """Note the deal; what it pays is settled."""
    state.facts.deal(event, int(n > 0), state.offset)


def published(state: "Partition", video: Video, event: wire.VideoPublished, n: int) -> None:
    """Keep the video's metadata; the latest publication stands."""
    rest = {p for p in video.published if p[:2] != (event.event_time_ms, event.id)}
    known = sorted({*rest, Published.of(event)} if n > 0 else rest)
    video.publish(tuple(known[-PUBLISHED_MAX:]))
    video.reestimate(0, state.reward_floor_views)


def nothing(state: "Partition", subject: object, event: object, n: int) -> None:
    """Known, counted by type, and without an effect on windows."""


def invalidated(state: "Partition", video: Video, event: wire.Invalidated, n: int) -> None:
    """Take the targets back, as if they had never been sent."""
    state.invalidate(video, event)


def live_started(state: "Partition", live: Live, event: wire.LiveStarted, n: int) -> None:
    """Keep the earliest start."""
    started = event.event_time_ms
    live.started_ms = min(live.started_ms, started) if live.started_ms else started


def live_ended(state: "Partition", live: Live, event: wire.LiveEnded, n: int) -> None:
    """Keep the latest end."""
    live.ended_ms = max(live.ended_ms, event.event_time_ms)


def live_joined(state: "Partition", live: Live, event: wire.LiveJoined, n: int) -> None:
    """Count a view of the live; the user is present."""
    pane = state.pane(live, event.event_time_ms // MINUTE_MS, event.creator_id)
    pane.counters[w.VIEWS] += n
    live.joined.add(event.user_id)
    live.changed_users.add(event.user_id)
    _presence(live, event.user_id, (event.event_time_ms, event.id, True))


def live_left(state: "Partition", live: Live, event: wire.LiveLeft, n: int) -> None:
    """Let the user be absent."""
    _presence(live, event.user_id, (event.event_time_ms, event.id, False))


def _presence(live: Live, user: str, action: tuple[int, str, bool]) -> None:
    last = live.presence.get(user)
    if last is None or last < action:
        live.presence[user] = action
        live.here += action[2] - (last is not None and last[2])
        live.changed_users.add(user)


def live_like(state: "Partition", live: Live, event: wire.LiveLike, n: int) -> None:
    """Count the taps."""
    pane = state.pane(live, event.event_time_ms // MINUTE_MS, event.creator_id)
    pane.counters[w.LIKES] += event.count


def gift(state: "Partition", live: Live, event: wire.Gift, n: int) -> None:
    """Take a frame into its streak, move the streak's worth to the best frame's window, book."""
    key = (event.user_id, event.gift_id, event.group_id)
    frame = state.frame_of(event)
    streak = live.streaks.get(key)
    if streak is None:
        streak = live.streaks[key] = Streak(frame, event.event_time_ms)
        _count_frame(state, live, frame, 1)
        state.await_deadline(live, key, streak)
    else:
        replaced = streak.offer(frame)
        if replaced is not None:
            _count_frame(state, live, replaced, -1)
            _count_frame(state, live, frame, 1)
    streak.remember_order(event.order_id)
    bookings = []
    if event.order_id in live.refunded_orders:
        bookings += streak.refund(event.event_time_ms)
    bookings += streak.adjust(event.event_time_ms)
    if event.repeat_end:
        bookings += streak.finish()
    state.book(live, key, streak, bookings)


def _count_frame(state: "Partition", live: Live, frame: Frame, n: int) -> None:
    pane = state.pane(live, frame.event_time_ms // MINUTE_MS, frame.creator_id)
    pane.counters[w.GIFTS] += n * frame.repeat_count
    pane.counters[w.GIFT_COINS] += n * frame.gift_coins


def gift_refunded(state: "Partition", live: Live, event: wire.GiftRefunded, n: int) -> None:
    """Make the order's streaks worth nothing, those that come later too."""
    live.refunded_orders.add(event.order_id)
    live.changed_refunds.add(event.order_id)
    for key in sorted(live.streaks):
        streak = live.streaks[key]
        if event.order_id in streak.order_ids:
            state.book(live, key, streak, streak.refund(event.event_time_ms))


def affiliate_click(state: "Partition", user: bytes, event: wire.AffiliateClick, n: int) -> None:
    """Note the click."""
    state.facts.click(event, state.offset)


def order(state: "Partition", user: bytes, event: OrderStep, n: int) -> None:
    """Note one step of an order."""
    state.facts.order(event, state.offset)


def creator_registered(
    state: "Partition", user: bytes, event: wire.CreatorRegistered, n: int
) -> None:
    """Note what is known of a creator."""
    state.facts.registration(event, state.offset)


VIDEO_EFFECTS: dict[type, Effect] = {
    wire.VideoPublished: published,
    wire.Impression: counted(w.IMPRESSIONS),
    wire.View: view,
    wire.Like: like,
    wire.Unlike: unlike,
    wire.Comment: counted(w.COMMENTS, "comment", "comment"),
    wire.CommentDeleted: nothing,
    wire.Reply: counted(w.REPLIES, "reply", "reply", by_owner=True),
    wire.Share: counted(w.SHARES, "share", "share"),
    wire.Favorite: favorite,
    wire.Unfavorite: unfavorite,
    wire.Follow: follow,
    wire.Unfollow: unfollow,
    wire.ProfileView: counted(w.PROFILE_VIEWS),
    wire.NotInterested: counted(w.NOT_INTERESTED, "not_interested"),
    wire.Report: counted(w.REPORTS, "report"),
    wire.DealSigned: deal_signed,
    wire.Invalidated: invalidated,
}
LIVE_EFFECTS: dict[type, Effect] = {
    wire.LiveStarted: live_started,
    wire.LiveEnded: live_ended,
    wire.LiveJoined: live_joined,
    wire.LiveLeft: live_left,
    wire.LiveLike: live_like,
    wire.Gift: gift,
    wire.GiftRefunded: gift_refunded,
}
COMMERCE_EFFECTS: dict[type, Effect] = {
    wire.AffiliateClick: affiliate_click,
    wire.OrderPlaced: order,
    wire.OrderSettled: order,
    wire.OrderRefunded: order,
    wire.OrderFrozen: order,
    wire.OrderReleased: order,
    wire.OrderIneligible: order,
    wire.CreatorRegistered: creator_registered,
}
CONTROL_EFFECTS: dict[type, Effect] = {wire.Tick: nothing}  # admission has moved the event time
# Money and metadata are idempotent by keys of their own, so lateness has no say.
NEVER_LATE = frozenset(
    {
        wire.VideoPublished,
        wire.DealSigned,
        wire.Invalidated,
        wire.LiveStarted,
        wire.LiveEnded,
        wire.Gift,
        wire.GiftRefunded,
        *COMMERCE_EFFECTS,
        *CONTROL_EFFECTS,
    }
)
