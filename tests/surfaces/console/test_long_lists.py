"""No list without an end: where there are hundreds of each thing, a page shows some of them and leads to the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.connection import Connection, McpServer
from skipass.nouns.oauth import OAuthClient
from skipass.nouns.people import Agent, User
from skipass.nouns.session import AccessSession
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.lively import Lively, lively
from surfaces.console.site import look, routes

pytestmark = pytest.mark.anyio
MANY, MOST, MOST_BYTES = 230, 100, 250_000
KINDS = (
    (User, "user", "name"),
    (Agent, "agent", "name"),
    (Connection, "connection", "name"),
    (McpServer, "mcp_server", "slug"),
    (OAuthClient, "client", "client_id"),
    (AccessSession, "session", "reason"),
)
LISTS = ("sessions", "agents", "people", "connections", "servers", "clients", "audit")


@pytest.fixture(scope="module")
async def many(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lively]:
    """Hundreds of each thing, copies of one that was made."""
    async with lively(sandbox, tmp_path_factory.mktemp("many") / "home") as made:
        for kind, noun, name in KINDS:
            model = (await made.stage.every(kind, limit=1))[0]

            async def copy(unit: UnitOfWork, model: Any = model, noun: Any = noun, name: str = name) -> None:
                for n in range(MANY):
                    named = {name: f"{noun.replace('_', '-')}-copy-{n}"}
                    await unit.insert(replace(model, id=new_id(noun, unit.now), **named))

            await made.stage.gateway.deps.journal.write(copy)
        yield made


async def test_every_page_without_a_name_has_an_end(many: Lively) -> None:
    """Whatever there is hundreds of, no page of the menu shows more than a hundred of it."""
    async with many.pages.browser() as admin:
        await admin.sign_in(await many.pages.link("admin"))
        for path in sorted(one for one in routes("GET") if one.startswith("/console") and not one.endswith("/")):
            seen = await look(admin, path)
            if seen.headers.get("content-type", "").startswith("text/html"):
                assert len(seen.html.encode()) < MOST_BYTES, path
                assert max(seen.html.count(f"<{tag}") for tag in ("tr", "section", "li")) <= MOST + 20, path


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_leads_to_the_rest(many: Lively, name: str) -> None:
    """The page of what there are hundreds of leads to the next one, which shows others."""
    async with many.pages.browser() as admin:
        await admin.sign_in(await many.pages.link("admin"))
        first = await look(admin, f"/console/{name}")
        onward = [one for one in first.leads if one.startswith(f"/console/{name}?") and "after=" in one]
        assert onward
        second = await look(admin, onward[-1])
        assert second.status == 200
        shared = {one for one in first.leads if one.startswith(f"/console/{name}/")} & set(second.leads)
        assert shared - {one for one in shared if one.endswith("/new")} == set()
