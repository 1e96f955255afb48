"""One seed decides everything that happens to a log on its way into the tables.

Records appear, runs are cut, lost and delivered again, workers die between any two steps, are
paused and go on as zombies, join and leave, changelogs are compacted, transactions time out, rows
arrive once more late. In the end everything is delivered, and the tables must be those of the log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from schemas.errors import Fenced, Unavailable
from scripts.recount import Expected, Record, recount
from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS
from tests.simulation.broken import AddingTables
from tests.simulation.core import TP, by_partition
from tests.simulation.kafka import Changelog
from tests.simulation.protocol import RIGHT, Protocol
from tests.simulation.ruleset import RuleSet, rule_set
from tests.simulation.services import Probe, Services, Sink, Source
from tests.simulation.story import random_steps, story_of
from tests.simulation.tables import Tables
from tests.simulation.verdict import against, in_words, positions_of
from tests.simulation.worker import Worker

MESSAGES = 110
ACTIONS = 260
SCHEDULES_PER_LOG = 4  # seeds that share a log, so that it is recounted once
WORKERS_MAX = 3
OUTSIDERS_MAX = 2
ROUNDS_MAX = 60
HOLE_CHANCE = 0.05
NOTICED_CHANCE = 0.3  # that a death is noticed after an action


@dataclass(frozen=True, slots=True)
class Case:
    """A log, its rules and what it must come to."""

    records: Sequence[Record]
    rules: RuleSet
    expected: Expected


@dataclass(slots=True)
class Outcome:
    """What became of one seed: problems, of which there should be none, and what happened."""

    seed: int
    problems: list[str]
    happened: dict[str, int] = field(default_factory=dict)


@lru_cache(maxsize=8)
def case_of(number: int) -> Case:
    """Return a random log with holes in its offsets."""
    rng = Random(f"log {number}")
    rules = rule_set(
        horizon_ms=rng.choice((DAY_MS, 2 * HOUR_MS)),
        pane_keep_ms=rng.choice((15 * MINUTE_MS, MINUTE_MS)),
        threshold_views=rng.choice((1, 2)),
        backlog=rng.random() < 0.3,
    )
    records = []
    moved: dict[TP, int] = {}
    for record in story_of(random_steps(rng, MESSAGES)):
        tp = (record.topic, record.partition)
        moved[tp] = moved.get(tp, 0) + (rng.random() < HOLE_CHANCE)
        records.append(record._replace(offset=record.offset + moved[tp]))
    return Case(records, rules, recount(records, rules.plain))


class World:
    """The simulated cluster of one seed."""

    def __init__(self, seed: int, protocol: Protocol) -> None:
        self.case = case_of(seed // SCHEDULES_PER_LOG)
        self.rng = Random(f"world {seed}")
        self.seed, self.protocol = seed, protocol
        logs = by_partition(self.case.records)
        sources = {tp: Source(records) for tp, records in logs.items()}
        tables = Tables() if protocol.cumulative else AddingTables()
        self.services = Services(
            self.rng,
            protocol,
            self.case.rules.pipeline,
            sources,
            {tp: Changelog(transactions=protocol.transactions) for tp in sources},
            Sink(tables, self.rng),
            Probe(sources),
        )
        self.members = [Worker(self.services) for _ in range(self.rng.randrange(1, WORKERS_MAX))]
        self.zombies: list[Worker] = []
        self.sleepers: list[Worker] = []
        self._somebody_died = False
        self._order = iter([(r.topic, r.partition) for r in self.case.records])

    def run(self) -> Outcome:
        """Let everything happen, come to rest, compare."""
        services = self.services
        self.rebalance()
        for _ in range(ACTIONS):
            self._act()
        if not self._come_to_rest():
            services.problems.append("does not come to rest")
            return Outcome(self.seed, services.problems, services.happened)
        return Outcome(self.seed, judge(services, self.case), services.happened)

    # ------------------------------------------------------------ what may happen

    def _act(self) -> None:
        (action,) = self.rng.choices(_ACTIONS, _WEIGHTS)
        action(self)
        if self.rng.random() < NOTICED_CHANCE:
            self._notice_deaths()

    def appear(self) -> None:
        """Let records appear in the topics."""
        for _ in range(self.rng.randrange(1, 9)):
            tp = next(self._order, None)
            if tp is not None:
                self.services.sources[tp].grow()

    def fetch(self) -> None:
        """Let a worker fetch a run; some are lost on the way, some are fetched again."""
        worker = self._somebody()
        if not worker.fetch_at:
            return
        tp = self.rng.choice(sorted(worker.fetch_at))
        before = worker.fetch_at[tp]
        run = worker.fetch(tp)
        if not run:
            return
        chance = self.rng.random()
        if chance < 0.1:
            self.services.note("lost")
            return
        worker.queue.append((tp, run))
        if chance > 0.9:
            self.services.note("redelivered")
            worker.fetch_at[tp] = max(0, before - self.rng.randrange(6))

    def handle(self) -> None:
        """Let a worker apply the oldest run it has."""
        worker = self._somebody()
        if worker.queue:
            worker.handle()

    def watch(self) -> None:
        """Let a member compare where it fetches with where its state is."""
        if self.protocol.watches_quiet_end:
            self._somebody().watch()

    def flush(self) -> None:
        """Begin a flush, or carry the one in flight on."""
        worker = self._somebody()
        worker.begin_flush()
        for _ in range(self.rng.randrange(1, 8)):
            self._step(worker)

    def join(self) -> None:
        """Carry a take-over on."""
        worker = self._somebody()
        for _ in range(self.rng.randrange(1, 8)):
            self._step(worker)

    def crash(self) -> None:
        """Kill a worker between two of its steps; another one starts."""
        worker = self._somebody()
        self.services.note("crashed in a flush" if worker.flushing else "crashed")
        self._replace(worker)

    def pause(self) -> None:
        """Let a worker be out of reach beyond its session, asleep or at work without knowing it."""
        if len(self.zombies) + len(self.sleepers) < OUTSIDERS_MAX:
            worker = self.rng.choice(self.members)
            if self.rng.random() < 0.5:
                self._finish_flush(worker)
                worker.begin_flush(final=True)
                self._finish_flush(worker)
            if worker not in self.members:
                return
            self.services.note("paused")
            self.members[self.members.index(worker)] = Worker(self.services)
            self.rng.choice((self.zombies, self.sleepers)).append(worker)
            self.rebalance()

    def wake(self) -> None:
        """Let an outsider notice that the group went on, and join again with all it remembers."""
        outsiders = self.rng.choice((self.zombies, self.sleepers))
        if outsiders:
            self.services.note("woke")
            self._revoke_all()
            self.members[self.rng.randrange(len(self.members))] = outsiders.pop()
            self._assign()

    def rebalance(self) -> None:
        """Let workers join or leave; every partition is assigned anew."""
        rng, wanted = self.rng, self.rng.randrange(1, WORKERS_MAX + 1)
        self._revoke_all()
        while len(self.members) > wanted:
            self.members.pop(rng.randrange(len(self.members)))
        while len(self.members) < wanted:
            self.members.append(Worker(self.services))
        self._assign()

    def compact(self) -> None:
        """Clean a changelog."""
        if self.protocol.compaction:
            rng = self.rng
            rng.choice(list(self.services.changelogs.values())).compact(rng)

    def expire(self) -> None:
        """Let a transaction time out."""
        self.rng.choice(list(self.services.changelogs.values())).expire()

    def write_late(self) -> None:
        """Let delayed rows arrive."""
        self.services.sink.write_late()

    # ------------------------------------------------------------ how it happens

    def _somebody(self) -> Worker:
        everybody = [*self.members, *self.zombies]
        return everybody[self.rng.randrange(len(everybody))]

    def _notice_deaths(self) -> None:
        if self._somebody_died:
            self._revoke_all()
            self._assign()

    def _assign(self) -> None:
        self.services.generation += 1
        partitions = list(self.services.sources)
        self.rng.shuffle(partitions)
        number = len(self.members)
        for n, worker in enumerate(self.members):
            worker.join(set(partitions[n::number]), self.services.generation)

    def _revoke_all(self) -> None:
        """Let all members flush what they have; whoever dies of it is replaced."""
        for worker in list(self.members):
            self._revoke(worker)
        self._somebody_died = False

    def _revoke(self, worker: Worker) -> None:
        """Finish what is in flight and flush, unless ClickHouse is away: then all is lost."""
        worker.joining = None
        self._finish_flush(worker)
        if not worker.is_dirty:
            return
        chance = self.rng.random()
        if chance < 0.6:
            worker.begin_flush(final=True)
            self._finish_flush(worker)
        elif chance < 0.9:
            self.services.note("gave up")
            for tp in list(worker.owned):
                worker.lose(tp)

    def _finish_flush(self, worker: Worker) -> None:
        while worker.flushing is not None:
            self._step(worker)

    def _step(self, worker: Worker) -> None:
        """Carry one step of a worker out; whoever is fenced ends and is restarted."""
        steps = worker.joining or worker.flushing
        if steps is None:
            return
        try:
            done = next(steps, worker)
        except (Fenced, Unavailable) as error:
            self.services.note(type(error).__name__.lower())
            self._replace(worker)
            return
        if done is not worker:
            return
        if steps is worker.joining:
            worker.joining = None
        else:
            worker.flushing = None

    def _replace(self, worker: Worker) -> None:
        worker.die()
        if worker in self.zombies:
            self.zombies.remove(worker)
            return
        self.members[self.members.index(worker)] = Worker(self.services)
        self._somebody_died = True

    # ------------------------------------------------------------ the end

    def _come_to_rest(self) -> bool:
        """Deliver everything; tell whether all of it is flushed in bounded time."""
        for source in self.services.sources.values():
            source.grow_to_end()
        self.zombies += self.sleepers
        self.sleepers = []
        while self.zombies:  # they go on until they are fenced or have nothing to do
            self._drive(self.zombies[0])
        for _ in range(ROUNDS_MAX):
            for worker in list(self.members):
                self._drive(worker)
            self._notice_deaths()
            if all(self._is_done(tp) for tp in self.services.sources):
                return True
        return False

    def _drive(self, worker: Worker) -> None:
        for _ in range(20):
            self._step(worker)
        for tp in sorted(worker.fetch_at):
            run = worker.fetch(tp)
            if run:
                worker.queue.append((tp, run))
        while worker.queue:
            worker.handle()
        if self.protocol.watches_quiet_end:
            worker.watch()
        worker.begin_flush(final=True)
        self._finish_flush(worker)
        if worker in self.zombies and worker.joining is None and not worker.is_dirty:
            self.zombies.remove(worker)

    def _is_done(self, tp: TP) -> bool:
        end = self.services.sources[tp].next_offset
        return self.services.changelogs[tp].position == end


def judge(services: Services, case: Case) -> list[str]:
    """Return what is wrong at the end, after all delayed rows have arrived."""
    services.sink.write_all_late()
    problems = list(services.problems)
    found = against(services.sink.tables, case.expected, positions_of(case.records))
    if found:
        problems.append(in_words(found))
    told = sorted(
        key.decode()
        for changelog in services.changelogs.values()
        for key, _ in changelog.dead_letters
        if not key.isdigit()
    )
    decided = sorted(f"boost {name}" for name in case.expected.boosts)
    if (told if services.protocol.transactions else sorted(set(told))) != decided:
        problems.append(f"decisions told {told}, expected {decided}")
    for tp, changelog in services.changelogs.items():
        sent = sorted(int(key) for key, _ in changelog.dead_letters if key.isdigit())
        due = sorted(offset for *at, offset in case.expected.dead_letters if tuple(at) == tp)
        if (sent if services.protocol.transactions else sorted(set(sent))) != due:
            problems.append(f"{tp}: dead letters {sent}, expected {due}")
    return problems


_CHANCES: dict[Callable[[World], None], int] = {
    World.appear: 40,
    World.fetch: 60,
    World.handle: 60,
    World.flush: 60,
    World.join: 40,
    World.watch: 4,
    World.write_late: 8,
    World.compact: 6,
    World.crash: 5,
    World.pause: 4,
    World.wake: 4,
    World.rebalance: 3,
    World.expire: 2,
}
_ACTIONS, _WEIGHTS = list(_CHANCES), list(_CHANCES.values())


def simulate(seed: int, protocol: Protocol = RIGHT) -> Outcome:
    """Run one seed."""
    return World(seed, protocol).run()
