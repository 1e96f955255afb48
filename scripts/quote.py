"""What one post of a creator is suggested to cost a brand, and why.

Engagement rate by views and by followers over the creator's last posts (median), the follower tier, the
band among creators of that size, and the price that follows. Nothing is booked: a deal that is signed is
an event, and pays when its milestones are reached.
"""

from __future__ import annotations

import argparse
from contextlib import closing

from schemas.errors import ConfigError, InputError
from schemas.rates import load_rates
from scripts.kept_rules import settings_of_folder
from scripts.options import clickhouse_option, data_option, rates_option
from scripts.reading import open_results
from scripts.settlement.facts import Facts
from sinks.client import connect
from streams.programs.engagement import engagement_of, quote_of
from streams.programs.lines import step_in_words
from streams.programs.money import in_words

HELP = "suggest what a creator's post costs a brand"
EXAMPLES = """\
Examples:
  engage quote c7 --data ./results
"""
_NEWEST = "SELECT toUnixTimestamp64Milli(max(max_event_time)) FROM partitions FINAL"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("creator", metavar="CREATOR", help="id of the creator")
    rates_option(parser)
    data_option(parser, note="of a running stack, or what a run left")
    clickhouse_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the quote and its arithmetic."""
    settings = settings_of_folder(args.data, rates=args.rates)
    rates = load_rates(settings.rates or None)
    with (
        open_results(args.data, args.clickhouse) as url,
        closing(connect(url, settings.database)) as client,
    ):
        facts = Facts(client)
        posts = facts.posts(args.creator)
        if not posts:
            raise InputError(f"{args.creator} has published nothing that is in these results")
        now_ms = int(client.query(_NEWEST).result_rows[0][0]) + 1
        followers = facts.followers(args.creator, now_ms)
    terms = rates.brand(now_ms, settings.region)
    if terms is None:
        raise ConfigError(f"brand_deal: no row of region {settings.region} is valid now")
    engagement = engagement_of(posts, followers, terms)
    quote = quote_of(engagement, followers, terms)
    print(f"{args.creator}: {in_words(quote.amount_micros, quote.currency)} a post")
    print(f"  tier {quote.tier}, engagement {quote.band}, rate {quote.rate_version}")
    by_followers = engagement.by_followers_ppm
    if by_followers is not None:
        print(f"  engagement rate by followers: {by_followers / 10_000:.4f} %")
    for step in quote.explanation:
        print(f"  {step_in_words(step)}")
    return 0
