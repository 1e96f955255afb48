"""Published figures of real short-video logs, and our own choices where none are published.

[27K]   aggregates of KuaiRand-27K (322 million exposures), log_standard_*.csv
[PURE]  KuaiRand-Pure: its log and its per-video statistics
        both: Gao et al., "KuaiRand", CIKM 2022, CC BY-SA 4.0
[OURS]  nobody publishes it: a guess, so that the case occurs

Distributions are tables of quantiles, drawn from by straight lines between them. That keeps the
published quantiles exactly, and uses no function whose last digit depends on the machine.
"""

from __future__ import annotations

from bisect import bisect_right

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Quantiles:
    """A distribution given by some of its quantiles."""

    def __init__(self, *points: tuple[float, float]) -> None:
        assert points[0][0] == 0.0 and points[-1][0] == 1.0, points
        assert list(points) == sorted(points), points
        self._shares = [share for share, _ in points]
        self._values = [value for _, value in points]

    def __call__(self, share: float) -> float:
        """Return the value that `share` (0 to 1) of the distribution lies below."""
        at = min(bisect_right(self._shares, share), len(self._shares) - 1)
        low, high = self._shares[at - 1], self._shares[at]
        below, above = self._values[at - 1], self._values[at]
        return below + (above - below) * (share - low) / (high - low)


# Exposures per hour of day [27K log_standard_hourly.csv, hours 0 to 23 of the users' own time]
HOURLY_EXPOSURES = (
    10624659, 6462822, 4132020, 2911135, 2617287, 3692549, 6873534, 9968651,
    11545430, 12947165, 14427110, 15441567, 17029465, 17132315, 15454700, 15767584,
    16594065, 17525682, 18844519, 19871032, 21315043, 22117433, 21859219, 17123399,
)  # fmt: skip

# Where a video is seen: for_you is [27K log_standard_tab_stats.csv], the others' split is [OURS]
FEEDS = (
    ("for_you", 0.67),
    ("following", 0.12),
    ("search", 0.07),
    ("profile", 0.06),
    ("shop", 0.04),
    ("other", 0.04),
)

TOP_VIDEOS_SHARE = 0.01
TOP_VIDEOS_EXPOSURES = 0.44  # [27K log_standard_video_concentration.csv]
VIDEOS_PER_CREATOR = 1.5  # [PURE] 7,583 videos of 5,020 authors
PROMOTED_VIDEOS_PPM = 10_000  # [PURE] 76 of 7,583 are advertisements
EXPOSURES_PER_USER = Quantiles(
    (0.0, 1), (0.3, 1), (0.5, 3), (0.7, 5), (0.8, 7), (0.9, 9), (0.95, 12), (0.99, 21), (1.0, 45)
)  # [PURE]
DURATION_S = Quantiles(
    (0.0, 5), (0.05, 9), (0.1, 12.2), (0.2, 21), (0.3, 36.8), (0.4, 59.4), (0.5, 77.4),
    (0.6, 97.2), (0.7, 126), (0.8, 168), (0.9, 234), (0.95, 300), (0.99, 508), (1.0, 780),
)  # [PURE]  # fmt: skip
PHOTO_PPM = 30_000  # [PURE] 3.15 % of videos have duration 0

# Rates per view of a video, in percent [PURE, 7,519 videos of at least 200 plays]
LIKE_RATE = Quantiles(
    (0.0, 0.14), (0.05, 0.57), (0.25, 1.24), (0.5, 2.19), (0.75, 4.09), (0.9, 6.79), (0.95, 9.44),
    (0.99, 16.4), (1.0, 25),
)  # fmt: skip
COMMENT_RATE = Quantiles(
    (0.0, 0), (0.05, 0.01), (0.25, 0.04), (0.5, 0.10), (0.75, 0.21), (0.9, 0.41), (0.95, 0.63),
    (0.99, 1.52), (1.0, 4),
)  # fmt: skip
SHARE_RATE = Quantiles(
    (0.0, 0), (0.25, 0.01), (0.5, 0.025), (0.75, 0.073), (0.9, 0.19), (0.95, 0.30), (0.99, 0.77),
    (1.0, 3),
)  # fmt: skip
FOLLOW_RATE = Quantiles(
    (0.0, 0), (0.05, 0.03), (0.25, 0.07), (0.5, 0.14), (0.75, 0.28), (0.9, 0.52), (0.95, 0.76),
    (0.99, 1.33), (1.0, 3),
)  # fmt: skip
FAVORITE_RATE = Quantiles(
    (0.0, 0.01), (0.05, 0.07), (0.25, 0.13), (0.5, 0.23), (0.75, 0.48), (0.9, 0.94), (0.95, 1.36),
    (0.99, 2.57), (1.0, 4.5),
)  # fmt: skip
COMPLETION_RATE = Quantiles(
    (0.0, 0.3), (0.05, 2.65), (0.25, 9.4), (0.5, 17.4), (0.75, 27.5), (0.9, 38.8), (0.95, 46.4),
    (0.99, 59.1), (1.0, 75),
)  # fmt: skip
SHARED_QUALITY = 0.6  # [OURS] how often a rate's quantile is that of the video as a whole

# Per million views, the same for all videos
PROFILE_VIEW_PPM = 22_250  # [PURE] 1,825 of 82,024
NOT_INTERESTED_PPM = 770  # [PURE] 63 of 82,024
REPORT_PPM = 300  # [OURS] real reports are rarer: 0.65 per million
PROMOTED_VIEW_PPM = 10_000  # [OURS]
VIEWED_PPM = 893_000  # [PURE] 82,024 views of 91,805 exposures

# What is taken back, per million [PURE]
UNLIKE_PPM = 81_000
UNFOLLOW_PPM = 133_000
UNFAVORITE_PPM = 265_000
COMMENT_DELETED_PPM = 53_000
LIKED_AGAIN_PPM = 200_000  # [OURS] of the un-likes
UNDONE_AFTER_S = Quantiles(
    (0.0, 1), (0.5, 20), (0.75, 300), (0.9, 3_600), (0.99, 36_000), (1.0, 72_000)
)  # [OURS]

# How long people watch [PURE]
LIKED_UNWATCHED_PPM = 37_000  # likes with less than a second of watch
LIKED_UNPLAYED_SHARE = 0.19  # of these, not played at all (0.7 % of likes)
LOOPED_SHARE_OF_COMPLETED = 0.66  # 13.7 % of views are loops, mean completion is 20.7 %
LOOP_RATIO = Quantiles((0.0, 0.003), (0.5, 0.07), (0.8, 0.34), (0.9, 0.86), (0.99, 3.0), (1.0, 9.6))
WATCHED_PART_S = Quantiles(
    (0.0, 0.05), (0.05, 0.96), (0.1, 1.18), (0.2, 1.57), (0.3, 2.08), (0.4, 2.87), (0.5, 4.17),
    (0.6, 6.37), (0.7, 10.8), (0.8, 21.8), (0.9, 49), (0.95, 82), (0.99, 173), (1.0, 315),
)  # fmt: skip
WATCHED_PHOTO_S = Quantiles(
    (0.0, 0.1), (0.1, 1.05), (0.5, 2.7), (0.8, 9), (0.95, 29), (0.99, 62), (1.0, 140)
)
PAUSE_S = Quantiles((0.0, 0.1), (0.1, 1), (0.45, 10), (0.75, 60), (0.95, 300), (1.0, 1_500))
# from the gaps between exposures [27K log_standard_time_gap_bins.csv]

# How late events arrive. 17.5 % of [PURE] were logged in a later hour, with these delays.
LATE_MIN = Quantiles((0.0, 0.2), (0.5, 5.2), (0.9, 13.3), (0.99, 36), (0.999, 56), (1.0, 131))
NETWORK_S = Quantiles((0.0, 0.03), (0.5, 0.15), (0.9, 0.8), (0.99, 3), (1.0, 8))  # [OURS]
DUPLICATE_AFTER_S = Quantiles(
    (0.0, 0), (0.5, 3), (0.75, 60), (0.9, 900), (0.97, 3_600), (1.0, 20_000)
)  # 223 of 2,975 copies in another hour [PURE], the rest [OURS]
DUPLICATES_SHARE = 0.0258  # [PURE]
ALTERED_DUPLICATES_PPM = 1_300  # [PURE] 4 of 2,975 copies differ from the first
FAR_LATE_PPM = 150  # [OURS] later than the horizon of a day

# Gifts: (id, coins, streakable, weight); prices as widely quoted, the id of Rose is real
GIFTS = (
    ("5655", 1, True, 700),  # Rose
    ("6064", 5, True, 140),  # Finger Heart
    ("8913", 10, True, 90),  # Rosa
    ("6090", 99, True, 45),  # Hat and Mustache
    ("11046", 1_000, False, 20),  # Galaxy
    ("9072", 5_000, False, 4),  # Drama Queen
    ("6369", 29_999, False, 1),  # Lion
)
STREAK_FRAMES = Quantiles(
    (0.0, 1), (0.3, 1.5), (0.6, 4), (0.9, 15), (0.99, 60), (1.0, 120)
)  # [OURS]
FINAL_FRAME_LOST_PPM = 30_000  # [OURS] lost finals are known from the field, their share is not
FINAL_FRAME_TWICE_PPM = 30_000
GIFT_REFUNDED_PPM = 20_000
REFUND_FIRST_SHARE = 0.3
