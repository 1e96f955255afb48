"""Ctrl-C that is never lost, also while libraries close their connections."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_AGAIN_S = 0.02


def keep_interrupts() -> None:
    """Let Ctrl-C come again where Python drops it: one that meets a destructor ends nothing else."""
    report = sys.unraisablehook

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            report(what)
            return
        again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = dropped


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; from the main thread.

    Ctrl-C cancels it, and then this raises KeyboardInterrupt whatever became of the cancellation:
    aiokafka swallows one that meets it while it stops, and `asyncio.run` would go on as if nothing
    had been asked. A second Ctrl-C does not wait for the coroutine's clean-up.
    """
    interrupted = False

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel(_number: int, _frame: FrameType | None) -> None:
            nonlocal interrupted
            if interrupted:
                raise KeyboardInterrupt
            interrupted = True
            loop.call_soon_threadsafe(task.cancel)

        before = signal.signal(signal.SIGINT, cancel)
        try:
            return await main
        finally:
            signal.signal(signal.SIGINT, before)

    try:
        result = asyncio.run(watched())
    except BaseException as error:
        if interrupted:
            raise KeyboardInterrupt from error
        raise
    if interrupted:
        raise KeyboardInterrupt
    return result
