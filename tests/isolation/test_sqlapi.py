"""Snowflake's SQL API as we speak it: another's handle, session and connection are as made-up ones."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from isolation.estate import Estate, nothing_like, said
from surfaces.rest.house import Told

pytestmark = pytest.mark.anyio
WHO = ("stranger", "visitor", "colleague", "other agent", None)


@pytest.fixture(scope="module")
async def ours(estate: Estate) -> dict[str, str]:
    session_id, envelope = await estate.house.held()
    return {"session_id": session_id, "handle": envelope["statementHandle"]}


async def ask(front: str, key: str | None, method: str, path: str, body: Any = None, **more: str) -> Told:
    sent = {"accept": "application/json", **more} | ({"authorization": f"Bearer {key}"} if key else {})
    url = f"{front}{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url, json=body, headers=sent) as answer:
        text = await answer.text()
        return Told(answer.status, {}, json.loads(text) if text else None)


@pytest.mark.parametrize("base", ["/api/v2/statements", "/c/jit/api/v2/statements"])
@pytest.mark.parametrize(("method", "what"), [("GET", ""), ("GET", "?partition=0"), ("POST", "/cancel")])
@pytest.mark.parametrize("who", WHO)
async def test_anothers_handle_is_none(
    estate: Estate, front: str, ours: dict[str, str], base: str, method: str, what: str, who: str | None
) -> None:
    """A handle of somebody else's answers like one that was never given, under either address."""
    key = estate.house.keys[who] if who else None
    without, calls = nothing_like(ours), len(estate.house.stage.sandbox.control.calls())
    real, unreal = [await ask(front, key, method, f"{base}/{one['handle']}{what}") for one in (ours, without)]
    assert real.status >= 400
    assert said(real, *ours.values()) == said(unreal, *without.values())
    assert await estate.leaked(real, *ours.values()) == []
    assert len(estate.house.stage.sandbox.control.calls()) == calls


@pytest.mark.parametrize("who", WHO)
async def test_anothers_session_and_connection_run_nothing(
    estate: Estate, front: str, ours: dict[str, str], who: str | None
) -> None:
    """A statement under another's session, or on another tenant's connection, is refused and nothing is sent."""
    key, calls = estate.house.keys[who] if who else None, len(estate.house.stage.sandbox.control.calls())
    body, without = {"statement": "SELECT order_id FROM ops.orders"}, nothing_like(ours)
    real, unreal = [
        await ask(front, key, "POST", "/c/jit/api/v2/statements", body, **{"skipass-session": one["session_id"]})
        for one in (ours, without)
    ]
    assert real.status >= 400
    assert said(real, *ours.values()) == said(unreal, *without.values())
    if who in ("stranger", "visitor"):
        other = await ask(front, key, "POST", "/c/nobodys/api/v2/statements", body)
        same = await ask(front, key, "POST", "/c/jit/api/v2/statements", body)
        assert said(same, "jit") == said(other, "nobodys")
    assert len(estate.house.stage.sandbox.control.calls()) == calls
