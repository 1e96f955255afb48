"""The plainest possible HTTP client of ClickHouse, for what no driver would send."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlencode

from sinks.client import parse_url
from sinks.embedded import EmbeddedClickHouse


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        return int(self.headers.get("X-ClickHouse-Exception-Code", "0"))


class Http:
    """Sends what it is told to the embedded server, with the token unless told otherwise."""

    def __init__(self, server: EmbeddedClickHouse) -> None:
        address = parse_url(server.url)
        self.host, self.port, self.token = address.host, address.port, address.password

    def call(
        self,
        query: str = "",
        body: bytes = b"",
        *,
        method: str = "POST",
        token: bool = True,
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        **parameters: str,
    ) -> Answer:
        if query:
            parameters["query"] = query
        sent = dict(headers or {})
        if token:
            sent["X-ClickHouse-User"] = "default"
            sent["X-ClickHouse-Key"] = self.token
        connection = HTTPConnection(self.host, self.port, timeout=60)
        url = f"{path}?{urlencode(parameters)}" if parameters else path
        connection.request(method, url, body=body, headers=sent)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def ok(self, query: str = "", body: bytes = b"", **options: object) -> str:
        answer = self.call(query, body, **options)  # type: ignore[arg-type]
        assert answer.status == 200, answer.text
        return answer.text
