"""One arm of an experiment: a world under one treatment, told minute by minute.

An arm knows of the pipeline only what it is told: decisions about videos (`hear`), what trends
(`learn`). What it gives back are the events of a virtual minute. It reads no clock and draws nothing but hashes,
so an arm that is told the same tells the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.ranking import Pool
from scripts.generator.figures import PAUSE_S
from scripts.records import LogRecord
from scripts.world.assumptions import Assumptions, Treatment
from scripts.world.bots import Bots
from scripts.world.chance import Chance, For
from scripts.world.diary import MINUTE_MS, Diary
from scripts.world.feed import Decided, Feed, Trends
from scripts.world.lives import Lives
from scripts.world.people import HOUR_OF_DAY, TOPICS, Creator, User, build_creators, build_users
from scripts.world.places import Place
from scripts.world.reactions import Reactions
from scripts.world.shop import Shop
from scripts.world.videos import COLLABORATOR_SHARE_BPS, POSTS_MAX, Brief, Video, make_video

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
MINUTES_A_DAY = 1_440
_SLOT_S_MIN = 3.0
_PAUSE_S_MAX = 90.0
_INTRODUCTION = POSTS_MAX - 1  # the post that carries the follows of the time before
_MILESTONES = ((100, 2_500), (300, 2_500), (1_000, 5_000))
DISORDER_MS = 10_000  # what the pipeline waits for; nothing here comes out of order


class Arm:
    """A world under a treatment, living in its place from a day on."""

    def __init__(
        self,
        seed: int,
        treatment: Treatment,
        assumed: Assumptions,
        pools: Sequence[Pool],
        place: Place,
        start_ms: int,
    ) -> None:
        assert start_ms % DAY_MS == 0, "an arm begins with a day"
        self.seed = seed
        self.treatment = treatment
        self.place = place
        self.start_ms = start_ms
        self.minutes = assumed.days * MINUTES_A_DAY
        self._assumed = assumed
        self._chance = Chance(seed)
        self._users = build_users(self._chance, place, assumed)
        self.creators = build_creators(self._chance, place, assumed, treatment)
        self._diary = Diary(place)
        self._feed = Feed(self._chance, assumed, pools)
        shop = Shop(self._chance, assumed, self._diary)
        self._reactions = Reactions(self._chance, assumed, treatment, self._diary, shop)
        self._lives = Lives(self._chance, assumed, place, self._users, self._diary)
        self._bots = Bots(treatment, place, self._diary)
        self._slots: dict[int, list[tuple[int, int, int]]] = {}  # minute: time, user, slot
        self._posts: dict[int, int] = {}  # creator: posts so far
        self._tag: str | None = None
        self._topic: int | None = None
        self._minute = 0
        self._first_follows = 0
        self._heard: deque[Decided] = deque()

    @property
    def first_follows(self) -> int:
        """Follows that the world begins with, each an event in its first minute."""
        return self._first_follows

    @property
    def end_ms(self) -> int:
        """When the arm's last minute ends."""
        return self.start_ms + self.minutes * MINUTE_MS

    @property
    def is_over(self) -> bool:
        """Whether the arm has told all its minutes."""
        return self._minute >= self.minutes

    def hear(self, decisions: Iterable[Decided]) -> None:
        """Take decisions of the pipeline, in order; each is obeyed when its delay is over."""
        self._heard.extend(decisions)

    def learn(self, trends: Trends) -> None:
        """Take what trends, and which content type is liked best."""
        self._feed.trend(trends)
        self._tag = trends.tag
        self._topic = TOPICS.index(trends.content_type) if trends.content_type else None

    def tell(self) -> list[LogRecord]:
        """Return the events of the next minute."""
        minute, now_ms = self._minute, self.start_ms + self._minute * MINUTE_MS
        if minute == 0:
            self._introduce(now_ms)
        if minute % MINUTES_A_DAY == 0:
            self._plan_day(minute // MINUTES_A_DAY, now_ms)
        self._diary.do_deeds(now_ms // MINUTE_MS)
        self._obey(now_ms)
        self._feed.prepare(now_ms)
        for at_ms, number, slot in sorted(self._slots.pop(minute, ())):
            user = self._users[number]
            shown = self._feed.fill(user, slot)
            if shown is not None:
                self._reactions.react(user, shown, at_ms)
        self._minute += 1
        records = self._diary.close(now_ms // MINUTE_MS)
        return [*records, *self._diary.rest()] if self.is_over else records

    def tick(self) -> list[LogRecord]:
        """Return ticks that say that the minutes told so far are over: they can be decided about."""
        told_ms = self.start_ms + self._minute * MINUTE_MS
        return self._diary.ticks(told_ms + DISORDER_MS, ENGAGEMENT_TOPIC)

    def end(self, clock_ms: int) -> list[LogRecord]:
        """Return ticks that move event time on, so that the arm's days can be settled."""
        topics = (COMMERCE_TOPIC, ENGAGEMENT_TOPIC)
        return [record for topic in topics for record in self._diary.ticks(clock_ms, topic)]

    def _obey(self, now_ms: int) -> None:
        """A decision takes effect a fixed time after it was made, whenever it was heard."""
        due_ms = now_ms - self._assumed.decision_delay_min * MINUTE_MS
        while self._heard and self._heard[0].decided_at_ms <= due_ms:
            self._feed.obey(self._heard.popleft())

    def _introduce(self, now_ms: int) -> None:
        """Have everybody follow somebody, by a promoted video that no feed shows."""
        videos = [self._make(creator, _INTRODUCTION, now_ms) for creator in self.creators]
        for video in videos:
            self._publish_events(video, promoted=True)
        by_quality = sorted(videos, key=lambda one: -one.creator.quality)
        for user in self._users:
            for place in range(self._assumed.follows_first):
                draw = self._chance(For.FIRST_FOLLOW, user.number, place)
                video = by_quality[int(draw**1.5 * len(by_quality))]
                self._reactions.follow(user, video, now_ms + 1_000)
            self._first_follows += len(user.follows)

    def _plan_day(self, day: int, day_start_ms: int) -> None:
        for creator in self.creators:
            posts = creator.posts_per_day
            count = int(posts) + (self._chance(For.POSTING, creator.number, day, 1) < posts % 1)
            for n in range(count):
                hour = HOUR_OF_DAY(self._chance(For.POST_TIME, creator.number, day, n))
                at_ms = day_start_ms + int(hour * HOUR_MS)
                self._diary.later(at_ms, partial(self._post, creator, at_ms))
        self._lives.announce(self.creators, day, day_start_ms)
        for user in self._users:
            self._plan_slots(user, day)

    def _plan_slots(self, user: User, day: int) -> None:
        """Sessions are what they are whatever is shown: a draw of the user and the day."""
        chance, number = self._chance, user.number
        count = int(user.slots_per_day + chance(For.SLOTS, number, day))
        limit = self._assumed.session_slots_max
        for slot in range(count):
            if slot % limit == 0:
                hour = HOUR_OF_DAY(chance(For.SESSION, number, day, slot))
                time_ms = day * DAY_MS + int(hour * HOUR_MS)
            else:
                pause_s = min(PAUSE_S(chance(For.PAUSE, number, day, slot)), _PAUSE_S_MAX)
                time_ms += int((_SLOT_S_MIN + pause_s) * 1_000)
            if time_ms < self._assumed.days * DAY_MS:
                slots = self._slots.setdefault(time_ms // MINUTE_MS, [])
                slots.append((self.start_ms + time_ms, number, day * POSTS_MAX + slot))

    def _post(self, creator: Creator, at_ms: int) -> None:
        post = self._posts.get(creator.number, 0)
        self._posts[creator.number] = post + 1
        video = self._make(creator, post, at_ms)
        self._publish_events(video, promoted=False)
        self._feed.publish(video)
        if creator.has_deal and post == 0:
            self._sign_deal(video)
        if creator.is_chosen:
            self._bots.visit(video)

    def _make(self, creator: Creator, post: int, at_ms: int) -> Video:
        number = creator.number * POSTS_MAX + post
        obeys = creator.is_chosen and self.treatment.obeys_analytics
        topic = self._topic if obeys and self._topic is not None else creator.topic
        partner = self.creators[(creator.number + 1) % len(self.creators)]
        brief = Brief(topic, self._tag, partner)
        video_id = self.place.id("v", number)
        return make_video(self._chance, creator, post, video_id, at_ms, self.treatment, brief)

    def _publish_events(self, video: Video, *, promoted: bool) -> None:
        extra: dict[str, object] = {}
        if video.collaborator is not None:
            partner = {"creator_id": video.collaborator.id, "share_bps": COLLABORATOR_SHARE_BPS}
            extra["collaborators"] = [partner]
        if video.creator.product_id is not None:
            extra["product_ids"] = [video.creator.product_id]
        self._diary.add(
            *("video_published", video.published_ms, video.creator.id),
            video_id=video.id,
            creator_id=video.creator.id,
            duration_ms=video.duration_ms,
            content_type=TOPICS[video.topic],
            hashtags=[f"{self.place.prefix}-{tag}" for tag in video.hashtags],
            is_original=True,
            is_promoted=promoted,
            **extra,
        )

    def _sign_deal(self, video: Video) -> None:
        self._diary.add(
            *("deal_signed", video.published_ms + 1_000, video.creator.id),
            video_id=video.id,
            creator_id=video.creator.id,
            deal_id=f"{video.id}/deal",
            brand_id=f"{self.place.prefix}-brand",
            fee_micros=self._assumed.deal_fee_micros,
            currency="USD",
            milestones=[{"views": views, "share_bps": bps} for views, bps in _MILESTONES],
        )
