"""The same chaos for the real Pipeline and CheckpointStore: a seed decides every order of events."""

import asyncio
from collections.abc import Sequence
from random import Random

from faust.types import TP

from streams.topics import changelog
from tests.simulation.core import by_partition
from tests.simulation.kafka import Changelog
from tests.simulation.protocol import RIGHT, Protocol
from tests.simulation.real_clients import Network
from tests.simulation.real_loop import SimulatedLoop, Turns, run_simulated
from tests.simulation.real_process import Process, address, simulated_services
from tests.simulation.services import Probe, Services, Sink, Source
from tests.simulation.tables import Tables
from tests.simulation.world import (
    SCHEDULES_PER_LOG,
    WORKERS_MAX,
    Outcome,
    case_of,
    judge,
)

ACTIONS = 400
ROUNDS_MAX = 200
TURNS_MAX = 2_000
OUTSIDERS_MAX = 2


class RealWorld:
    """The simulated cluster of one seed."""

    def __init__(self, seed: int, protocol: Protocol, loop: SimulatedLoop) -> None:
        self.case = case_of(seed // SCHEDULES_PER_LOG)
        self.rng = rng = Random(f"real world {seed}")
        self.protocol, self.loop, self.turns = protocol, loop, Turns(rng)
        sources = {tp: Source(records) for tp, records in by_partition(self.case.records).items()}
        changelogs = {tp: Changelog(transactions=protocol.transactions) for tp in sources}
        self.services = Services(
            rng,
            protocol,
            self.case.rules.pipeline,
            sources,
            changelogs,
            Sink(Tables(), rng),
            Probe(sources),
        )
        self.networks: dict[str, Network] = {}
        self.members = [self._process() for _ in range(rng.randrange(1, WORKERS_MAX + 1))]
        self.outsiders: list[Process] = []
        self._order = iter([(r.topic, r.partition) for r in self.case.records])

    async def run(self) -> list[str]:
        """Let everything happen, come to rest, compare."""
        await self.rebalance()
        for _ in range(ACTIONS):
            (action,) = self.rng.choices(_ACTIONS, _WEIGHTS)
            done = action(self)
            if done is not None:
                await done
            await self.loop.idle()
            if self.rng.random() < 0.3:
                await self._notice_deaths()
        if not await self._come_to_rest():
            return [*self.services.problems, "does not come to rest"]
        return judge(self.services, self.case)

    # ------------------------------------------------------------ what may happen

    def appear(self) -> None:
        """Let records appear in the topics."""
        for _ in range(self.rng.randrange(1, 9)):
            tp = next(self._order, None)
            if tp is not None:
                self.services.sources[tp].grow()

    def fetch(self) -> None:
        """Let a process fetch a run; some are lost on the way, some are fetched again."""
        process = self._somebody()
        if process.fetch_at:
            self._fetch(process, self.rng.choice(sorted(process.fetch_at)), self.rng.random())

    def handle(self) -> None:
        """Let an agent take its next run."""
        self._somebody().handle_next()

    def flush(self) -> None:
        """Let a regular flush begin."""
        self._somebody().flush()

    def turn(self) -> None:
        """Let some steps of simulated I/O happen."""
        for _ in range(self.rng.randrange(1, 4)):
            self.turns.give()

    def crash(self) -> None:
        """Kill a process, at once or between two blocks of rows."""
        process = self._somebody()
        if self.rng.random() < 0.5:
            process.dies_after_writes = self.rng.randrange(4)
        else:
            self.services.note("crashed")
            process.die()

    def clickhouse(self) -> None:
        """Let ClickHouse go away or come back."""
        sink = self.services.sink
        sink.is_away = not sink.is_away and self.rng.random() < 0.5
        self.services.note("away" if sink.is_away else "back")

    def time(self) -> None:
        """Let time pass."""
        self.loop.now_s += self.rng.choice((0.1, 1.0, 6.0))

    async def pause(self) -> None:
        """Let a process be out of the group; it goes on without knowing."""
        if len(self.outsiders) < OUTSIDERS_MAX:
            self.services.note("paused")
            process = self.rng.choice(self.members)
            self.members[self.members.index(process)] = self._process()
            self.outsiders.append(process)
            await self.rebalance()

    async def wake(self) -> None:
        """Let an outsider join again with all it remembers."""
        if self.outsiders:
            self.services.note("woke")
            at = self.rng.randrange(len(self.members))
            self.members[at] = self.outsiders.pop(self.rng.randrange(len(self.outsiders)))
            await self.rebalance()

    async def rebalance(self) -> None:
        """Assign every partition anew: all flush, then all take over."""
        rng, wanted = self.rng, self.rng.randrange(1, WORKERS_MAX + 1)
        joining = [process.joining for process in self.members if process.joining]
        await self._until(joining)
        await self._until([p.start(p.revoke()) for p in self.members if p.alive])
        while len(self.members) > wanted:
            self.members.pop(rng.randrange(len(self.members))).die()
        while len(self.members) < wanted:
            self.members.append(self._process())
        self._replace_dead()
        self.services.generation += 1
        partitions = [TP(*tp) for tp in self.services.sources]
        rng.shuffle(partitions)
        for n, process in enumerate(self.members):
            mine = set(partitions[n :: len(self.members)])
            process.joining = process.start(process.join(mine, self.services.generation))

    def compact(self) -> None:
        """Clean a changelog."""
        if self.protocol.compaction:
            self.rng.choice(list(self.services.changelogs.values())).compact(self.rng)

    def expire(self) -> None:
        """Let a transaction time out."""
        self.rng.choice(list(self.services.changelogs.values())).expire()

    def write_late(self) -> None:
        """Let delayed rows arrive."""
        self.services.sink.write_late()

    # ------------------------------------------------------------ how it happens

    def _process(self) -> Process:
        name = address(len(self.networks))
        topics = {
            (changelog("engage", topic), partition): found
            for (topic, partition), found in self.services.changelogs.items()
        }
        self.networks[name] = Network(self.turns, topics)
        return Process(len(self.networks) - 1, self.services, self.networks[name])

    def _somebody(self) -> Process:
        everybody = [*self.members, *self.outsiders]
        return everybody[self.rng.randrange(len(everybody))]

    def _fetch(self, process: Process, tp: TP, chance: float) -> None:
        before = process.fetch_at[tp]
        run = process.fetch(tp)
        if run is None or chance < 0.1:
            self.services.note("lost" if run else "nothing")
            return
        process.queue.append(run)
        if chance > 0.9:
            self.services.note("redelivered")
            process.fetch_at[tp] = max(0, before - self.rng.randrange(6))

    def _replace_dead(self) -> None:
        self.outsiders = [process for process in self.outsiders if process.alive]
        self.members = [p if p.alive else self._process() for p in self.members]

    async def _notice_deaths(self) -> None:
        if not all(process.alive for process in self.members):
            self._replace_dead()
            await self.rebalance()

    async def _until(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        """Give turns until tasks are done; those of the dead never will be."""
        for _ in range(TURNS_MAX):
            await self.loop.idle()
            alive = {str(process.number) for process in self.members if process.alive}
            if all(task.done() or task.get_name() not in alive for task in tasks):
                return
            if not self.turns.give():
                self.loop.now_s += 1.0
        self.services.problems.append("waits for ever")

    # ------------------------------------------------------------ the end

    async def _come_to_rest(self) -> bool:
        """Deliver everything; tell whether all of it is flushed in bounded time."""
        self.services.sink.is_away = False
        for source in self.services.sources.values():
            source.grow_to_end()
        for _ in range(ROUNDS_MAX):
            await self._notice_deaths()
            for process in [*self.members, *self.outsiders]:
                for tp in sorted(process.fetch_at):
                    self._fetch(process, tp, 0.5)
                process.handle_next()
                process.flush()
            while self.turns.give():
                await self.loop.idle()
            self.loop.now_s += 1.0
            await self.loop.idle()
            if self._is_done():
                return True
        return False

    def _is_done(self) -> bool:
        services = self.services
        ends = {tp: source.next_offset for tp, source in services.sources.items()}
        positions = {tp: broker.position for tp, broker in services.changelogs.items()}
        return ends == positions == services.committed and all(
            process.is_settled or not process.alive for process in [*self.members, *self.outsiders]
        )


_CHANCES = {
    RealWorld.appear: 40,
    RealWorld.fetch: 60,
    RealWorld.handle: 60,
    RealWorld.flush: 20,
    RealWorld.turn: 150,
    RealWorld.time: 10,
    RealWorld.write_late: 8,
    RealWorld.compact: 6,
    RealWorld.crash: 5,
    RealWorld.pause: 3,
    RealWorld.wake: 3,
    RealWorld.rebalance: 3,
    RealWorld.clickhouse: 3,
    RealWorld.expire: 2,
}
_ACTIONS, _WEIGHTS = list(_CHANCES), list(_CHANCES.values())


def simulate_real(seed: int, protocol: Protocol = RIGHT) -> Outcome:
    """Run one seed."""
    loop = SimulatedLoop()
    world = RealWorld(seed, protocol, loop)
    with simulated_services(world.networks):
        problems = run_simulated(loop, world.run())
    return Outcome(seed, problems, world.services.happened)
