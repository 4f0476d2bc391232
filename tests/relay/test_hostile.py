"""An upstream that hangs, lies, floods or breaks off: an answer with our code, and nothing taken over from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateways import Stage, served
from relay import hostile
from relay.hostile import GOOD, SLUG, Host
from skipass.gateway.relay_reading import Facts
from skipass.nouns.mcp_tool import McpTool, ToolRule, ToolType

pytestmark = pytest.mark.anyio
SQL = "sql-exec-tool"
COUNT = {"sql": "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS"}


class Client:
    """The demo's agent, over real HTTP."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.headers = f"{url}/{SLUG}/mcp", {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    async def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON-RPC answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        async with aiohttp.ClientSession(headers=self.headers) as http, http.post(self.url, json=body) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the structured content of a tool's answer."""
        answer = await self.ask("tools/call", {"name": tool, "arguments": arguments})
        return dict(answer["result"])


@pytest.fixture
async def host(at: Stage) -> AsyncIterator[Host]:
    async with hostile.hostile(at) as host:
        at.gateway.relays.pins.list_s = 1.0
        yield host


@pytest.fixture
async def client(at: Stage, host: Host) -> AsyncIterator[Client]:
    async with served(at) as url:
        yield Client(url, at.keys["agent"]["api_key"])


def odd(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "name": "odd", **changes}


LISTINGS = {
    "10,000 tools": (hostile.result({"tools": [{**GOOD, "name": f"t{n}"} for n in range(10_000)]}), "misconfigured"),
    "a further page": (hostile.result({"tools": [GOOD], "nextCursor": "more"}), "misconfigured"),
    "no list": (hostile.result({"tools": None}), "misconfigured"),
    "a very deep schema": (hostile.nested(50_000), "unavailable"),
    "too many bytes": (hostile.raw(b" " * (5 * 1024 * 1024)), "unavailable"),
    "a packed flood": (hostile.packed(64 * 1024 * 1024), "unavailable"),
    "HTML": (hostile.raw(b"<html>Welcome</html>", kind="text/html"), "unavailable"),
    "an error page": (hostile.raw(b"<html>Bad gateway</html>", 502, "text/html"), "unavailable"),
    "a redirect inwards": (hostile.redirect("http://169.254.169.254/latest/meta-data"), "misconfigured"),
    "half a stream": (hostile.half_a_stream, "unavailable"),
    "nothing more": (hostile.hang, "unavailable"),
    "another's answer": (hostile.raw(b'{"jsonrpc":"2.0","id":77,"result":{"tools":[]}}'), "unavailable"),
    "no answer at all": (hostile.raw(b"[]"), "unavailable"),
    "a refusal in a 200": (
        hostile.error("MCP server 'OPS_DB.OPS.OPS_MCP' does not exist or not authorized."),
        "denied",
    ),
    "a token refused in a 200": (hostile.error("Invalid OAuth access token."), "rejected_credential"),
}


@pytest.mark.parametrize("case", LISTINGS)
async def test_a_bad_listing_is_an_error_with_our_code(at: Stage, host: Host, client: Client, case: str) -> None:
    """Whatever a listing is, the client gets a JSON-RPC error with our code and a hint, and the pins stay."""
    host.listing, code = LISTINGS[case]
    before = await at.every(McpTool)
    at.gateway.relays.pins.forget(before[0].server_id)
    answer = await client.ask("tools/list")
    assert answer["error"]["data"]["code"] == f"snowflake_{code}", answer
    assert await at.every(McpTool) == before
    assert "eyJ" not in str(answer)


async def test_one_odd_tool_spoils_no_other(at: Stage, host: Host, client: Client) -> None:
    """Of tools with definitions that no client takes none is listed, each is on record, and the others are listed."""
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(40):
        deep = {"type": "object", "properties": {"a": deep}}
    strange = [
        odd(name="array", inputSchema={"type": "array"}),
        odd(name="deep", inputSchema=deep),
        odd(name="remote", inputSchema={"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}),
        odd(name="large", inputSchema={"type": "object", "description": "x" * 70_000}),
        odd(name="required", inputSchema={"type": "object", "required": "sql"}),
        odd(name="properties", inputSchema={"type": "object", "properties": {"a": 1}}),
        odd(name="long", description="x" * 20_000),
        odd(name=7),
        odd(name="x" * 129),
        odd(name="new\nline"),
        "nothing",
        None,
    ]
    host.listing = hostile.result({"tools": [*strange, GOOD]})
    at.gateway.relays.pins.forget((await at.every(McpTool))[0].server_id)
    answer = await client.ask("tools/list")
    names = [tool["name"] for tool in answer["result"]["tools"]]
    assert SQL in names
    unfit = {"array", "deep", "remote", "large", "required", "properties", "long"}
    assert unfit.isdisjoint(names)
    assert len(await at.recorded("mcp_tool.unfit")) == len(unfit)


CALLS = {
    "HTML": (hostile.raw(b"<html></html>", kind="text/html"), "unknown", "statement_unknown"),
    "an error page": (hostile.raw(b"<html></html>", 503, "text/html"), "unknown", "statement_unknown"),
    "half a stream": (hostile.half_a_stream, "unknown", "statement_unknown"),
    "a redirect": (hostile.redirect("http://127.0.0.1:1/"), "failed", "snowflake_misconfigured"),
    "too many bytes": (hostile.raw(b" " * (5 * 1024 * 1024)), "unknown", "statement_unknown"),
    "no result": (hostile.result("text"), "unknown", "statement_unknown"),
    "a tool's error in a 200": (hostile.error("MCP Server tool error: no such column"), "failed", "statement_failed"),
    "a refusal in a 200": (
        hostile.error("MCP server 'X' does not exist or not authorized."),
        "denied",
        "snowflake_denied",
    ),
    "a refused token": (hostile.raw(b"{}", 401), "failed", "snowflake_rejected_credential"),
    "a refused token in a 200": (
        hostile.error("Invalid OAuth access token."),
        "failed",
        "snowflake_rejected_credential",
    ),
    "no warehouse": (hostile.error("the user has no default warehouse"), "failed", "snowflake_misconfigured"),
    "an error as content": (
        hostile.result({"isError": True, "content": [{"type": "text", "text": "it broke"}]}),
        "failed",
        "statement_failed",
    ),
}


@pytest.mark.parametrize("case", CALLS)
async def test_a_bad_answer_to_a_call_has_its_state_and_code(at: Stage, host: Host, client: Client, case: str) -> None:
    """Whatever a call's answer is, it becomes one outcome with our code; what may have run is not sent again."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    assert (await client.call("skipass_request_session", wish))["structuredContent"]["status"] == "success"
    host.calling, status, code = CALLS[case]
    answer = await client.call(SQL, COUNT)
    found = answer["structuredContent"]
    assert (found["status"], found["code"], answer["isError"]) == (status, code, True), found
    assert len(host.calls) == (2 if "refused token" in case else 1)
    assert not [token for token in host.tokens if at.keys["agent"]["api_key"] in token]


async def test_an_opaque_call_is_not_sent_again_for_words(at: Stage, host: Host, client: Client) -> None:
    """What says in words that the token expired may have run before: an opaque call is not sent again."""
    relays, admin = at.gateway.relays, await at.principal("admin")
    host.listing = hostile.result({"tools": [GOOD, odd(name="agent")]})
    relays.pins.forget((await at.every(McpTool))[0].server_id)
    await client.ask("tools/list")
    (seen,) = await at.every(McpTool, name="agent")
    facts = Facts(ToolType.AGENT, "OPS_DB.OPS.OPS_AGENT")
    pinned = await relays.declare(admin, SLUG, "agent", seen.current_hash, facts)
    await relays.rule(admin, SLUG, "agent", pinned.hash, ToolRule.ALLOWED)
    scope = {"schemas": ["OPS_DB.OPS"], "functions": ["OPS_DB.OPS.OPS_AGENT"]}
    asked = await client.call("skipass_request_session", {"scope": scope, "ttl_s": 300, "reason": "test"})
    approval = asked["structuredContent"]["approval"]["id"]
    await at.gateway.approvals.decide(await at.principal("approver"), approval, approve=True, reason="test")
    host.calling = hostile.error("The token expired while the agent worked.")
    answer = await client.call("agent", {"sql": "go"})
    assert answer["structuredContent"]["code"] == "snowflake_rejected_credential"
    assert len(host.calls) == 1
    host.calling = hostile.result({"isError": True, "content": [{"type": "text", "text": "token expired"}]})
    answer = await client.call("agent", {"sql": "go on"})
    assert answer["structuredContent"]["code"] == "statement_failed"
    assert len(host.calls) == 2
