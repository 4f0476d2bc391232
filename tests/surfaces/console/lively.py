"""A gateway in which everything there is a page for has happened, and whose every text was written by an enemy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateways import served, stage
from skipass.gateway.execute import Target
from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.people import User
from skipass.nouns.principal import Role
from skipass.sandbox.testing import RunningSandbox
from skipass.tools.call import CallContext
from surfaces.console.browser import House as Pages
from surfaces.rest.house import House, house
from surfaces.rest.table import a_consent, a_relay, a_template, an_account, an_issuer, an_mcp_client

SCRIPT = "<script>window.ran=1</script><img src=x onerror=window.ran=1>"
TURNED, EMPTY = "\u202e", "\u200b"
ENDLESS = "w" * 400
EVIL = f'{SCRIPT}{TURNED}gnihton{EMPTY} \'"><b title="{SCRIPT}"> {ENDLESS}'
ROLES = ("member", "approver", "auditor", "admin")
"""A person of each, called by the role, has no part in anything; `sam` is a member for whom an agent acts."""
LONG_S = 3600


@dataclass(frozen=True, slots=True)
class Lively:
    """The whole gateway, its pages, and the door by which things were made."""

    pages: Pages
    rest: House

    @property
    def stage(self) -> Any:
        return self.rest.stage


@asynccontextmanager
async def lively(sandbox: RunningSandbox, path: Path, *, empty: bool = False) -> AsyncIterator[Lively]:
    """Yield the gateway, served; an empty one has its people alone."""
    async with stage(sandbox, path) as at, house(at) as rest, served(at) as url:
        made = Lively(Pages(url, at), rest)
        await _people(rest)
        if not empty:
            await _things(made)
        yield made


async def _people(rest: House) -> None:
    for role in ROLES:
        assert (await rest.post("/users", {"name": role, "roles": [role]})).status == 201


async def _things(made: Lively) -> None:
    rest = made.rest
    agent = await rest.post("/agents", {"name": SCRIPT[:64], "owner": "sam", "connections": ["jit", "snowflake"]})
    assert agent.status == 201, agent.body
    rest.keys["evil"] = agent.body["api_key"]
    for making in (a_template, an_issuer, an_account, an_mcp_client, a_consent, a_relay):
        await making(rest)
    await _sessions(rest)
    await rest.review()
    assert (await rest.post("/mcp-servers/jit/change", {"add": {"users": ["sam", *ROLES]}})).status == 200
    assert (await rest.post("/policies", {"policy": f"version = 1\n# {SCRIPT} {ENDLESS}\n"})).status == 201
    await rest.stage.gateway.deps.journal.write(_strangers)


async def _sessions(rest: House) -> None:
    """Leave a session that is over, one that is open with every sort of statement, and one that is asked for."""
    over = await rest.session(who="evil", reason=EVIL)
    await rest.execute("SELECT 1 AS n", over, "evil")
    await rest.post(f"/sessions/{over}/close", who="evil")
    opened = await rest.session(who="evil", reason=EVIL, ttl_s=LONG_S)
    (asked,) = (await rest.get("/approvals?state=waiting", who="approver")).body["items"]
    assert (await rest.post(f"/approvals/{asked['id']}/approve", {"reason": EVIL}, who="approver")).status == 200
    for text in (
        f"SELECT order_id, '{SCRIPT}' FROM ops.orders -- {EVIL}",
        f"SELECT '{EVIL.replace(chr(39), '')}' AS \"{ENDLESS}\" FROM finance_db.hr.salaries",
        f'SELECT "{ENDLESS}" FROM ops.orders',
        f"UPDATE ops.orders SET note = '{SCRIPT}{TURNED}{EMPTY}' WHERE order_id = 1003",
    ):
        await rest.execute(text, opened, "evil")
    await _enormous(rest)
    await rest.held()
    denied = (await rest.held())[1]["approval"]["id"]
    assert (await rest.post(f"/approvals/{denied}/deny", {"reason": EVIL}, who="approver")).status == 200


async def _enormous(rest: House) -> None:
    gateway = rest.stage.gateway
    agent = await gateway.authenticator.authenticate(rest.keys["evil"])
    wish = {"statement": f"SELECT '{'1' * 1_000_000}' AS big"}
    context = CallContext(request_id="req_test")
    # It runs, or is refused where the machine is too busy to read it in time: it is on record in both cases.
    answer = await gateway.calls.call(agent, Target(slug="jit"), "snowflake_execute_query", wish, context)
    assert answer.execution_id is not None


async def _strangers(unit: UnitOfWork) -> None:
    """Put people there whose names no door of ours would take: what is shown must not depend on who checked it."""
    (sam,) = await unit.find(User, name="sam")
    for name in (EVIL[:300], ENDLESS):
        made = new_id("user", unit.now)
        await unit.insert(User(made, sam.tenant_id, name, (Role.MEMBER,), unit.now, unit.now, "test"))
