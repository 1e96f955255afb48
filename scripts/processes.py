"""Child processes that never outlive us, and ports for them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from schemas.errors import ConfigError, Unavailable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(
    command: Sequence[str], *, log: Path | None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `command` with its output appended to `log`, or on our own stderr without one.

    The child is in a session of its own: Ctrl-C reaches only us, and we stop our children in
    order. On Linux it is killed when the *thread* that started it ends, so call this from the
    main thread.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended before the line above
                os._exit(1)

    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext(sys.stderr) if log is None else log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
            preexec_fn=die_with_parent,  # safe beside threads: it takes no lock
        )


def stop(process: subprocess.Popen[bytes], *, grace_s: float = 10.0) -> int:
    """Ask the process to end, kill it after `grace_s`, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on now; another process may take it before you do."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, *, what: str, host: str = "127.0.0.1") -> None:
    """Raise ConfigError, naming the port, when something listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} for {what} cannot be used ({error.strerror}): "
                "stop what listens there or choose another port"
            ) from error


def wait_until(
    ready: Callable[[], bool],
    *,
    what: str,
    process: subprocess.Popen[bytes],
    log: Path,
    limit_s: float = 30.0,
) -> None:
    """Return when `ready()`; raise Unavailable with the end of the log when it never is."""
    deadline_s = time.monotonic() + limit_s
    while process.poll() is None:
        if ready():
            return
        if time.monotonic() > deadline_s:
            raise Unavailable(f"{what} did not answer within {limit_s:.0f} s: {tail(log)}")
        time.sleep(0.02)
    raise Unavailable(f"{what} ended with {process.returncode}: {tail(log)}")


def tail(log: Path, *, lines: int = 5) -> str:
    """Return the last lines of a log, for an error message."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return " / ".join(text.strip().splitlines()[-lines:]) or f"nothing in {log}"
