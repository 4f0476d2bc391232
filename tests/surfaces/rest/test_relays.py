"""Relays over REST: registered by an address or by pasted metadata, and every tool decided about by its hash."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.client import Client
from skipass.tools.snippets import Client as McpClient
from skipass.tools.snippets import mcp_url, snippet
from surfaces.rest.house import House, fresh

pytestmark = pytest.mark.anyio
PATH = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/"


def address(at: House, name: str = "OPS_MCP") -> str:
    return f"{at.stage.sandbox.url}{PATH}{name}"


async def relay(at: House, **more: Any) -> dict[str, Any]:
    """Register a relay over `jit` and return what is told of it."""
    made = await at.post("/mcp-servers", {"slug": fresh("slug"), "connection": "jit", "url": address(at)} | more)
    assert made.status == 201, made.body
    return dict(made.body)


async def test_a_relay_is_registered_over_a_connection_and_lets_nobody_in(at: House) -> None:
    """The answer has the address, nobody on any list, and the tools are pinned with their types at once."""
    made = await relay(at, drift="refused")
    assert (made["upstream"], made["drift"], made["registration"]) == (address(at), "refused", None)
    assert [made[name] for name in ("users", "groups", "agents")] == [[], [], []]
    assert made["agents_of_connection"] is False
    tools = (await at.get(f"/mcp-servers/{made['slug']}/tools")).body["items"]
    assert {(one["name"], one["type"], one["state"]) for one in tools} >= {
        ("sql-exec-tool", "SYSTEM_EXECUTE_SQL", "pinned"),
        ("ticket-search", "CORTEX_SEARCH_SERVICE_QUERY", "pinned"),
    }


async def test_a_relay_is_registered_by_pasted_metadata(at: House) -> None:
    """Metadata as people have it makes a connection of the slug's name; its secret comes back nowhere."""
    slug, secret = fresh("slug"), "planted-secret-of-this-test"
    url = at.stage.sandbox.url
    metadata = {
        "issuer": url,
        "client_id": "pasted",
        "client_secret": secret,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token-request",
        "scope": "session:role:AGENT_ROLE refresh_token",
    }
    body = {"slug": slug, "url": address(at), "oauth_metadata": metadata, "account": "SKIPASS-SANDBOX"}
    made = await at.post("/mcp-servers", body, headers={"Idempotency-Key": slug})
    assert made.status == 201, made.body
    assert made.body["connection"] == slug
    assert made.body["registration"]["client_id"] == "pasted"
    assert any("pinned at the first use" in remark for remark in made.body["remarks"])
    again = await at.post("/mcp-servers", body, headers={"Idempotency-Key": slug})
    shown = await at.get(f"/connections/{slug}")
    assert shown.body["role"] == "AGENT_ROLE"
    assert secret not in json.dumps([made.body, again.body, shown.body])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "https://example.com/mcp"}, "invalid_request"),
        ({"url": "https://other-acct.snowflakecomputing.com" + PATH + "OPS_MCP"}, "invalid_request"),
        ({"url": "ftp://x" + PATH + "OPS_MCP"}, "invalid_request"),
        ({"connection": "no-such-connection"}, "unknown_connection"),
        ({"connection": None}, "missing_field"),
        ({"oauth_metadata": {"client_id": "x"}}, "invalid_request"),
        ({"url": None, "role": "AGENT_ROLE"}, "invalid_request"),
        ({"users": ["nobody-here"]}, "not_found"),
    ],
)
async def test_what_is_no_relay_is_refused(at: House, body: dict[str, Any], code: str) -> None:
    """An address of something else or of another account, and a body that means two things, make nothing."""
    slug = fresh("slug")
    whole = {"slug": slug, "connection": "jit", "url": address(at)} | body
    told = await at.post("/mcp-servers", whole)
    assert told.code == code
    assert (await at.get(f"/mcp-servers/{slug}")).status == 404


async def test_a_changed_tool_is_shown_and_decided_about_by_its_hash(at: House) -> None:
    """Drift is seen at the next look; a decision about another hash is a conflict; pinned and ruled, it is in order."""
    name = fresh("M").replace("-", "_")
    client = Client.of(at.stage.sandbox, "ADMIN")
    tool = "tools:\n  - name: run\n    type: SYSTEM_EXECUTE_SQL\n    title: Run\n    description: {}\n"
    made_as = "CREATE OR REPLACE MCP SERVER OPS_DB.OPS.{} FROM SPECIFICATION $$\n" + tool + "$$"
    grant = f"GRANT USAGE ON MCP SERVER OPS_DB.OPS.{name} TO ROLE AGENT_ROLE"
    client.sql(made_as.format(name, "first"))
    client.sql(grant)
    slug = (await relay(at, url=address(at, name)))["slug"]
    (before,) = (await at.get(f"/mcp-servers/{slug}/tools")).body["items"]
    client.sql(made_as.format(name, "second"))
    client.sql(grant)
    (seen,) = (await at.post(f"/mcp-servers/{slug}/look")).body["items"]
    assert (seen["state"], seen["definition"]["description"]) == ("drifted", "first")
    assert seen["seen"]["definition"]["description"] == "second"
    path = f"/mcp-servers/{slug}/tools/run"
    assert (await at.post(f"{path}/pin", {"hash": before["hash"]})).code == "conflict"
    assert (await at.post(f"{path}/pin", {"hash": seen["hash"]})).body["state"] == "pinned"
    ruled = await at.post(f"{path}/rule", {"hash": seen["hash"], "rule": "refused"})
    assert (ruled.body["rule"], ruled.body["definition"]["description"]) == ("refused", "second")
    assert (await at.post(f"{path}/rule", {"hash": seen["hash"], "rule": "everything"})).code == "invalid_request"


async def test_a_slug_with_the_built_in_tools_has_no_pins(at: House) -> None:
    """The tools of a relay are asked of a relay alone."""
    assert (await at.get("/mcp-servers/jit/tools")).code == "not_found"


@pytest.mark.parametrize("client", McpClient)
async def test_each_clients_configuration_is_told(at: House, client: McpClient) -> None:
    """The answer is what the command prints: without a key to sign in, with one for an agent; never the key."""
    for key in (False, True):
        told = (await at.get(f"/mcp-servers/jit/config?client={client}&key={str(key).lower()}")).body
        shown = snippet(client, "jit", mcp_url(at.stage.gateway.deps.base_url, "jit"), key=key)
        assert (told["text"], told["link"], told["file"]) == (shown.text, shown.link, shown.file)
    assert (await at.get("/mcp-servers/jit/config?client=emacs")).code == "invalid_request"
