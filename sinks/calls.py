"""One call of the engine on behalf of a client: its handle, its settings, its session."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from sinks.engine import READER_SETTINGS, Engine, EngineError, Handle, Result
from sinks.sqltext import Insert, statements

SESSIONS_MAX = 256
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
    wanted_format: str = "TabSeparated"
    session: SessionWish = SessionWish()


@dataclass
class _Session:
    handle: Handle
    deadline: float
    lock: Lock = field(default_factory=Lock)
    applied: dict[str, str] = field(default_factory=dict)


class Caller:
    """Runs calls, each on a handle of its own or on its session's. Safe for many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[tuple[str, bool], _Session] = {}
        self._lock = Lock()

    def run(self, call: Call) -> tuple[Result, bool]:
        """The result, and whether the statement is one that gives rows.

        Raises:
            EngineError: as ClickHouse would, with its code.
        """
        with self._prepared(call) as handle:
            if call.insert is not None:
                return handle.insert(call.insert.statement, call.insert.format, call.data), False
            kind, count = handle.classify(call.sql)
            if count > 1 or (kind == "UNKNOWN" and len(statements(call.sql)) > 1):
                raise EngineError(62, "Multi-statements are not allowed")
            return handle.query(call.sql, call.wanted_format), kind == "READ_ONLY"

    def close(self) -> None:
        """End all sessions; no call may be running."""
        with self._lock:
            for session in self._sessions.values():
                session.handle.close()
            self._sessions.clear()

    @contextmanager
    def _prepared(self, call: Call) -> Iterator[Handle]:
        if call.session.name:
            with self._in_session(call) as handle:
                self._check(handle, call)
                yield handle
            return
        with self._engine.handle() as handle:
            handle.prepare(call.database, _settings(call))
            self._check(handle, call)
            yield handle

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
        session.handle.prepare(call.database, changed)
        session.applied = wanted


def _settings(call: Call) -> dict[str, str]:
    """The settings to make, `readonly` last: it forbids to change itself."""
    if call.writing:
        return dict(call.settings)
    return {
        name: text for name, text in call.settings.items() if name != "readonly"
    } | READER_SETTINGS
