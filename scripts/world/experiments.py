"""The experiments: what is done to the chosen creators, and what should and should not follow."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.world.assumptions import CONTROL, Treatment
from scripts.world.outcomes import CHOSEN, QUALITY, Grouping

PLACEBO = Treatment("placebo", placebo=True)
LIKES = tuple(Treatment(f"likes x {factor:g}", like_factor=factor) for factor in (1.5, 2.0, 3.0))
BOTS = 60


@dataclass(frozen=True, slots=True)
class Experiment:
    """Treatments that are compared with the control, world by world.

    `weights` names how videos are valued: "as shipped", or "no likes", where likes have no say at all.
    With `presets` nothing is done to anybody, but the worlds are played under each value model.
    """

    name: str
    question: str
    treatments: tuple[Treatment, ...] = ()
    weights: str = "as shipped"
    presets: tuple[str, ...] = ()

    @property
    def arms(self) -> tuple[Treatment, ...]:
        """Return all that is played for each seed."""
        return (CONTROL, *self.treatments)

    @property
    def grouping(self) -> Grouping:
        """Return how creators are told apart."""
        return QUALITY if self.presets else CHOSEN


EXPERIMENTS = {
    one.name: one
    for one in (
        Experiment(
            "likes",
            "What does a creator gain whose videos are liked more, all else equal?",
            (*LIKES, PLACEBO),
        ),
        Experiment(
            "likes-without-weight",
            "The same where likes have no say in For You: nothing should be left of the effect.",
            (LIKES[-1],),
            weights="no likes",
        ),
        Experiment(
            "bought-likes",
            "What do bought likes bring, while nobody finds them and when they are found?",
            (
                Treatment("bought", bots=BOTS),
                Treatment("bought and found", bots=BOTS, bots_found=True),
            ),
        ),
        Experiment(
            "quality",
            "What if each video were better than two thirds of those that would have been better?",
            (Treatment("better videos", quality_shift=2 / 3),),
        ),
        Experiment(
            "replying",
            "What if creators answered every comment?",
            (Treatment("answers all", reply_share=1.0),),
        ),
        Experiment(
            "trends",
            "What if creators used the hashtag that trends?",
            (Treatment("rides trends", rides_trends=True),),
        ),
        Experiment(
            "collaboration",
            "What if creators published together with another one, for 30 % of the money?",
            (Treatment("publishes together", collaborates=True),),
        ),
        Experiment(
            "analytics",
            "What if creators published the kind of video that is liked best?",
            (Treatment("obeys analytics", obeys_analytics=True),),
        ),
        Experiment(
            "weights",
            "Who gains and who loses when the feed values videos by another formula?",
            presets=("contribution", "leaked", "x-2023", "x-2026"),
        ),
    )
}
