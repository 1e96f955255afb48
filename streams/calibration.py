"""Cohort means and thresholds measured on one's own videos, as new rows of a weights file.

A pool's threshold is a quantile over the cohort of what the pool tests, not smoothed: a value or a
rate of so many videos that the quantile of a sample is the cohort's. Nothing is edited: the row
that was open ends where the new one begins, and decisions go on naming theirs.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from schemas.errors import ConfigError
from schemas.ranking import Cohort, CohortRates, Pool, ValueModel
from schemas.weights import Weights
from streams.value_model import FIRST_SIGNAL, SIGNALS, WATCH_MS, Sums, exposures

RATE_MIN, RATE_MAX = 1e-9, 1 - 1e-9  # what never happened is rare, not impossible
WATCH_S_MIN = 1e-3
DIGITS = 3  # of a figure; a cohort does not say more


def calibrated(
    weights: Weights,
    videos: Iterable[Sums],
    shares: Sequence[float],
    valid_from: datetime,
    source: str,
    impressions_min: int = 200,
) -> Weights:
    """Return the weights with a new cohort and a new row of the chosen preset.

    Args:
        weights: the rows to begin from; weights of signals, quotas and holds stay.
        videos: sums of videos over all time.
        shares: for each pool the share of the cohort that its threshold is above, rising.
        valid_from: when the new row begins; after the row it follows.
        source: where the videos are from.
        impressions_min: videos with fewer are left out.

    Raises:
        ConfigError: no video is left, the shares do not fit the pools, or no row can be followed.
    """
    seen = [sums for sums in videos if exposures(sums) >= impressions_min]
    if not seen:
        raise ConfigError(f"no video has {impressions_min} impressions: nothing to calibrate by")
    (*_, last) = sorted(
        (row for row in weights.value_models if row.preset == weights.preset),
        key=lambda row: row.valid_from,
    )
    if valid_from <= last.valid_from or last.valid_to is not None:
        raise ConfigError(f"value_model {last.version}: cannot be followed from {valid_from}")
    if len(shares) != len(last.pools):
        raise ConfigError(f"{len(shares)} shares for {len(last.pools)} pools")
    day = valid_from.date().isoformat()
    cohort = Cohort(
        version=f"cohort-{day}",
        source=f"{source}: means over {len(seen)} videos",
        prior_impressions=_cohort_of(weights, last).prior_impressions,
        rates=cohort_rates(seen),
    )
    row = last.model_copy(
        update={
            "version": f"{last.preset}-{day}",
            "valid_from": valid_from,
            "cohort": cohort.version,
            "pools": [
                pool.model_copy(update={"threshold": threshold(seen, pool, last, share)})
                for pool, share in zip(last.pools, shares, strict=True)
            ],
        }
    )
    ended = last.model_copy(update={"valid_to": valid_from})
    rows = [ended if other is last else other for other in weights.value_models]
    table = weights.model_dump(by_alias=True)
    table["cohort"] = [c.model_dump() for c in (*weights.cohorts, cohort)]
    table["value_model"] = [r.model_dump() for r in (*rows, row)]
    return Weights.model_validate(table)


def cohort_rates(videos: Sequence[Sums]) -> CohortRates:
    """Return the means over videos of what an impression led to."""
    n = len(videos)
    means = {
        signal: _figure(sum(_rate(sums, place) for sums in videos) / n)
        for place, signal in enumerate(SIGNALS, FIRST_SIGNAL)
    }
    means = {signal: min(RATE_MAX, max(RATE_MIN, mean)) for signal, mean in means.items()}
    watch_s = _figure(sum(_watch_s(sums) for sums in videos) / n)
    return CohortRates(watch_s=max(WATCH_S_MIN, watch_s), **means)


def threshold(videos: Sequence[Sums], pool: Pool, model: ValueModel, share: float) -> float:
    """Return the quantile of what a pool tests: the figure that a share of the videos is below."""
    if not 0 < share < 1:
        raise ConfigError(f"share {share:g}: must be between 0 and 1")
    if pool.by == "value":
        measured = sorted(_plain_value(sums, model) for sums in videos)
        return _figure(measured[int(share * len(measured))])
    place = FIRST_SIGNAL + SIGNALS.index(pool.by)
    measured = sorted(_rate(sums, place) for sums in videos)
    return min(RATE_MAX, max(RATE_MIN, _figure(measured[int(share * len(measured))])))


def _plain_value(sums: Sums, model: ValueModel) -> float:
    total = model.weights.watch_s * _watch_s(sums)
    for place, signal in enumerate(SIGNALS, FIRST_SIGNAL):
        total += getattr(model.weights, signal) * _rate(sums, place)
    return total


def _rate(sums: Sums, place: int) -> float:
    return min(1.0, max(0, sums[place]) / exposures(sums))


def _watch_s(sums: Sums) -> float:
    return max(0, sums[WATCH_MS]) / 1000 / exposures(sums)


def _figure(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _cohort_of(weights: Weights, row: ValueModel) -> Cohort:
    ranking = weights.ranking_of(row.version)
    assert ranking is not None, "checked when the file was read"
    return ranking.cohort
