"""Asks a running dashboard."""

from __future__ import annotations

from typing import Any

import aiohttp


async def ask(web: aiohttp.ClientSession, panel: str, **values: str) -> list[dict[str, Any]]:
    async with web.get(f"/api/panels/{panel}", params=values) as response:
        assert response.status == 200, await response.text()
        answer: list[dict[str, Any]] = (await response.json())["rows"]
        return answer
