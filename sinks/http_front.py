"""ClickHouse's HTTP protocol in front of the embedded engine.

What ClickHouse's clients need and this serves: a query in the URL, in the body or both, whatever
the content type says; multipart forms; settings and `param_` values in the URL; inserts in every
input format, packed by gzip, lz4 or zstd; packed answers; sessions; `/ping`; the answer's headers.
A request without credentials may read what is in the database and nothing else; everything else
takes the password of the user `default`, which is the token.

What it does not do, and says so: the block compression of `compress=1` and `decompress=1`, external
tables, several statements in one request.
"""

import asyncio
import base64
import binascii
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiohttp import web

from sinks import encodings
from sinks.calls import SESSION_TIMEOUT_S_MAX, Call, Caller, SessionWish
from sinks.engine import Engine, EngineError, Result
from sinks.native import NativeError, from_plain
from sinks.sqltext import output_format, parse_insert

QUERY_PREFIX_BYTES = 256 << 10  # an INSERT's FORMAT clause is looked for in this much
PACK_FROM_BYTES = 1_024
PARAMETER = "param_"

# URL parameters that steer the protocol; all others are settings of the engine.
_PROTOCOL = frozenset(
    {
        *("query", "query_id", "user", "password", "database", "default_format", "role"),
        *("session_id", "session_timeout", "session_check", "close_session", "quota_key"),
        *("compress", "decompress", "client_protocol_version", "buffer_size", "stacktrace"),
        *("wait_end_of_query", "http_write_exception_in_output_format"),
    }
)
_STATUS = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 117, 456, 457), 400),
    **dict.fromkeys((193, 194, 516), 403),
    **dict.fromkeys((164, 497), 403),
    **dict.fromkeys((46, 47, 50, 60, 73, 81, 115, 372), 404),
    159: 408,
    307: 413,
    48: 501,
    202: 503,
}
_CONTENT_TYPES = (
    (re.compile(r"JSON.*EachRow.*"), "application/x-ndjson; charset=UTF-8"),
    (re.compile(r"(Pretty)?JSON.*"), "application/json; charset=UTF-8"),
    (re.compile(r"CSV.*"), "text/csv; charset=UTF-8; header=present"),
    (re.compile(r"(TSV|TabSeparated).*"), "text/tab-separated-values; charset=UTF-8"),
    (
        re.compile(r"Native|RowBinary.*|Arrow.*|Parquet|ORC|Avro|MsgPack"),
        "application/octet-stream",
    ),
)


@dataclass(frozen=True)
class FrontLimits:
    """Bounds of the front: what a client may send, and how many may wait."""

    body_bytes_max: int = 256 << 20
    unpacked_bytes_max: int = 1 << 30
    running_max: int = 8
    waiting_max: int = 256


@dataclass(frozen=True)
class _Received:
    """A request as it was sent, and whether its sender may write."""

    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    body: bytes
    writing: bool


class Front:
    """The HTTP application around an engine."""

    def __init__(self, engine: Engine, token: str, limits: FrontLimits | None = None) -> None:
        assert token, "a front without a token would take any password"
        self._engine = engine
        self._token = token
        self._limits = limits or FrontLimits()
        self._caller = Caller(engine)
        self._threads = ThreadPoolExecutor(self._limits.running_max, "query")
        self._present = 0

    def application(self) -> web.Application:
        """The aiohttp application; its clean-up waits for running queries and ends the sessions."""
        app = web.Application(client_max_size=self._limits.body_bytes_max)
        for path in ("/ping", "/replicas_status"):
            app.router.add_get(path, _ping)
        app.router.add_get("/", self._answer)
        app.router.add_post("/", self._answer)
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _app: web.Application) -> None:
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        self._caller.close()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            response = await self._respond(request)
        except EngineError as error:
            response = self._failure(error)
        except ConnectionError:  # the caller left inside of the query: nobody reads this
            response = self._failure(EngineError(210, "The connection ended inside of the query"))
        except web.HTTPRequestEntityTooLarge:
            limit = self._limits.body_bytes_max
            response = self._failure(EngineError(307, f"The body is larger than {limit} bytes"))
        response.headers["X-ClickHouse-Query-Id"] = request.query.get("query_id") or str(
            uuid.uuid4()
        )
        response.headers["X-ClickHouse-Server-Display-Name"] = "embedded"
        response.headers["X-ClickHouse-Timezone"] = self._engine.timezone
        return response

    async def _respond(self, request: web.Request) -> web.Response:
        writing = self._may_write(request) and request.method == "POST"
        parameters, body = await _read(request)
        if not parameters.get("query") and not body and request.method == "GET":
            return await _ping(request)
        if self._present >= self._limits.running_max + self._limits.waiting_max:
            raise EngineError(202, "Too many simultaneous queries: try again later")
        self._present += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._run, _Received(request.headers, parameters, body, writing)
            )
        finally:
            self._present -= 1

    def _may_write(self, request: web.Request) -> bool:
        """Whether the token was given; no password at all makes a reader, a wrong one is refused."""
        user, password = _credentials(request)
        if user in ("", "default") and not password:
            return False
        if user in ("", "default") and hmac.compare_digest(password.encode(), self._token.encode()):
            return True
        raise EngineError(
            516,
            f"{user or 'default'}: Authentication failed: password is incorrect, "
            "or there is no user with such name. (AUTHENTICATION_FAILED)",
        )

    def _run(self, received: _Received) -> web.Response:
        """Everything that takes time, in a thread of its own."""
        call = _call(received, self._limits.unpacked_bytes_max)
        result, gives_rows = self._caller.run(call)
        body, headers = result.body, {"X-ClickHouse-Summary": _summary(result)}
        if gives_rows:
            wanted = output_format(call.sql) or call.wanted_format
            headers["X-ClickHouse-Format"] = wanted
            headers["Content-Type"] = _content_type(wanted)
            if wanted == "Native":
                body = _for_client(body, _revision(received.parameters))
        body, encoding = _packed(body, received)
        if encoding:
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, headers=headers)

    def _failure(self, error: EngineError) -> web.Response:
        text = f"{error}"
        if not text.startswith("Code: "):
            text = f"Code: {error.code}. DB::Exception: {text}"
        version = f" (version {self._engine.version} (embedded))"
        response = web.Response(status=_STATUS.get(error.code, 500), text=f"{text}{version}\n")
        response.headers["X-ClickHouse-Exception-Code"] = str(error.code)
        return response


async def _ping(_request: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _read(request: web.Request) -> tuple[dict[str, str], bytes]:
    """Parameters and body. Only a multipart body is a form: curl's `-d` sends plain queries."""
    parameters = dict(request.query)
    if request.content_type != "multipart/form-data":
        return parameters, await request.read()
    for name, value in (await request.post()).items():
        if not isinstance(value, str):
            raise EngineError(48, f"External tables are not supported here: {name}")
        parameters[name] = value
    return parameters, b""


def _credentials(request: web.Request) -> tuple[str, str]:
    header = request.headers.get("Authorization", "")
    if header[:6].lower() == "basic ":
        try:
            user, _, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise EngineError(516, f"The Authorization header cannot be read: {error}") from error
        return user, password
    if header:
        raise EngineError(516, "Only Basic authorization is spoken here")
    user = request.headers.get("X-ClickHouse-User") or request.query.get("user", "")
    return user, request.headers.get("X-ClickHouse-Key") or request.query.get("password", "")


def _unpacked(received: _Received, bytes_max: int) -> bytes:
    encoding = received.headers.get("Content-Encoding", "")
    try:
        return encodings.unpack(received.body, encoding, bytes_max)
    except encodings.TooLarge as error:
        raise EngineError(307, str(error)) from error
    except ValueError as error:
        raise EngineError(354, str(error)) from error


def _call(received: _Received, unpacked_bytes_max: int) -> Call:
    """Put the query of the URL before the body, as ClickHouse does, and find an INSERT's data."""
    parameters, headers = received.parameters, received.headers
    for name in ("compress", "decompress"):
        if parameters.get(name, "0") not in ("0", "false"):
            raise EngineError(
                48, f"{name}=1 (block compression) is not supported here: use Content-Encoding"
            )
    whole = _unpacked(received, unpacked_bytes_max)
    if parameters.get("query"):
        whole = parameters["query"].encode() + b"\n" + whole
    # Latin-1 keeps characters and bytes in step: the data behind the statement may be binary.
    insert = parse_insert(whole[:QUERY_PREFIX_BYTES].decode("latin-1"))
    if insert is None:
        sql, data = _text(whole), b""
    else:
        sql, data = "", whole[insert.data_start :]
        insert = insert._replace(statement=_text(insert.statement.encode("latin-1")))
    return Call(
        sql=sql,
        writing=received.writing,
        insert=insert,
        data=data,
        database=parameters.get("database") or headers.get("X-ClickHouse-Database", ""),
        settings=_settings(parameters),
        parameters={name: text for name, text in parameters.items() if name.startswith(PARAMETER)},
        wanted_format=parameters.get("default_format")
        or headers.get("X-ClickHouse-Format")
        or "TabSeparated",
        session=_session(parameters),
    )


def _settings(parameters: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in parameters.items()
        if name not in _PROTOCOL and not name.startswith(PARAMETER)
    }


def _text(query: bytes) -> str:
    try:
        return query.decode()
    except UnicodeDecodeError as error:
        raise EngineError(62, f"The query is not UTF-8: {error}") from error


def _session(parameters: Mapping[str, str]) -> SessionWish:
    try:
        timeout_s = float(parameters.get("session_timeout", "60"))
    except ValueError as error:
        raise EngineError(374, f"Invalid session timeout: {error}") from error
    if not 0 < timeout_s <= SESSION_TIMEOUT_S_MAX:
        raise EngineError(374, f"Session timeout must be within {SESSION_TIMEOUT_S_MAX} seconds")
    return SessionWish(
        parameters.get("session_id", ""), timeout_s, parameters.get("session_check") == "1"
    )


def _revision(parameters: Mapping[str, str]) -> int:
    try:
        return int(parameters.get("client_protocol_version", "0"))
    except ValueError as error:
        raise EngineError(27, f"client_protocol_version: {error}") from error


def _for_client(data: bytes, revision: int) -> bytes:
    try:
        return from_plain(data, revision)
    except NativeError as error:
        raise EngineError(48, f"Native for this client's protocol: {error}") from error


def _summary(result: Result) -> str:
    return json.dumps({name: str(number) for name, number in result.summary.items()})


def _content_type(wanted: str) -> str:
    for pattern, content_type in _CONTENT_TYPES:
        if pattern.fullmatch(wanted):
            return content_type
    return "text/plain; charset=UTF-8"


def _packed(body: bytes, received: _Received) -> tuple[bytes, str]:
    if received.parameters.get("enable_http_compression", "0") in ("0", "false"):
        return body, ""
    encoding = encodings.choose(received.headers.get("Accept-Encoding", ""))
    if not encoding or len(body) < PACK_FROM_BYTES:
        return body, ""
    return encodings.pack(body, encoding), encoding
