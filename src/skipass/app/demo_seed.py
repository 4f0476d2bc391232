"""The demo's people, agent, connections and slugs, made through the same use cases an admin would use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skipass.gateway.core import Gateway
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.slug_names import Access
from skipass.identity.keys import issue
from skipass.nouns.people import KeyUse, User
from skipass.nouns.principal import Principal, Role
from skipass.secret import Secret
from skipass.snowflake.mcp.messages import ServerName

OWNER = "sam"
AGENT = "reporting-agent"
RELAY = "cortex"
AUTOMATIC = {"schemas": ["OPS_DB.OPS"], "metadata": "account", "access": "read"}


async def seed(gateway: Gateway, account: dict[str, Any], admin_name: str, approver_name: str) -> dict[str, Any]:
    """Return the members that `serve --sandbox --format json` prints beside the address."""
    admin, admin_key = await _key(gateway, admin_name)
    _, approver_key = await _key(gateway, approver_name)
    as_admin = Principal(admin.tenant_id, "seed", user_id=admin.id, roles=frozenset(admin.roles), sandbox_decider=True)
    await gateway.people.create(as_admin, OWNER, [Role.MEMBER])
    for name, policy in (("snowflake", _automatic(account)), ("jit", {})):
        await gateway.connections.add(as_admin, _connection(account, name, policy))
    if "mcp_server" in account:
        url = managed_url(account["account_url"], account["mcp_server"])
        everybody = Access(agents_of_connection=True)
        await gateway.relays.add(as_admin, RELAY, url, connection="snowflake", access=everybody, look=False)
    agent, issued = await gateway.agents.create(
        as_admin, AGENT, owner=OWNER, users=[], connections=["snowflake", "jit"]
    )
    return {
        "admin": {"api_key": admin_key},
        "approver": {"api_key": approver_key},
        "agent": {"id": agent.id, "api_key": issued.text.reveal()},
        "connection": "snowflake",
        "jit_connection": "jit",
        "identifier": OWNER,
    }


def managed_url(account_url: str, server: dict[str, str]) -> str:
    """Return the address of the account's managed MCP server."""
    return account_url + ServerName(server["database"], server["schema"], server["name"]).path


def _service(account: dict[str, Any]) -> dict[str, Any]:
    """Return the account's service user: the one that is not its administrator."""
    users: list[dict[str, Any]] = account["users"]
    return next(user for user in users if user["default_role"] != "ACCOUNTADMIN")


def _automatic(account: dict[str, Any]) -> dict[str, Any]:
    service = _service(account)
    return {"automatic": AUTOMATIC | {"role": service["default_role"], "warehouse": "AGENT_WH"}}


def _connection(account: dict[str, Any], name: str, policy: dict[str, Any]) -> ConnectionRequest:
    service = _service(account)
    return ConnectionRequest(
        name=name,
        account=account["account"],
        login=service["login_name"],
        role=service["default_role"],
        private_key=Secret(Path(service["private_key_path"]).read_text()),
        host=account["account_url"],
        warehouse="AGENT_WH",
        database="OPS_DB",
        schema="OPS",
        policy=policy,
    )


async def _key(gateway: Gateway, name: str) -> tuple[User, str]:
    """Return a founder and a key that decides; such keys exist and are accepted under `--sandbox` only."""

    async def add(unit: UnitOfWork) -> tuple[User, str]:
        user = (await unit.find(User, name=name, limit=1))[0]
        issued = issue(user.tenant_id, KeyUse.SANDBOX, user.id, unit.now)
        await unit.insert(issued.key)
        return user, issued.text.reveal()

    return await gateway.deps.journal.write(add)
