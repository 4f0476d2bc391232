"""The client against the sandbox account: the same values whatever the account's switches, beside the peer's client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import httpx
import pytest
import snowflake_sql_api as peer

from skipass.sandbox.demoaccess import MCP_SERVER
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.snowflake import (
    CompileError,
    KeyPairTokens,
    ManagedMcpClient,
    McpError,
    McpToolError,
    ObjectNotFoundError,
    ServerName,
    SnowflakeClient,
    StatementTimedOut,
    TokenRejected,
    generate_key_pair,
    parse_account,
    read_private_key,
    target_of,
)

TYPES = (
    "select 12.50::number(10,2) A, 1.5::float B, true C, to_date('2020-01-01') D, '23:01:59'::time E, "
    "'2021-01-28 22:09:37.123456'::timestamp_ntz F, '1960-01-01 00:00:00.5'::timestamp_ntz G, "
    "parse_json('{\"a\":1}') H, null I, '' J"
)
VALUES = (
    Decimal("12.50"),
    1.5,
    True,
    date(2020, 1, 1),
    time(23, 1, 59),
    datetime(2021, 1, 28, 22, 9, 37, 123456),  # noqa: DTZ001
    datetime(1960, 1, 1, 0, 0, 0, 500000),  # noqa: DTZ001
    {"a": 1},
    None,
    "",
)
SWITCHES: list[dict[str, Any]] = [
    {},
    {"timestamp_text": "nanos"},
    {"partition_body": "array"},
    {"row_type_case": "upper"},
    {"accepted_next": 3},
]
SAME = [
    "select * from orders order by order_id",
    "select count(*) C, min(order_id) M from orders",
    "select order_id, total from orders where total > 20 order by 1",
    "select 1 where false",
    "show tables",
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """One account for the tests of this module."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def _reset(sandbox: RunningSandbox) -> Iterator[None]:
    yield
    sandbox.control.reset()


def options(sandbox: RunningSandbox) -> dict[str, Any]:
    """What names the sandbox's service user."""
    user = sandbox.user("SKIPASS_SVC")
    return {"account": sandbox.said["account"], "user": user.login_name, "private_key_path": user.private_key_path}


def client_of(sandbox: RunningSandbox, **more: Any) -> SnowflakeClient:
    """A client of the service user, signed in by its key pair."""
    return SnowflakeClient(**options(sandbox), host=sandbox.url, **more)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_values_do_not_depend_on_switches(sandbox: RunningSandbox, switches: dict[str, Any]) -> None:
    """Rows, Arrow and partitions are the same, however the account spells timestamps, bodies and types."""
    sandbox.control.switches(partition_rows=50, **switches)
    with client_of(sandbox) as client:
        assert client.query(TYPES).rows() == [VALUES]
        table = client.submit(TYPES).fetch_arrow(timestamp_unit="us")
        assert tuple(table.to_pylist()[0].values())[:7] == VALUES[:7]
        orders = client.submit("select order_id from orders order by order_id")
        rows = [order_id for (order_id,) in orders.iter_rows()]
        assert len(rows) > 50
        assert rows == sorted(rows)
        assert [value for batch in orders.iter_batches() for value in batch.column(0).to_pylist()] == rows


def test_binds_arrive_as_they_were_sent(sandbox: RunningSandbox) -> None:
    """Values of every type that is bound come back as themselves."""
    values = [
        7,
        Decimal("-1.25"),
        2.5,
        "ä'\n",
        True,
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        None,
    ]
    sql = "select ?::number, ?::number(9,2), ?::float, ?, ?::boolean, ?::date, ?::timestamp_tz, ?"
    with client_of(sandbox) as client:
        assert client.query(sql, values).rows() == [tuple(values)]


def test_refusals_are_typed(sandbox: RunningSandbox) -> None:
    """What the account refuses is the error it is."""
    with client_of(sandbox) as client:
        with pytest.raises(CompileError):
            client.query("select nope from orders")
        with pytest.raises(ObjectNotFoundError):
            client.query("select * from NO_SUCH_TABLE")
        with pytest.raises(StatementTimedOut):
            client.query("select system$wait(600)", timeout_s=1)
    stranger = {**options(sandbox), "private_key": generate_key_pair().private_pem.reveal()}
    del stranger["private_key_path"]
    with SnowflakeClient(**stranger, host=sandbox.url) as client, pytest.raises(TokenRejected):
        client.query("select 1")


class Plain(httpx.HTTPTransport):
    """Speaks http where the package insists on https."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the same place in the clear."""
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


@pytest.mark.parametrize("sql", SAME)
def test_equal_results_beside_the_peer(sandbox: RunningSandbox, sql: str) -> None:
    """`snowflake-sql-api` and this client read the same statements of the same account to equal rows."""
    sandbox.control.switches(partition_rows=40)
    found = options(sandbox)
    with httpx.Client(transport=Plain()) as http, client_of(sandbox) as client:
        theirs = peer.SnowflakeClient(
            found["account"],
            found["user"],
            private_key_path=str(found["private_key_path"]),
            host=sandbox.url.removeprefix("http://"),
            http_client=http,
        )
        assert client.query(sql).dicts() == theirs.query(sql)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", ["sse", "json"])
@pytest.mark.parametrize("place", ["error", "is_error", "content"])
async def test_managed_mcp_server(sandbox: RunningSandbox, stream: str, place: str) -> None:
    """Tools are listed and called alike, however the server answers; a failing tool fails wherever it says so."""
    sandbox.control.switches(mcp_stream=stream, mcp_list_stream=stream, mcp_tool_failure=place)
    found = options(sandbox)
    tokens = KeyPairTokens(
        parse_account(found["account"]).claim_account, found["user"], read_private_key(found["private_key_path"])
    )
    server = ServerName(MCP_SERVER.database, MCP_SERVER.schema, MCP_SERVER.name)
    async with ManagedMcpClient(target_of(None, sandbox.url), server, tokens) as client:
        await client.initialize()
        await client.initialized()
        tools = {tool.name: tool for tool in await client.list_tools()}
        name = next(name for name, tool in tools.items() if "sql" in tool.input_schema.get("properties", {}))
        result = await client.call_tool(name, {"sql": "select 1 as ONE"})
        with pytest.raises((ObjectNotFoundError, McpToolError)):
            await client.call_tool(name, {"sql": "select * from NO_SUCH_TABLE"})
        with pytest.raises(McpError):
            await client.call_tool("no-such-tool", {})
    assert result.rows() == [(1,)]
    assert result.query_id
