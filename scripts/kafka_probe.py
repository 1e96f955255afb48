"""The smallest question one can ask a Kafka broker: which requests do you know?"""

from __future__ import annotations

import socket
import struct

from schemas.errors import ConfigError

_API_VERSIONS_KEY = 18
_CORRELATION_ID = 7
_CLIENT_ID = b"engage"
_RESPONSE_BYTES_MAX = 1 << 20


def split_address(address: str) -> list[tuple[str, int]]:
    """Split `host:port,host:port`; raises ConfigError where that is not what it is."""
    pairs = []
    for part in address.split(","):
        host, colon, port = part.strip().rpartition(":")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"'{part}' is not a broker's address: write host:port[,host:port]")
        pairs.append((host.strip("[]"), int(port)))
    return pairs


def broker_answers(host: str, port: int, *, timeout_s: float = 2.0) -> bool:
    """Tell whether a Kafka broker (not just any listener) answers there."""
    header = struct.pack(">hhih", _API_VERSIONS_KEY, 0, _CORRELATION_ID, len(_CLIENT_ID))
    request = header + _CLIENT_ID
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            prefix = _read(connection, 8)
    except OSError:
        return False
    if len(prefix) < 8:
        return False
    length, correlation_id = struct.unpack(">ii", prefix)
    return bool(0 < length <= _RESPONSE_BYTES_MAX and correlation_id == _CORRELATION_ID)


def _read(connection: socket.socket, size: int) -> bytes:
    """Read up to `size` bytes; fewer when the other side closes."""
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            break
        data += chunk
    return data
