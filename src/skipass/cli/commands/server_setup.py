"""What an admin does in Snowflake for a relay: the script that makes a managed MCP server and its grants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.output import note, say

if TYPE_CHECKING:
    from skipass.snowflake.setup_sql import ManagedTool

ObjectsOption = list[str] | None


def setup_sql(
    name: Annotated[str, typer.Argument(help="The managed server to make: DB.SCHEMA.NAME.")],
    *,
    connection: Annotated[
        str | None, typer.Option("--connection", help="A registered connection to take role, warehouse and host from.")
    ] = None,
    role: Annotated[str | None, typer.Option("--role", help="Who gets to use it.")] = None,
    owner: Annotated[str, typer.Option("--owner", help="The role that makes it: it owns the schema.")] = "SYSADMIN",
    warehouse: Annotated[str | None, typer.Option("--warehouse", help="Where its SQL tool runs.")] = None,
    sql: Annotated[bool, typer.Option("--sql/--no-sql", help="Give it a tool that runs SQL.")] = True,
    write: Annotated[bool, typer.Option("--write", help="Let that tool change rows as well as read them.")] = False,
    timeout: Annotated[int, typer.Option("--timeout", min=1, max=604_800, help="Seconds one statement may take.")] = 60,
    search: Annotated[
        ObjectsOption, typer.Option("--search", metavar="DB.SCHEMA.SERVICE", help="A search service; repeatable.")
    ] = None,
    analyst: Annotated[
        ObjectsOption, typer.Option("--analyst", metavar="DB.SCHEMA.VIEW", help="A semantic view; repeatable.")
    ] = None,
    agent: Annotated[
        ObjectsOption, typer.Option("--agent", metavar="DB.SCHEMA.AGENT", help="A Cortex agent; repeatable.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The account's host, where it is another: a PrivateLink host.")
    ] = None,
) -> None:
    """Print what an admin of the account pastes into a worksheet, and the address to relay to."""
    from skipass.snowflake.identifiers import body_field
    from skipass.snowflake.setup_sql import ManagedServer, mcp_server_script

    known: dict[str, Any] = gateway().get(f"/connections/{segment(connection)}") if connection else {}
    database, schema, server = _object(name)
    if not (role or known.get("role")):
        raise typer.BadParameter("name a registered connection, or give it", param_hint="--role")
    made = ManagedServer(
        database=database,
        schema=schema,
        name=server,
        role=body_field(role) if role else str(known["role"]),
        tools=tuple(_tools(sql, search or [], analyst or [], agent or [])),
        owner=body_field(owner),
        warehouse=body_field(warehouse) if warehouse else known.get("warehouse"),
        write=write,
        timeout_s=timeout,
    )
    say(mcp_server_script(made).rstrip("\n"))
    _next(host or known.get("host"), (database, schema, server), connection)


def _next(host: str | None, parts: tuple[str, str, str], connection: str | None) -> None:
    """Say where the server will be, and what comes next."""
    from skipass.snowflake.account import target_of
    from skipass.snowflake.mcp.messages import ServerName

    path = ServerName(*(_part(part) for part in parts)).path
    base_url = target_of(None, host).base_url if host else "https://ACCOUNT_HOST"
    over = f"--connection {connection}" if connection else "--connection NAME"
    note(f"Then: skipass mcp-server add SLUG --url {base_url}{path} {over} --group NAME")


def _part(stored: str) -> str:
    """Return one name as an address has it: in its quotes where it is not plain."""
    from skipass.snowflake.identifiers import body_field, quoted

    return stored if stored.replace("_", "A").isalnum() and body_field(stored) == stored else quoted(stored)


def _tools(sql: bool, search: list[str], analyst: list[str], agent: list[str]) -> Iterator[ManagedTool]:
    from skipass.snowflake.setup_sql import ManagedTool, mcp_server

    if sql:
        yield ManagedTool("sql-exec", mcp_server.SQL, "Run SQL", "Runs one SQL statement.")
    kinds = (
        (search, mcp_server.SEARCH, "Searches"),
        (analyst, mcp_server.ANALYST, "Writes the query that answers a question about"),
        (agent, mcp_server.AGENT, "Hands a request to the agent"),
    )
    for names, type_, does in kinds:
        for text in names:
            target = _object(text)
            plain = target[2].lower().replace("_", "-")
            yield ManagedTool(plain, type_, target[2], f"{does} {'.'.join(target)}.", target)


def _object(text: str) -> tuple[str, str, str]:
    """Return the stored names of DB.SCHEMA.NAME, each part plain or quoted."""
    from skipass.snowflake.errors import SnowflakeConfigError
    from skipass.snowflake.setup_sql import object_path

    try:
        return object_path(text)
    except SnowflakeConfigError as error:
        raise typer.BadParameter(error.message, param_hint="DB.SCHEMA.NAME") from None
