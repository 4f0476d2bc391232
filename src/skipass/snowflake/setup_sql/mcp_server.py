"""The script that makes a managed MCP server, and lets one role use it and what its tools reach.

Nothing is replaced: to replace a server takes every grant on it away. Source:
https://docs.snowflake.com/en/sql-reference/sql/create-mcp-server ,
https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql.text import name, printable

SQL, SEARCH, ANALYST = "SYSTEM_EXECUTE_SQL", "CORTEX_SEARCH_SERVICE_QUERY", "CORTEX_ANALYST_MESSAGE"
AGENT = "CORTEX_AGENT_RUN"
MOST_TOOLS = 50
_GRANTS: Mapping[str, str] = MappingProxyType(
    {SEARCH: "USAGE ON CORTEX SEARCH SERVICE", ANALYST: "SELECT ON SEMANTIC VIEW", AGENT: "USAGE ON AGENT"}
)


@dataclass(frozen=True, slots=True)
class ManagedTool:
    """One tool: `target` is the object behind it (database, schema, name, as stored), empty for one that runs SQL."""

    name: str
    type: str
    title: str
    description: str
    target: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedServer:
    """A server to make, its names as Snowflake stores them. `owner` makes it; `role` is who gets to use it.

    With `write` its SQL tool changes rows as well as reads them; `timeout_s` bounds one statement of that tool.
    """

    database: str
    schema: str
    name: str
    role: str
    tools: tuple[ManagedTool, ...]
    owner: str = "SYSADMIN"
    warehouse: str | None = None
    write: bool = False
    timeout_s: int = 60


def mcp_server_script(server: ManagedServer) -> str:
    """Return the whole script; raises `SnowflakeConfigError` for a name that cannot stand in it, or for no tools."""
    if not 0 < len(server.tools) <= MOST_TOOLS or len({tool.name for tool in server.tools}) != len(server.tools):
        raise SnowflakeConfigError(f"A server has 1 to {MOST_TOOLS} tools, each with a name of its own.")
    return "\n".join([*_made(server), "", *_granted(server)]) + "\n"


def _made(server: ManagedServer) -> Iterator[str]:
    yield f"-- {name(server.owner)} makes the server: it owns the schema, or was granted CREATE MCP SERVER on it."
    yield "-- One that is there stays as it is: to give it other tools, drop it first and run all of this again."
    yield f"USE ROLE {name(server.owner)};"
    yield f"CREATE MCP SERVER IF NOT EXISTS {_path(server.database, server.schema, server.name)} FROM SPECIFICATION $$"
    yield "tools:"
    for tool in server.tools:
        yield from _tool(server, tool)
    yield "$$;"


def _tool(server: ManagedServer, tool: ManagedTool) -> Iterator[str]:
    yield f"  - name: {_scalar(tool.name)}"
    yield f"    type: {tool.type}"
    yield f"    title: {_scalar(tool.title)}"
    yield f"    description: {_scalar(tool.description)}"
    if tool.type != SQL:
        yield f"    identifier: {_scalar(_identifier(tool.target))}"
        return
    yield "    config:"
    yield f"      read_only: {'false' if server.write else 'true'}"
    yield f"      query_timeout: {server.timeout_s}"
    if server.warehouse is not None:
        yield f"      warehouse: {_scalar(server.warehouse)}"


def _granted(server: ManagedServer) -> Iterator[str]:
    role, place = name(server.role), (server.database, server.schema)
    yield "USE ROLE SECURITYADMIN;"
    yield f"GRANT USAGE ON DATABASE {_path(server.database)} TO ROLE {role};"
    yield f"GRANT USAGE ON SCHEMA {_path(*place)} TO ROLE {role};"
    yield f"GRANT USAGE ON MCP SERVER {_path(*place, server.name)} TO ROLE {role};"
    if server.warehouse is not None:
        yield f"GRANT USAGE ON WAREHOUSE {name(server.warehouse)} TO ROLE {role};"
    # USAGE on a server lists its tools; what a tool reaches is granted by itself.
    for tool in server.tools:
        if tool.type in _GRANTS:
            yield f"GRANT {_GRANTS[tool.type]} {_path(*tool.target)} TO ROLE {role};"


def _path(*parts: str) -> str:
    return ".".join(name(part) for part in parts)


def _identifier(parts: tuple[str, ...]) -> str:
    """Return an object's name as a specification has it: plain where that means the same."""
    plain = all(part.replace("_", "A").isalnum() and part.isascii() and part == part.upper() for part in parts)
    return ".".join(parts) if plain else _path(*parts)


def _scalar(text: str) -> str:
    """Return a YAML scalar: a JSON string is one. Two dollar signs would end the specification."""
    if "$$" in printable(text):
        raise SnowflakeConfigError(f"{text!r} cannot stand in a specification.", hint="Leave $$ out.")
    return json.dumps(text)
