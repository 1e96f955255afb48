"""A headless Chromium, driven over its DevTools protocol; nothing but the browser is needed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # No name is resolved: a page that needs anything from elsewhere fails here.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
START_S = 60.0
CALL_S = 30.0


def find_chromium() -> str | None:
    """The browser of this machine, if it has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One tab. `complaints` collects errors of scripts, of the console and of the network."""

    _socket: aiohttp.ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    _number: int = 0
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call the protocol and return its result."""
        self._number += 1
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.send_json(message)
        async with asyncio.timeout(CALL_S):
            told = await answer
        assert "error" not in told, f"{method}: {told.get('error')}"
        result: dict[str, Any] = told["result"]
        return result

    async def show(
        self,
        url: str,
        *,
        width: int = 1440,
        height: int = 900,
        scheme: str = "light",
        scale: int = 1,
    ) -> None:
        """Open an address in a window of that size and colour scheme."""
        await self.resize(width, height, scale)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)
        await self.call("Page.navigate", url="about:blank")
        await self.call("Page.navigate", url=url)

    async def resize(self, width: int, height: int, scale: int = 1) -> None:
        """Give the window another size; narrow ones are phones."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )

    async def read(self, script: str) -> Any:
        """The value of a JavaScript expression; promises are waited for."""
        result = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, f"{script}: {result['exceptionDetails']}"
        return result["result"].get("value")

    async def until(self, script: str, *, limit_s: float = 20.0) -> Any:
        """Wait until an expression is true, and return its value."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + limit_s
        while not (value := await self.read(script)):
            assert loop.time() < deadline_s, f"never true: {script}; {self.complaints}"
            await asyncio.sleep(0.05)
        return value

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key; `code` is its Windows key code."""
        more = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more
            )
            more = {}

    async def accessible(self) -> list[tuple[str, str]]:
        """Role and name of everything that a screen reader is told of."""
        tree = await self.call("Accessibility.getFullAXTree")
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree["nodes"]
            if not node.get("ignored") and "role" in node
        ]

    async def picture(self, form: str = "png", quality: int | None = None) -> bytes:
        """The window as PNG, or as WebP of a quality up to 100."""
        more = {} if quality is None else {"quality": quality}
        shot = await self.call("Page.captureScreenshot", format=form, **more)
        return base64.b64decode(shot["data"])

    async def listen(self) -> None:
        """Take what the browser says until it closes."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(str(details.get("exception", {}).get("description", details)))
        elif method == "Runtime.consoleAPICalled" and told["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.complaints.append(f"console: {[part.get('value') for part in told['args']]}")
        elif method == "Log.entryAdded":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])


@asynccontextmanager
async def open_page(browser: str) -> AsyncIterator[Page]:
    """A tab of a browser of its own, with a profile that is thrown away."""
    profile = tempfile.mkdtemp(prefix="engage-chromium-")
    process = await asyncio.create_subprocess_exec(
        browser,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = await _address(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as response:
                tabs = json.loads(await response.text())
            url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.call(f"{domain}.enable")
                yield page
                listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where DevTools listens; the browser says so on its error output."""
    assert process.stderr is not None
    async with asyncio.timeout(START_S):
        while line := (await process.stderr.readline()).decode(errors="replace"):
            if found := re.search(r"ws://([^/]+)/", line):
                return found.group(1)
    raise AssertionError("the browser ended before it listened")
