"""Ctrl-C ends a coroutine, also when a library swallows the cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

import pytest

from scripts.interrupts import keep_interrupts, run_async


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _as_in_a_terminal() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_it_returns_what_the_coroutine_returns() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert run_async(work()) == 7
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_comes_out_as_it_is() -> None:
    async def work() -> None:
        raise ValueError("it broke")

    with pytest.raises(ValueError, match="it broke"):
        run_async(work())


def test_ctrl_c_cancels() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            interrupt()
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_async(work())
    assert cleaned


def test_a_swallowed_cancellation_is_not_lost() -> None:
    async def work() -> str:
        interrupt()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return "as if nothing had happened"

    with pytest.raises(KeyboardInterrupt):
        run_async(work())


def test_a_cancellation_that_becomes_an_error_is_ctrl_c() -> None:
    async def work() -> None:
        interrupt()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise OSError("closed") from error

    with pytest.raises(KeyboardInterrupt):
        run_async(work())


def test_the_second_ctrl_c_does_not_wait() -> None:
    async def work() -> None:
        interrupt()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        interrupt()
        await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        run_async(work())


def test_one_that_meets_a_destructor_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(str(what.exc_value)))
    keep_interrupts()

    class Closing:
        def __init__(self, error: str = "") -> None:
            self.error = error

        def __del__(self) -> None:
            if self.error:
                raise ValueError(self.error)
            interrupt()
            time.sleep(0.01)

    Closing("reported as before")
    assert told == ["reported as before"]
    with pytest.raises(KeyboardInterrupt):
        Closing()
        time.sleep(5)
    assert told == ["reported as before"]
