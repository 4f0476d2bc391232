"""A service's key, replaced while sessions use it: the next one works, the one before is gone from here."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.client import Client
from skipass.nouns.connection import Credential, CredentialState
from skipass.snowflake.auth.keys import KeyPair, generate_key_pair
from surfaces.rest.house import House, fresh, new_connection

pytestmark = pytest.mark.anyio


def pem(pair: KeyPair) -> str:
    return pair.private_pem.reveal().decode()


def account_admin(at: House, *statements: str) -> None:
    for statement in statements:
        reply = Client.of(at.stage.sandbox, "ADMIN").sql(statement, role="ACCOUNTADMIN")
        assert reply.status == 200, reply.body


async def query(at: House, who: str, name: str, session_id: str) -> str:
    """Run one statement of its own text and return how it ended."""
    statement = {"statement": f"SELECT '{fresh('text')}'"}
    wish = {"session_id": session_id, "connection_name": name, "tool_input": statement}
    return str((await at.post("/tools/snowflake_execute_query/execute", wish, who=who)).body["status"])


async def test_a_key_is_rotated_under_an_open_session(at: House) -> None:
    """Second key in the account, then here, then the first one out of the account: the session never notices."""
    first, second, user, name = generate_key_pair(), generate_key_pair(), fresh("u").replace("-", ""), fresh("con")
    account_admin(
        at,
        f"CREATE USER {user} TYPE = SERVICE DEFAULT_ROLE = AGENT_ROLE RSA_PUBLIC_KEY = '{first.public_key}'",
        f"GRANT ROLE AGENT_ROLE TO USER {user}",
    )
    body = {**new_connection(at, name), "login": user, "private_key": pem(first)}
    assert (await at.post("/connections", body)).status == 201
    agent = await at.agent(connections=[name])
    session_id = await at.session(agent, connection=name)
    assert await query(at, agent, name, session_id) == "success"
    account_admin(at, f"ALTER USER {user} SET RSA_PUBLIC_KEY_2 = '{second.public_key}'")
    for _ in range(2):
        told = await at.post(f"/connections/{name}/credential", {"private_key": pem(second)})
        assert told.body["credential"]["fingerprint"] == second.fingerprint
    account_admin(at, f"ALTER USER {user} UNSET RSA_PUBLIC_KEY")
    assert await query(at, agent, name, session_id) == "success"
    rows = await at.stage.every(Credential, connection_id=told.body["id"])
    states = {one.generation: (one.state, one.reason, one.sealed == b"") for one in rows}
    assert states == {1: (CredentialState.EXPIRED, "replaced", True), 2: (CredentialState.ACTIVE, None, False)}
    assert not [line for line in pem(second).splitlines()[1:-1] if line in str(told.body)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"token": "x"}, "missing_field"),
        ({"private_key": "x"}, "invalid_request"),
        ({"private_key": "x", "token": "x"}, "missing_field"),
    ],
)
async def test_anything_but_the_next_key_is_refused(at: House, body: dict[str, Any], code: str) -> None:
    """A connection by key pair takes a key and nothing else, and keeps the one it has."""
    before = (await at.get("/connections/jit")).body["credential"]
    assert (await at.post("/connections/jit/credential", body)).code == code
    assert (await at.get("/connections/jit")).body["credential"] == before


async def test_only_admins_replace_what_is_everybody_s(at: House) -> None:
    """Everybody else is refused, and so is a connection on which each user has an own account."""
    for who in ("agent", "member", "auditor", "approver"):
        assert (await at.post("/connections/jit/credential", {"token": "x"}, who=who)).code == "forbidden"
    name = fresh("con")
    body = {"name": name, "auth": "snowflake_oauth", "account": "SKIPASS-SANDBOX", "role": "AGENT_ROLE"}
    assert (await at.post("/connections", {**body, "host": at.stage.sandbox.url})).status == 201
    assert (await at.post(f"/connections/{name}/credential", {"token": "x"})).code == "invalid_request"
