"""A Snowflake-managed MCP server of the account: who may bring tokens, whether its tools are listed, whether one runs.

Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from skipass.errors import SkipassError
from skipass.gateway.doctor import symptoms
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.patient import OAUTH, TRUSTED, Patient
from skipass.gateway.issuer import issuer_url
from skipass.nouns.connection import AuthMethod
from skipass.snowflake.account import target_of
from skipass.snowflake.errors import McpError, SnowflakeError, SnowflakeUnavailable
from skipass.snowflake.mcp.client import ManagedMcpClient
from skipass.snowflake.mcp.messages import Tool

WAIT_S = 30.0
QUESTION = "SELECT CURRENT_USER(), CURRENT_ROLE()"


@asynccontextmanager
async def _client(on: Patient) -> AsyncIterator[ManagedMcpClient]:
    if on.out is None or on.server is None:
        raise SkipassError("consent_required", "There is no credential.")
    tokens, egress = on.deps.upstream.tokens(on.out), on.deps.upstream.egress
    target = target_of(None, on.host)
    egress.check_literal(target.host, target.port or 443)
    client = ManagedMcpClient(target, on.server, tokens, connector_factory=egress.connector, timeout_s=WAIT_S)
    async with client:
        yield client


async def metadata(on: Patient) -> Finding | None:
    """Read who may issue tokens for the server."""
    if on.server is None:
        return None
    async with _client(on) as client:
        found = await client.resource_metadata()
    if not found.authorization_servers:
        cause = "The integration that MCP is bound to is dropped or disabled, so no OAuth token is taken at all."
        fix = f"ALTER SECURITY INTEGRATION {on.known['integration']} SET ENABLED = TRUE; -- or bind another one"
        return failed("mcp discovery", "no_authorization_server", "authorization_servers is empty", cause, fix)
    if not _taken(on, found.authorization_servers):
        cause = "MCP servers here take OAuth tokens of one bound issuer, and it is not the connection's."
        fix = f"ALTER ACCOUNT SET OAUTH_AUTHORIZATION_SERVER = {on.known['integration']};"
        return failed("mcp discovery", "bound_elsewhere", ", ".join(found.authorization_servers), cause, fix)
    said = f"; it advertises {' '.join(found.scopes_supported)}, which counts for nothing here"
    return ok("mcp discovery", ", ".join(found.authorization_servers) + (said if found.scopes_supported else ""))


def _taken(on: Patient, servers: tuple[str, ...]) -> bool:
    """Return whether tokens like ours are taken: where nothing is bound, Snowflake's own server stands for all."""
    method = on.connection.auth_method
    if method not in (*OAUTH, *TRUSTED) or any(_is_snowflake(on, one) for one in servers):
        return True
    if method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        return issuer_url(on.deps.base_url, on.connection) in servers
    issuer = on.registration.metadata.get("issuer") if on.registration else None
    return method is AuthMethod.EXTERNAL_OAUTH and issuer in (None, *servers)


def _is_snowflake(on: Patient, server: str) -> bool:
    parts = urlsplit(server)
    host = parts.hostname or ""
    own = host == target_of(None, on.host).host or host.endswith((".snowflakecomputing.com", ".snowflakecomputing.cn"))
    return own and parts.path == "/oauth"


async def tools(on: Patient) -> Finding | None:
    """List the server's tools: that takes USAGE on it."""
    if on.server is None:
        return None
    try:
        found = await _tools(on)
    except SnowflakeError as error:
        return _refused(on, "mcp tools", error)
    return ok("mcp tools", ", ".join(tool.name for tool in found) or "none")


async def _tools(on: Patient) -> list[Tool]:
    async with _client(on) as client:
        return await client.list_tools()


async def call(on: Patient) -> Finding | None:
    """Call the server's SQL tool, if it has one: no other tool is known to change nothing."""
    if on.server is None:
        return None
    tool = next((one for one in await _tools(on) if "sql" in one.input_schema.get("properties", {})), None)
    if tool is None:
        return unseen("mcp call", "no tool of the server takes SQL, and others are not called to try")
    try:
        async with _client(on) as client:
            await client.call_tool(tool.name, {"sql": QUESTION})
    except SnowflakeError as error:
        return _refused(on, "mcp call", error)
    return ok("mcp call", f"{tool.name} ran {QUESTION}")


def _refused(on: Patient, step: str, error: SnowflakeError) -> Finding:
    if isinstance(error, SnowflakeUnavailable):
        return unseen(step, error.message, error.hint)
    rpc = f"{error.rpc_code}" if isinstance(error, McpError) and error.rpc_code else ""
    in_200 = error.http_status == 200
    seen = f"{error.message} (HTTP status 200: the refusal is in the body)" if in_200 else error.message
    return symptoms.refused(step, on.known, seen, error.code, error.message, type(error).__name__, rpc)


CHECKS = (
    Check("mcp discovery", ("account", "credential"), metadata),
    Check("mcp tools", ("sign-in", "mcp discovery", "user"), tools),
    Check("mcp call", ("mcp tools",), call),
)
