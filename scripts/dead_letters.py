"""The messages that were refused: which, why, their bytes as they came, and how to replay them.

They are read from the view `dead_letters` of a running stack, of the results that a run left in a
folder, or of a ClickHouse server. A message is named TOPIC-PARTITION-OFFSET; the record about it in
the topic engagement.dead-letters has the same key.

stage decode: the bytes are no event. stage admission: an event, but of another topic, key or time.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from schemas.errors import InputError
from scripts.interrupts import run_async
from scripts.kept_rules import settings_of_folder
from scripts.letters.mending import Mended, mend, parse_patch
from scripts.letters.printing import (
    LIMIT_DEFAULT,
    print_groups,
    print_list,
    print_one,
    print_outcome,
)
from scripts.letters.replaying import Replayer, batches, open_replayer
from scripts.letters.view import KEYS, Letters, by_key, condition, limit, message_id
from scripts.options import clickhouse_option, data_option, kafka_option, rates_option
from scripts.progress import show_progress
from scripts.reading import open_results
from streams.agents import rules_of
from streams.config import Settings, load_settings

HELP = "look at the messages that were refused, mend and replay them"
EXAMPLES = """\
examples:
  engage dead-letters list --data ./results --where reason=missing_field --limit 5
  engage dead-letters group --data ./results
  engage dead-letters show engagement.events-0-1234 --data ./results
  engage dead-letters show engagement.events-0-1234 --data ./results --raw > message.bin
  engage dead-letters replay --data ./live --where detail=creator_id --patch '{"creator_id": "c7"}' --preview
"""
REPLAY = """\
Sends chosen messages again, mended by a patch: a JSON merge patch (RFC 7396), whose fields are set and
whose nulls are removed. Topic and key follow from the mended event; what has no id gets the message's
name as id. What would be refused again is told and not sent.

Each message is replayed once: the topic engagement.dead-letter-replays remembers it, so the same
command twice, also after a kill -9, sends nothing again. The message stays among the dead letters,
for it was one. A replay needs the running Kafka: that of the stack on --data, or --kafka.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = actions.add_parser("list", help="which, those with the highest offsets first")
    _source_options(shown)
    _where_option(shown)
    shown.add_argument(
        "--limit",
        metavar="N",
        type=limit,
        help=f"at most N (default {LIMIT_DEFAULT}, with --json all)",
    )
    grouped = actions.add_parser("group", help="how many, by topic, stage and reason")
    _source_options(grouped)
    _where_option(grouped)
    one = actions.add_parser("show", help="one message whole")
    _source_options(one)
    one.add_argument("id", metavar="ID", type=message_id, help="TOPIC-PARTITION-OFFSET")
    for each in (shown, grouped):
        _json_option(each)
    output = one.add_mutually_exclusive_group()
    _json_option(output)
    output.add_argument("--raw", action="store_true", help="the message's bytes and nothing else")
    _replay_arguments(
        actions.add_parser(
            "replay",
            help="send messages again, mended",
            description=REPLAY,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    _source_options(parser)
    kafka_option(parser, note="default: that of the stack that runs on --data")
    _where_option(parser)
    parser.add_argument("--patch", metavar="JSON", type=str, help='{"field": value, "wrong": null}')
    rates_option(parser)
    parser.add_argument("--preview", action="store_true", help="send nothing, say what would be")


def run(args: argparse.Namespace) -> int:
    """List, group, show or replay."""
    if args.action == "replay":
        return run_replay(args)
    with open_results(args.data, args.clickhouse) as url:
        letters = Letters(url, load_settings().database)
        with closing(letters):
            if args.action == "show":
                print_one(letters.one(args.id), as_json=args.json, raw_only=args.raw)
            elif args.action == "group":
                print_groups(letters.counts(by_key(args.where)), as_json=args.json)
            else:
                print_list(letters, by_key(args.where), args.limit, as_json=args.json)
    return 0


def run_replay(args: argparse.Namespace) -> int:
    """Mend the chosen letters and send those that the pipeline would take; 1 = some it would not."""
    settings = _settings_of(args)
    patch = None if args.patch is None else parse_patch(args.patch)
    rules = rules_of(settings)
    now_ms = time.time_ns() // 1_000_000
    with closing(Letters(settings.clickhouse, settings.database)) as letters:
        mended = [
            mend(letter, patch, rules, now_ms) for letter in letters.in_order(by_key(args.where))
        ]
        reached_ms = letters.max_event_times_ms()
    if patch is not None and patch.get("id") is not None and len(mended) > 1:
        raise InputError("a patch that sets the id is for one message: choose it with --where")
    sendable, before = run_async(_replay(settings, mended, preview=args.preview))
    late = sum(_is_late(one, settings, reached_ms) for one in sendable)
    refused = Counter(
        f"{one.failure.reason}: {one.failure.detail}" for one in mended if one.failure is not None
    )
    print_outcome(sendable, before=before, refused=refused, late=late, preview=args.preview)
    return 1 if refused else 0


async def _replay(
    settings: Settings, mended: list[Mended], *, preview: bool
) -> tuple[list[Mended], int]:
    """Send what may be sent; return that, and how many letters had been sent before."""
    async with open_replayer(settings) as replayer:
        new = [one for one in mended if not replayer.was_sent(one.name)]
        sendable = [one for one in new if one.failure is None]
        if not preview:
            await _send(replayer, sendable)
        return sendable, len(mended) - len(new)


async def _send(replayer: Replayer, sendable: list[Mended]) -> None:
    done = 0
    with show_progress("replay", len(sendable), "letters") as tell:
        for batch in batches(sendable):
            await replayer.replay(batch)
            done += len(batch)
            tell(done, done)


def _is_late(one: Mended, settings: Settings, reached_ms: dict[tuple[str, int], int]) -> bool:
    """Tell whether a worker would set it aside as late (rule 2)."""
    place = (one.record.topic, one.record.partition_among(settings.partitions))
    time_ms = one.record.event_time_ms
    horizon_ms = reached_ms.get(place, 0) - settings.horizon_ms
    return not one.never_late and time_ms is not None and time_ms < horizon_ms


def _settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings with the addresses of the running stack, or of servers."""
    rates = None if args.rates is None else str(Path(args.rates).absolute())
    settings = settings_of_folder(args.data, rates=rates)
    if args.data is None:
        return settings.with_(kafka=args.kafka, clickhouse=args.clickhouse)
    from scripts.stack import running_stack

    where = running_stack(args.data)
    if where is None:
        raise InputError(
            f"no stack is running in {args.data}: a replay sends messages to its Kafka"
        )
    kept = ("kafka", "clickhouse", "transactions")
    return settings.with_(**{name: where[name] for name in kept})


def _source_options(parser: argparse.ArgumentParser) -> None:
    data_option(parser, note="running or not; goes before --clickhouse")
    clickhouse_option(parser)


def _where_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--where",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=condition,
        help=f"only these; KEY is {KEYS}; given again: values of one key "
        "are alternatives, different keys must all hold",
    )


def _json_option(parser: Any) -> None:
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, raw bytes in base64"
    )
