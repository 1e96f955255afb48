"""The dashboard's HTTP server: static files, answers as JSON, and a stream of live updates.

    GET /                                 the page
    GET /api/panels                       what can be asked, with parameters
    GET /api/panels/NAME?parameter=value  one answer
    GET /api/stream?panels=A,B&range=1h   server-sent events: `history`, `pulse`, `panel`, and
                                          `problem` (nothing can be read), `trouble` (one panel)

    GET /healthz                          that it answers; needs no token

It reads and never writes, takes no cookies, and knows no users: it listens on this machine unless
told otherwise, and then answers only to names of this machine, so that no web page elsewhere can
have a browser read it (DNS rebinding). Reached from elsewhere it asks for its token.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from dashboard.hub import Hub
from dashboard.parameters import Query, asks_of
from dashboard.queries import PANELS
from dashboard.reader import Reader
from dashboard.static import FILES, StaticFile
from schemas.errors import EngageError, InputError, Refused
from sinks.http_access import REALM, Access, is_loopback

PANELS_MAX = 12
SHUTDOWN_S = 2.0
RETRY_MS = 1_000
HEALTH = "/healthz"

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dashboard:
    """The server and its polling; start and stop it inside one event loop.

    `hosts` are further names by which a proxy in front may call it. A host that other machines reach
    needs a token, else ConfigError.
    """

    def __init__(
        self,
        clickhouse: str,
        *,
        database: str = "engagement",
        host: str = "127.0.0.1",
        port: int = 0,
        hosts: tuple[str, ...] = (),
        token: str = "",
    ) -> None:
        self._access = Access(host, token)
        self._reader = Reader(clickhouse, database)
        self._hub = Hub(self._reader)
        self.host = host
        self._port = port
        self._hosts = frozenset({"localhost", host, *hosts}) if is_loopback(host) else None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "localhost" if _is_everywhere(self.host) else self.host
        return f"http://[{host}]:{self._port}/" if ":" in host else f"http://{host}:{self._port}/"

    async def start(self) -> None:
        """Listen.

        Raises:
            Refused: the port or the address cannot be used; the message says what to do.
        """
        listener = _listener(self.host, self._port)
        self._port = listener.getsockname()[1]
        self._runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=SHUTDOWN_S
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Dismiss who looks and close everything."""
        await self._hub.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._reader.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._check_host, self._check_token, _errors_as_json])
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/api/panels", _describe)
        app.router.add_get("/api/panels/{name}", self._panel)
        app.router.add_get("/api/stream", self._stream)
        app.router.add_get(HEALTH, _health)
        app.router.add_get("/{path:.*}", _static)
        return app

    @web.middleware
    async def _check_host(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if self._hosts is not None and not self._known_host(request.host):
            text = f"this dashboard does not answer as {request.host!r}: see --allow-host\n"
            return web.Response(status=421, text=text)
        return await handler(request)

    @web.middleware
    async def _check_token(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.path != HEALTH and not self._access.allows(
            request.headers.get("Authorization", "")
        ):
            return web.Response(
                status=401, headers={"WWW-Authenticate": REALM}, text="the password is the token\n"
            )
        return await handler(request)

    def _known_host(self, host: str) -> bool:
        assert self._hosts is not None
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return name in self._hosts or is_loopback(name.strip("[]"))

    async def _panel(self, request: web.Request) -> web.Response:
        (ask,) = asks_of((_query(request.match_info["name"]),), dict(request.query))
        began_s = time.perf_counter()
        body = await self._hub.answer(ask)
        took_ms = (time.perf_counter() - began_s) * 1000
        headers = {"Cache-Control": "no-store", "Server-Timing": f"clickhouse;dur={took_ms:.1f}"}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        given = dict(request.query)
        names = [name for name in given.pop("panels", "").split(",") if name]
        if len(names) > PANELS_MAX:
            raise InputError(f"panels: at most {PANELS_MAX} at a time, not {len(names)}")
        viewer = self._hub.join(asks_of(tuple(_query(name) for name in names), given))
        try:
            response = web.StreamResponse(
                headers={
                    "Content-Type": "text/event-stream; charset=utf-8",
                    "Cache-Control": "no-store",
                    "X-Accel-Buffering": "no",
                }
            )
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            async for message in viewer.frames():
                await response.write(message)
        except ConnectionResetError:
            pass  # they closed the page
        finally:
            self._hub.leave(viewer)
        return response


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _query(name: str) -> Query:
    if name not in PANELS:
        raise InputError(f"there is no panel {name[:40]!r}: there are {', '.join(PANELS)}")
    return PANELS[name]


async def _health(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _describe(_request: web.Request) -> web.Response:
    described = {
        query.name: {
            "meaning": query.meaning,
            "parameters": {parameter.name: parameter.default for parameter in query.parameters},
        }
        for query in PANELS.values()
    }
    return web.Response(body=msgspec.json.encode(described), content_type="application/json")


async def _static(request: web.Request) -> web.Response:
    file = FILES.get(request.match_info["path"] or "index.html")
    if file is None:
        raise web.HTTPNotFound(text="there is no such page\n")
    return _file_response(request, file)


def _file_response(request: web.Request, file: StaticFile) -> web.Response:
    # Asked for again at every load, answered with 304: an upgrade is seen at once.
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.content_type
    if file.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=file.packed, headers=headers)
    return web.Response(body=file.body, headers=headers)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers["Server"] = "engage"


@web.middleware
async def _errors_as_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except InputError as error:
        return _failure(400, str(error))
    except EngageError as error:
        return _failure(503, str(error))


def _failure(status: int, message: str) -> web.Response:
    body = msgspec.json.encode({"error": message})
    headers = {"Cache-Control": "no-store"}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _listener(host: str, port: int) -> socket.socket:
    listener: socket.socket | None = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise Refused(
            f"port {port} on {host} cannot be used ({error.strerror}): choose another with --port, "
            "0 takes a free one"
        ) from error
    return listener
