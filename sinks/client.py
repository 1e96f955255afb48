"""The ClickHouse client: one way to connect, and errors named for what the caller should do."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    Error,
    OperationalError,
)
from urllib3.exceptions import HTTPError

from schemas.errors import ConfigError, Missing, Refused, Unavailable

# The driver logs a traceback for every failed request before it raises; what it raises says it all.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)

# Inserts are whole, acknowledged blocks: nothing is buffered on the server, nothing is dropped as a
# repetition (rows are idempotent by themselves), and late rows may touch any number of partitions.
INSERT_SETTINGS = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    "distributed_foreground_insert": 1,
}

# Error codes of ClickHouse after which the same request may succeed later.
RETRYABLE_CODES = frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        198,  # DNS_ERROR
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        319,  # UNKNOWN_STATUS_OF_INSERT
        335,  # BARRIER_TIMEOUT
        373,  # SESSION_IS_LOCKED
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR
        473,  # DEADLOCK_AVOIDED
        700,  # USER_SESSION_LIMIT_EXCEEDED
        722,  # ASYNC_LOAD_WAIT_FAILED
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)

_FULL_CODES = frozenset(
    {243}
)  # NOT_ENOUGH_SPACE; found too late, it has the code of a failed write
_FULL_WORDS = "No space left on device"
_AUTHENTICATION_CODES = frozenset({192, 193, 194, 497, 516})
_MISSING_CODES = frozenset({60, 81})
_MESSAGE_LENGTH_MAX = 500


class Address(NamedTuple):
    """Where a ClickHouse answers and as whom, from a URL; no password in its text or repr."""

    interface: str
    host: str
    port: int
    user: str
    password: str
    ca: str = ""  # file of the authority that signed an https server's certificate

    def __str__(self) -> str:
        return f"{self.interface}://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Address({self})"


def parse_url(url: str) -> Address:
    """Read http://user:password@host:port, or https://...:8443?ca=FILE for an authority of one's own.

    Raises:
        ConfigError: it cannot be used; the message never shows the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"the ClickHouse URL cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("the ClickHouse URL must look like http://user:password@host:8123")
    ca = parse_qs(parts.query).get("ca", [""])[0]
    if ca and not Path(ca).is_file():
        raise ConfigError(f"the ClickHouse URL names ca={ca}: no such file")
    return Address(
        parts.scheme,
        parts.hostname,
        port or (8443 if parts.scheme == "https" else 8123),
        unquote(parts.username or "default"),
        unquote(parts.password or ""),
        ca,
    )


def connect(
    url: str,
    database: str = "engagement",
    *,
    connect_timeout_s: float = 5,
    request_timeout_s: float = 120,
) -> Client:
    """A client whose unqualified names mean `database`, which need not exist yet.

    Its connection stays open between requests. It may be used by one thread at a time.

    Raises:
        ConfigError: the URL cannot be used.
        Unavailable: nothing answers there, or it is starting.
        Refused: it answers, but refuses us.
    """
    address = parse_url(url)
    with answering(url):
        client = clickhouse_connect.get_client(
            interface=address.interface,
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            ca_cert=address.ca or None,
            settings=INSERT_SETTINGS,
            connect_timeout=connect_timeout_s,
            send_receive_timeout=request_timeout_s,
            compress=address.host not in ("127.0.0.1", "localhost", "::1"),
            query_limit=0,
            query_retries=0,
            autogenerate_session_id=False,
            show_clickhouse_errors="scrub",
        )
    client.database = database
    return client


@contextmanager
def answering(url: str, *, doing: str = "") -> Iterator[None]:
    """Turn the errors of ClickHouse, and of the way to it, into Unavailable or Refused."""
    try:
        yield
    except ClickHouseError as error:
        raise _named(error, str(parse_url(url)), doing) from error
    except (OSError, HTTPError) as error:
        raise _unavailable(str(parse_url(url)), str(error)) from error


def _named(error: ClickHouseError, address: str, doing: str) -> Unavailable | Refused:
    code = error.code if isinstance(error, Error) else None
    message = plain_message(str(error))
    if code is None and error.__cause__ is not None:
        message = plain_message(str(_root(error)))
    if code is None and type(error) in (OperationalError, DatabaseError):
        return _unavailable(address, message)
    if code in _FULL_CODES or _FULL_WORDS in message:
        return Unavailable(
            f"the disk of ClickHouse at {address} is full ({message}): make room there"
        )
    if code in RETRYABLE_CODES:
        return _unavailable(address, message)
    what = f"ClickHouse at {address} refuses{f' in {doing}' if doing else ''}: {message}"
    if code in _MISSING_CODES:
        return Missing(f"{what}: has 'engage migrate' been run?")
    if code in _AUTHENTICATION_CODES:
        return Refused(f"{what}: check the user and password in ENGAGE_CLICKHOUSE")
    return Refused(what)


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error


def _unavailable(address: str, message: str) -> Unavailable:
    return Unavailable(
        f"ClickHouse at {address} does not answer ({message}): "
        "start it, or set ENGAGE_CLICKHOUSE to where it runs"
    )


def plain_message(text: str) -> str:
    """ClickHouse's message on one line, without the wrapping of driver and server."""
    text = " ".join(text.split())
    text = text.rpartition("DB::Exception: ")[2].removesuffix(".")
    if len(text) > _MESSAGE_LENGTH_MAX:
        text = text[:_MESSAGE_LENGTH_MAX] + " ..."
    return text
