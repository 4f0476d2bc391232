"""The client side of the golden exchanges with managed MCP servers, played by a real server on loopback."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from skipass import snowflake
from skipass.secret import Secret
from skipass.snowflake import StaticToken, Token, TokenType
from skipass.snowflake.mcp.client import ManagedMcpClient
from skipass.snowflake.mcp.messages import ServerName
from skipass.snowflake.mcp.results import ToolResult
from snowflake import golden
from snowflake.server import Reply, Seen, in_turn, serving

pytestmark = pytest.mark.anyio

TOPICS = ("managed-mcp-json", "managed-mcp-sse", "managed-mcp-errors")
CASES = {name: case for topic in TOPICS for name, case in golden.cases(topic).items() if "request" in case}
POSTS = {n: c for n, c in CASES.items() if c["request"]["path"].startswith("/api/v2/") and c["request"]["body"]}
# What a client never sends, though a server has to answer it.
NEVER_SENT = {"mcp-accept-missing", "mcp-401-challenge", "mcp-unknown-method"}
ERRORS: dict[str, type[snowflake.SnowflakeError]] = {
    "token_expired": snowflake.SnowflakeAuthError,
    "not_found_or_denied": snowflake.ObjectNotFoundError,
    "no_warehouse": snowflake.NoWarehouseError,
    "transient": snowflake.SnowflakeUnavailable,
    "configuration": snowflake.SnowflakeConfigError,
}
REFUSED = {
    "mcp-server-missing": snowflake.ObjectNotFoundError,
    "mcp-server-no-usage": snowflake.ObjectNotFoundError,
    "mcp-unknown-tool": snowflake.McpError,
    "mcp-trial-account": snowflake.McpError,
    "mcp-trial-account-no-result": snowflake.McpError,
    "sse-error-object": snowflake.ObjectNotFoundError,
}
METADATA = [name for name in CASES if name.startswith("mcp-resource-metadata")]


def tokens(case: dict[str, Any]) -> StaticToken:
    """The credential of the case's request."""
    text = case["request"]["headers"].get("Authorization", "")
    text = text.removeprefix("Bearer ") if isinstance(text, str) else ""
    return StaticToken(Token(Secret(text or "FAKE-ACCESS-TOKEN-1"), TokenType.OAUTH))


def client_of(case: dict[str, Any], port: int) -> ManagedMcpClient:
    """A client of the server that the case names, whose next request has the case's number."""
    path = case["request"]["path"].split("/")
    role = case["request"]["headers"].get("X-Snowflake-Role")
    client = ManagedMcpClient(
        snowflake.Target("127.0.0.1", "http", port), ServerName(path[4], path[6], path[8]), tokens(case), role=role
    )
    client._numbers = itertools.count(case["request"]["body"].get("id", 1) if case["request"]["body"] else 1)
    return client


async def act(client: ManagedMcpClient, message: dict[str, Any]) -> Any:
    """Do with the client what the message asks for."""
    method = message["method"]
    if method == "initialize":
        return await client.initialize()
    if method == "notifications/initialized":
        return await client.initialized()
    if method == "tools/call":
        return await client.call_tool(message["params"]["name"], message["params"]["arguments"])
    return await client.list_tools()


@pytest.mark.parametrize("name", sorted(set(POSTS) - NEVER_SENT))
async def test_exchange(name: str) -> None:
    """The client sends what the exchange asks for and draws the conclusion that it names."""
    case, names, faults = POSTS[name], {}, []

    def respond(seen: Seen) -> Reply:
        faults.append(golden.request_differences(without_version(without_host(case)), seen, names))
        return golden.reply(case, names)[0]

    async with serving(respond) as server, client_of(case, server.port) as client:
        try:
            outcome = await act(client, case["request"]["body"])
        except snowflake.SnowflakeError as error:
            outcome = error
    assert not faults[0]
    check(name, case, outcome)


def without_host(case: dict[str, Any]) -> dict[str, Any]:
    """The case without the account's host: it is called by its address here."""
    headers = {key: value for key, value in case["request"]["headers"].items() if key != "Host"}
    return {**case, "request": {**case["request"], "headers": headers}}


def without_version(case: dict[str, Any]) -> dict[str, Any]:
    """The case with any version of the client."""
    text = json.dumps(case["request"]).replace('"version": "1.0"', '"version": {"$any": "string"}')
    return {**case, "request": json.loads(text)}


def check(name: str, case: dict[str, Any], outcome: Any) -> None:
    """Compare the outcome with the error that the case names, or its result with the one it carries."""
    wanted = REFUSED.get(name) or (ERRORS[case["error_class"]] if "error_class" in case else None)
    if case["request"]["body"]["method"] == "notifications/initialized":
        assert outcome is None
    elif name == "mcp-no-default-warehouse":
        assert isinstance(outcome, snowflake.ProtocolError)
    elif wanted:
        assert isinstance(outcome, wanted), outcome
        assert "FAKE-" not in str(outcome)
        if "trial" in name:
            assert "trial account" in outcome.hint
    elif case["request"]["body"]["method"] == "tools/call":
        assert isinstance(outcome, ToolResult), outcome
        check_result(name, outcome)
    else:
        assert isinstance(outcome, list | dict), outcome


def check_result(name: str, result: ToolResult) -> None:
    """Each kind of tool's result is read in its own form."""
    if "agent" in name and "unknown-key" not in name:
        assert result.answer == "Ada."
    elif name == "mcp-role-header":
        assert result.value["result_set"]["data"] == [["AGENT_READER"]]
    elif ("sql" in name or name.startswith("sse")) and name != "sse-one-object":
        assert result.query_id
        assert len(result.rows()) == 1
        assert result.columns()[0].name == "ID"
    elif "analyst" in name:
        assert [set(item) for item in result.value] == [{"text"}, {"statement"}]
    elif name == "mcp-call-search-results":
        assert result.value == {}
    elif "search" in name:
        assert [set(row) for row in result.value] == [{"TITLE"}, {"TITLE"}]
    else:
        assert result.text


@pytest.mark.parametrize("name", METADATA)
async def test_resource_metadata(name: str) -> None:
    """The issuers and scopes of a server are read without a token, an empty list of issuers too."""
    case = CASES[name]
    answer, value = golden.reply(case, {})
    async with serving(in_turn(answer)) as server, client_of(case, server.port) as client:
        found = await client.resource_metadata()
    assert list(found.authorization_servers) == value["authorization_servers"]
    assert list(found.scopes_supported) == value.get("scopes_supported", [])
    assert "authorization" not in server.seen[0].headers
    assert server.seen[0].path.startswith("/.well-known/oauth-protected-resource/api/v2/databases/")
