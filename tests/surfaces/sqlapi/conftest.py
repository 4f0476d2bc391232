"""One sandbox for a module, and for each test a gateway before it, served over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from gateways import Stage, served

ROOT = "/api/v2/statements"


@dataclass(frozen=True, slots=True)
class Wire:
    """The SQL API of a stage's gateway, spoken to as any HTTP client would."""

    at: Stage
    url: str
    http: aiohttp.ClientSession

    async def submit(
        self, statement: str, *, query: str = "", path: str = ROOT, headers: dict[str, str] | None = None, **body: Any
    ) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
        return await self.send("POST", f"{path}{query}", {"statement": statement, **body}, headers)

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            return answer, await answer.json()

    async def ended(self, handle: str) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
        """Ask for a statement until it is no longer under way."""
        while True:
            answer, told = await self.send("GET", f"{ROOT}/{handle}")
            if answer.status != 202:
                return answer, told


@pytest.fixture
async def wire(at: Stage) -> AsyncIterator[Wire]:
    headers = {"Authorization": f"Bearer {at.keys['agent']['api_key']}", "Accept": "application/json"}
    async with served(at) as url, aiohttp.ClientSession(headers=headers) as http:
        yield Wire(at, url, http)
