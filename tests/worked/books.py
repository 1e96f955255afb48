"""A log of events, and the ledger it comes to: the real counting, ClickHouse and settlement.

`Books` takes small logs. It applies them partition by partition, writes the rows into a real engine,
settles every day that is over and reads the public views. Rates: tests/worked/logs.toml.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.rates import load_rates
from scripts.payout import pay
from scripts.recount import Record, recount, rules_of
from scripts.recount.against import CARDS
from scripts.recount.checks import ledger_check
from scripts.recount.compare import compare
from scripts.recount.ledger import Ledger
from scripts.recount.programs.told import targets_of
from scripts.recount.settled import Settled, check_payouts, compare_accounts
from scripts.settle import settle_closed_days
from scripts.settlement.booking import Settled as Done
from sinks.writer import Writer
from streams import agents
from streams.config import Settings
from streams.programs.days import pay_day
from tests.oracle import records_from_lines
from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, event, line_of
from tests.simulation.core import Core, new_core

RATES = Path(__file__).with_name("logs.toml")
USD = 1_000_000
Event = dict[str, Any]
Entries = list[tuple[str, str, str, int]]


@dataclass(slots=True)
class Books:
    """One log and what was booked for it."""

    client: Client
    writer: Writer
    settings: Settings
    audited: bool = True  # at the end of the test; not where something must stay unsettled
    _cores: dict[str, Core] = field(default_factory=dict)
    _records: list[Record] = field(default_factory=list)

    def log(self, *events: Event, until: int) -> None:
        """Let events arrive, in this order; then the time of both topics goes on to the start of a day.

        A day is counted from 1 March 2024, which is day 0.
        """
        ticks = [event("tick", at=until * DAY_MS, user_id="tick") for _ in range(2)]
        for topic, its in self._by_topic(events, ticks).items():
            core = self._cores.get(topic)
            if core is None:
                core = self._cores[topic] = new_core((topic, 0), agents.rules_of(self.settings))
            first = core.state.next_offset
            records = [
                record._replace(topic=topic, offset=first + number)
                for number, record in enumerate(records_from_lines(map(line_of, its), 1))
            ]
            core.apply(records)
            self._records += records
            for table, columns in core.flush().items():
                self.writer.write(table, columns)

    def settle(self, **changes: Any) -> Done:
        """Settle all days that are over, by other rates if a file is named."""
        return settle_closed_days(self.client, self.settings.with_(**changes))

    def run(self, *events: Event, until: int = 1) -> Entries:
        """Let events arrive, settle, and return the ledger."""
        self.log(*events, until=until)
        self.settle()
        return self.ledger()

    def pay(self, name: str) -> int:
        """Pay on a day; return how many payouts there were."""
        rates = load_rates(self.settings.rates)
        span = pay_day(date.fromisoformat(name), rates.pay_day_zone)
        entries, _ = pay(self.client, self.writer, span, rates)
        return len(entries)

    def ledger(self) -> Entries:
        """Return (source, creator, state, amount) of all that is shown, in this order; no ids."""
        return self._rows(
            "SELECT source, creator_id, state, amount_micros FROM earnings_ledger "
            "ORDER BY source, creator_id, state = 'estimated', state = 'adjustment', occurred_at, "
            "amount_micros"
        )

    def balances(self) -> dict[str, int]:
        """Return what everybody is owed, by creator; of another currency by creator and currency."""
        found = self._rows("SELECT creator_id, currency, amount_micros FROM balances")
        return {
            name if currency == "USD" else f"{name} {currency}": n for name, currency, n in found
        }

    def reasons(self) -> list[str]:
        """Return the reasons of the adjustments, without those of live gifts."""
        found = self._rows(
            "SELECT reason FROM ledger FINAL WHERE state = 'adjustment' AND source != 'gift' "
            "ORDER BY reason"
        )
        return [reason for (reason,) in found]

    def dead(self) -> list[str]:
        """Return why messages were refused."""
        return [reason for (reason,) in self._rows("SELECT reason FROM dead_letters ORDER BY 1")]

    def assert_audited(self) -> None:
        """Hold every entry and every settled account against the independent recount."""
        rules, ledger = rules_of(self.settings), Ledger()
        days = self._rows(
            "SELECT source, toUnixTimestamp(toDateTime(day, 'UTC')) * 1000 FROM settlements FINAL"
        )
        settled = Settled(frozenset(days))
        expected = recount(self._records, rules)
        check = ledger_check(expected, settled)
        reports = [
            compare(check, ledger.read(self._rows(check.sql))),
            compare_accounts(
                ledger.accounts,
                targets_of(expected, settled.days, rules),
                rules,
                dict(self._rows(CARDS)),
            ),
            check_payouts(ledger.payouts, rules),
        ]
        assert not [report.differences for report in reports if report.differing]

    def _rows(self, sql: str) -> list[Any]:
        return list(self.client.query(sql).result_rows)

    def _by_topic(self, events: Iterable[Event], ticks: list[Event]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {ENGAGEMENT_TOPIC: [], COMMERCE_TOPIC: []}
        for made in events:
            is_commerce = made["type"].startswith(("order_", "affiliate_", "creator_"))
            found[COMMERCE_TOPIC if is_commerce else ENGAGEMENT_TOPIC].append(made)
        for its, tick in zip(found.values(), ticks, strict=True):
            its.append(tick)
        return found


# Words of logs. Times are in days, hours, minutes and seconds after 1 March 2024, 00:00 UTC.


def after(days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> int:
    """Return milliseconds after the start of 1 March 2024."""
    span_ms = days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS
    return round(span_ms)


def published(video: str = "v", creator: str = "c", *shares: tuple[str, int], **more: Any) -> Event:
    """Return a video's publication; a share is (collaborator, bps)."""
    if shares:
        more["collaborators"] = [{"creator_id": name, "share_bps": bps} for name, bps in shares]
    return event("video_published", video_id=video, creator_id=creator, **more)


def views(
    number: int, days: float = 0, video: str = "v", creator: str = "c", **more: Any
) -> list[Event]:
    """Return qualified views, each of a person of their own; `first` is the first one's number."""
    first = more.pop("first", 0)
    about = {"video_id": video, "creator_id": creator, **more}
    return [
        event("view", user_id=f"{video}{days}-{n}", at=after(days, hours=1), **about)
        for n in range(first, first + number)
    ]


def fan(creator: str = "c", video: str = "v", **more: Any) -> Event:
    """Return a follow: enough to share in the pool."""
    return event("follow", user_id=f"fan of {creator}", video_id=video, creator_id=creator, **more)


def gift(number: int, seconds: float = 0, *, end: bool = False, **more: Any) -> Event:
    """Return a frame of u's streak of roses in live l of c."""
    return event("gift", at=after(seconds=seconds), repeat_count=number, repeat_end=end, **more)


def click(days: float = 0, hours: float = 0, creator: str = "c", **more: Any) -> Event:
    """Return a click of u on c's link to p of s."""
    return event("affiliate_click", at=after(days, hours), creator_id=creator, **more)


def order(what: str, days: float = 0, hours: float = 0, **more: Any) -> Event:
    """Return a step of order o: u buys p of s for 10 USD."""
    fields = {"paid_micros": 10 * USD, "creator_id": None, **more}
    return event(f"order_{what}", at=after(days, hours), **fields)


def deal(*milestones: tuple[int, int], **more: Any) -> Event:
    """Return a deal of 100 USD on c's video v; a milestone is (views, share in bps)."""
    goals = [{"views": goal, "share_bps": bps} for goal, bps in milestones]
    return event("deal_signed", **{"fee_micros": 100 * USD, "milestones": goals, **more})
