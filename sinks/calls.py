"""One call of the engine on behalf of a client: its handle, its settings, its session."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock

from sinks.engine import READER_SETTINGS, Engine, EngineError, Handle, Result
from sinks.sqltext import Insert, statements

SESSIONS_MAX = 256
IDLE_HANDLES_MAX = 32
SESSION_TIMEOUT_S_MAX = 3_600


@dataclass(frozen=True)
class SessionWish:
    """The session that a request names; an empty name means none."""

    name: str = ""
    timeout_s: float = 60
    must_exist: bool = False


@dataclass(frozen=True)
class Call:
    """A statement and all that belongs to it; `data` follows `insert` where that is given."""

    sql: str
    writing: bool
    insert: Insert | None = None
    data: bytes | memoryview = b""
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    wanted_format: str = "TabSeparated"
    session: SessionWish = SessionWish()


_Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class _Session:
    handle: Handle
    deadline: float
    lock: Lock = field(default_factory=Lock)
    applied: dict[str, str] = field(default_factory=dict)


class Caller:
    """Runs calls, each on a handle of its own or on its session's. Safe for many threads.

    Making a handle and its settings costs several times what a small query does, so a handle that
    nothing was changed on is kept for the next call with the same database and settings.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[tuple[str, bool], _Session] = {}
        self._idle: dict[_Key, list[Handle]] = {}
        self._lock = Lock()

    def run(self, call: Call) -> tuple[Result, bool]:
        """The result, and whether the statement is one that gives rows.

        Raises:
            EngineError: as ClickHouse would, with its code.
        """
        if call.session.name:
            with self._in_session(call) as handle:
                self._check(handle, call)
                return _run(handle, call)[:2]
        key: _Key = (call.database, tuple(sorted(_settings(call).items())))
        with ExitStack() as stack:
            handle = self._take(key)
            stack.callback(handle.close)
            if call.parameters:
                handle.prepare("", call.parameters)
            self._check(handle, call)
            result, gives_rows, changes_handle = _run(handle, call)
            if not changes_handle and not call.parameters and self._keep(key, handle):
                stack.pop_all()
            return result, gives_rows

    def close(self) -> None:
        """End all sessions; no call may be running."""
        with self._lock:
            for session in self._sessions.values():
                session.handle.close()
            self._sessions.clear()
            for handles in self._idle.values():
                for handle in handles:
                    handle.close()
            self._idle.clear()

    def _take(self, key: _Key) -> Handle:
        with self._lock:
            handles = self._idle.pop(key, [])
            if handles:
                handle = handles.pop()
                if handles:
                    self._idle[key] = handles
                return handle
        handle = self._engine.handle()
        database, settings = key
        try:
            # readonly comes last: it forbids to change itself
            handle.prepare(database, dict(sorted(settings, key=lambda pair: pair[0] == "readonly")))
        except EngineError:
            handle.close()
            raise
        return handle

    def _keep(self, key: _Key, handle: Handle) -> bool:
        with self._lock:
            if sum(map(len, self._idle.values())) >= IDLE_HANDLES_MAX:
                oldest = next(iter(self._idle))
                for old in self._idle.pop(oldest):
                    old.close()
            self._idle.setdefault(key, []).append(handle)
            return True

    def _check(self, handle: Handle, call: Call) -> None:
        if call.writing:
            return
        if call.insert is not None:
            raise EngineError(
                164, "Cannot execute query in readonly mode: a token is needed for it"
            )
        self._engine.check_reading(handle, call.sql)

    @contextmanager
    def _in_session(self, call: Call) -> Iterator[Handle]:
        session = self._session(call)
        if not session.lock.acquire(blocking=False):
            raise EngineError(373, f"Session {call.session.name} is locked by a concurrent client")
        try:
            self._apply(session, call)
            yield session.handle
        finally:
            session.deadline = time.monotonic() + call.session.timeout_s
            session.lock.release()

    def _session(self, call: Call) -> _Session:
        """The session of that name, kept apart for readers and writers."""
        key = (call.session.name, call.writing)
        now = time.monotonic()
        with self._lock:
            for other, session in list(self._sessions.items()):
                if session.deadline < now and session.lock.acquire(blocking=False):
                    self._sessions.pop(other).handle.close()
            found = self._sessions.get(key)
            if found is None:
                if call.session.must_exist:
                    raise EngineError(372, f"Session {call.session.name} is not found or has ended")
                if len(self._sessions) >= SESSIONS_MAX:
                    raise EngineError(202, f"Too many sessions: {SESSIONS_MAX} are open")
                found = _Session(self._engine.handle(), now + SESSION_TIMEOUT_S_MAX)
                self._sessions[key] = found
            return found

    def _apply(self, session: _Session, call: Call) -> None:
        """Settings of a request hold for it alone: those of the last one go back to default."""
        wanted = _settings(call)
        stale = [name for name in session.applied if name not in wanted]
        if stale:
            session.handle.query("SET " + ", ".join(f"{name} = DEFAULT" for name in stale))
        changed = {name: text for name, text in wanted.items() if session.applied.get(name) != text}
        session.handle.prepare(call.database, changed | dict(call.parameters))
        session.applied = wanted


def _run(handle: Handle, call: Call) -> tuple[Result, bool, bool]:
    """The result, whether the statement gives rows, and whether it may have changed the handle."""
    if call.insert is not None:
        return handle.insert(call.insert.statement, call.insert.format, call.data), False, False
    kind, count = handle.classify(call.sql)
    if count > 1 or (kind == "UNKNOWN" and len(statements(call.sql)) > 1):
        raise EngineError(62, "Multi-statements are not allowed")
    harmless = kind in ("READ_ONLY", "MUTATING")
    return handle.query(call.sql, call.wanted_format), kind == "READ_ONLY", not harmless


def _settings(call: Call) -> dict[str, str]:
    if call.writing:
        return dict(call.settings)
    return {
        name: text for name, text in call.settings.items() if name != "readonly"
    } | READER_SETTINGS
