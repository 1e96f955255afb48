"""An event loop without threads and without a clock of its own: one generator decides every order.

Simulated I/O waits for its turn; the world gives turns one by one, when nothing else can run. Time
passes only when the world says so.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class InlineExecutor(ThreadPoolExecutor):
    """Runs what `asyncio.to_thread` is given at once, in the only thread there is."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run a function and return its result as a future."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, as the real one does
            future.set_exception(error)
        return future


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0
        self.set_default_executor(InlineExecutor(1))

    def time(self) -> float:
        """Return the simulated time."""
        return self.now_s

    async def idle(self) -> None:
        """Return when nothing but the caller can run."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        while ready:
            await asyncio.sleep(0)


class Turns:
    """Who waits for a turn; `owner` is a process, and the dead never get one."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._waiting: list[tuple[object, asyncio.Future[None]]] = []

    async def wait(self, owner: object) -> None:
        """Wait until the world lets this step happen."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((owner, future))
        await future

    def give(self, owner: object | None = None) -> bool:
        """Let one waiting step happen, of one process or of any; tell whether there was one."""
        found = [at for at, (who, _) in enumerate(self._waiting) if owner in (None, who)]
        if not found:
            return False
        _, future = self._waiting.pop(self._rng.choice(found))
        if not future.done():
            future.set_result(None)
        return True

    def forget(self, owner: object) -> None:
        """Never let anything of a process happen again."""
        self._waiting = [(who, future) for who, future in self._waiting if who is not owner]


def run_simulated(loop: SimulatedLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; what still waits in the end is thrown away with the loop."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_throw_away())
        loop.close()


async def _throw_away() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
