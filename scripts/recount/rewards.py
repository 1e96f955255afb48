"""Rule 12: what each day's qualified views of a video pay."""

from datetime import UTC, datetime

from schemas.entries import entry_id
from schemas.events import VideoPublished
from schemas.rates import RewardsRate
from scripts.recount.gifts import Entry
from scripts.recount.model import Rules
from scripts.recount.programs.targets import split


def rewards_of(
    video: VideoPublished | None, qualified_of_day: dict[int, int], rules: Rules
) -> list[Entry]:
    """Return the entries of days that pay something; days are named by their start in ms.

    One entry a day; of a shared video one for each creator with a part, its id ends in their name.
    """
    if video is None or video.is_promoted or not video.is_original:
        return []
    entries = []
    before = 0
    for day_ms in sorted(qualified_of_day):
        after = before + qualified_of_day[day_ms]
        rate = rules.rates.rewards(day_ms, rules.region)
        if rate is not None and video.duration_ms >= rate.min_duration_ms:
            amount = money(after, rate) - money(before, rate)
            shares = tuple((c.creator_id, c.share_bps) for c in video.collaborators or ())
            for creator_id, part in split(amount, video.creator_id, shares).items():
                if part:
                    name = (creator_id,) if shares else ()
                    entries.append(_entry(video, day_ms, creator_id, part, rate, *name))
        before = after
    return entries


def money(qualified_views: int, rate: RewardsRate) -> int:
    """Return what that many qualified views pay in all, by one rate."""
    if rate.threshold_variant == "excess":
        payable = max(0, qualified_views - rate.threshold_views)
    elif qualified_views >= rate.threshold_views:
        payable = qualified_views
    else:
        payable = 0
    return payable * rate.rpm_micros_per_1000 // 1000


def _entry(
    video: VideoPublished,
    day_ms: int,
    creator_id: str,
    amount_micros: int,
    rate: RewardsRate,
    *name: str,
) -> Entry:
    return Entry(
        entry_id=entry_id("creator_rewards", video.video_id, day_name(day_ms), *name),
        occurred_at_ms=day_ms,
        creator_id=creator_id,
        source="creator_rewards",
        state="estimated",
        amount_micros=amount_micros,
        currency=rate.currency,
        reference=f"video:{video.video_id}",
        rate_version=rate.version,
    )


def day_name(day_ms: int) -> str:
    """Return the date of a UTC day."""
    return datetime.fromtimestamp(day_ms / 1000, UTC).date().isoformat()
