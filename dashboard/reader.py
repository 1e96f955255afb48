"""Reads ClickHouse over HTTP, without ever being able to write.

Every question is a GET: ClickHouse runs those read-only whatever the user may do, and so does the
embedded one. No setting is sent, so a user with `readonly=1` is enough. The event loop waits for
many answers at once, and a question that nobody waits for any more is dropped with its request;
the synchronous client of the writers could do neither.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from dashboard.parameters import Ask
from schemas.errors import Refused, Unavailable
from sinks.client import RETRYABLE_CODES, parse_url, plain_message

TOGETHER_MAX = 3  # the worker needs ClickHouse more than we do
TIMEOUT_S = 20.0
_UNKNOWN_DATABASE_OR_TABLE = ("60", "81")

Row = dict[str, Any]
_Cell = Callable[[Any], Any]


class Reader:
    """Asks questions, a few at a time; use it inside a running event loop and `close` it.

    64-bit integers come as decimal strings, because a browser's numbers end at 2^53; times as
    milliseconds since 1970; dates as YYYY-MM-DD.
    """

    def __init__(self, url: str, database: str = "engagement") -> None:
        self._address = parse_url(url)
        self._database = database
        self._together = asyncio.Semaphore(TOGETHER_MAX)
        self._session: aiohttp.ClientSession | None = None

    @property
    def address(self) -> str:
        """Where ClickHouse answers, without credentials."""
        return str(self._address)

    async def rows(self, ask: Ask) -> list[Row]:
        """The answer's rows, by column name.

        Raises:
            Unavailable: nothing answers there, or it cannot now.
            Refused: it answers, but refuses the question.
        """
        parameters = {
            "query": ask.query.sql,
            "database": self._database,
            "default_format": "JSONCompact",
            "wait_end_of_query": "1",
        }
        for name, value in ask.bindings.items():
            parameters[f"param_{name}"] = _escaped(value)
        async with self._together:
            body = await self._get(parameters)
        try:
            return _rows(body)
        except (ValueError, KeyError) as error:
            message = plain_message(body[-2_000:].decode(errors="replace"))
            raise Unavailable(f"ClickHouse at {self.address} broke off: {message}") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get(self, parameters: Mapping[str, str]) -> bytes:
        if self._session is None:
            self._session = self._connected()
        try:
            async with self._session.get("/", params=parameters) as response:
                body = await response.read()
                if response.status != 200:
                    code = response.headers.get("X-ClickHouse-Exception-Code", "")
                    raise self._error(code, body.decode(errors="replace"))
                return body
        except TimeoutError as error:
            raise Unavailable(
                f"ClickHouse at {self.address} did not answer within {TIMEOUT_S:.0f} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unavailable(
                f"ClickHouse at {self.address} does not answer ({why}): this goes on when it does"
            ) from error

    def _connected(self) -> aiohttp.ClientSession:
        user, password = self._address.user, self._address.password
        # The embedded ClickHouse takes readers without a name; an empty password is not sent to it.
        headers = {}
        if password or user != "default":
            headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
        return aiohttp.ClientSession(
            self.address,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, connect=5),
            connector=aiohttp.TCPConnector(limit=TOGETHER_MAX, ssl=self._tls()),
        )

    def _tls(self) -> ssl.SSLContext | bool:
        ca = self._address.ca
        return ssl.create_default_context(cafile=ca) if ca else True

    def _error(self, code: str, text: str) -> Unavailable | Refused:
        message = plain_message(text)
        if code.isdigit() and int(code) in RETRYABLE_CODES:
            return Unavailable(f"ClickHouse at {self.address} cannot answer now: {message}")
        hint = ": has 'engage migrate' been run?" if code in _UNKNOWN_DATABASE_OR_TABLE else ""
        return Refused(f"ClickHouse at {self.address} refuses: {message}{hint}")


def _escaped(value: str) -> str:
    """A parameter's text as ClickHouse reads it: like a field of TabSeparated."""
    for plain, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\0", "\\0")):
        value = value.replace(plain, written)
    return value


def _rows(body: bytes) -> list[Row]:
    answer = json.loads(body.decode(errors="replace"))
    columns = [(column["name"], _cell(column["type"])) for column in answer["meta"]]
    return [
        {name: cell(value) for (name, cell), value in zip(columns, row, strict=True)}
        for row in answer["data"]
    ]


def _cell(kind: str) -> _Cell:
    """How a value of this ClickHouse type is handed on."""
    outer, _, inner = kind.partition("(")
    if outer in ("Nullable", "LowCardinality"):
        convert = _cell(inner[:-1])
        return lambda value: None if value is None else convert(value)
    if outer == "Array":
        element = _cell(inner[:-1])
        return lambda values: [element(value) for value in values]
    if outer == "Map":
        element = _cell(inner[:-1].rpartition(", ")[2])
        return lambda pairs: {key: element(value) for key, value in pairs.items()}
    if outer in ("Int64", "UInt64", "Int128", "UInt128", "Int256", "UInt256"):
        return str
    if outer in ("DateTime", "DateTime64"):
        return _milliseconds
    return lambda value: value


def _milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
