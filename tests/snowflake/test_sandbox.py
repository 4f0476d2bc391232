"""The client against the sandbox account: the same values whatever the account's switches, beside the peer's client."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import pytest
import snowflake_sql_api as peer

from skipass.sandbox.account import CHOICES, Switches
from skipass.sandbox.demo import run_script
from skipass.sandbox.demoaccess import INTEGRATION, MCP_SERVER, REDIRECT
from skipass.sandbox.oauth.model import Code, Family, digest
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.secret import Secret
from skipass.snowflake import (
    AsyncSnowflakeClient,
    CancelOutcome,
    CompileError,
    KeyPairTokens,
    ManagedMcpClient,
    McpError,
    McpToolError,
    NetworkPolicyError,
    ObjectNotFoundError,
    RoleNotAllowed,
    ServerName,
    SnowflakeAuthError,
    SnowflakeClient,
    SnowflakeConfigError,
    StatementCancelled,
    StatementNotFound,
    StatementTimedOut,
    TokenRejected,
    TokenSource,
    generate_key_pair,
    oauth_token,
    parse_account,
    read_private_key,
    target_of,
)
from skipass.snowflake.auth.endpoint import TokenEndpoint
from skipass.snowflake.auth.grants import InvalidClient, InvalidGrant
from skipass.snowflake.auth.oauth import OAuthClient, exchange_call, refresh_call

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
# The values of every switch that the client can see, besides the default. The whole suite runs with each of them.
SEEN: dict[str, tuple[Any, ...]] = {
    "timestamp_text": ("nanos",),
    "partition_body": ("array",),
    "row_type_case": ("upper",),
    "accepted_rate": (1.0,),
    "accepted_next": (3,),
    "sync_window_s": (0.0,),
    "partition_rows": (7,),
    "partition_bytes": (400,),
    "clock_offset_s": (20.0,),
    "execution_delay_s": (0.01,),
    "role_refusal": ("390189", "390317"),
    "unknown_host": ("404", "513"),
    "oauth_error_shape": ("rfc",),
    "refresh_mode": ("single",),
    "mcp_stream": ("json",),
    "mcp_list_stream": ("sse",),
    "mcp_token_rejected": ("200/-32603",),
    "mcp_tool_failure": ("is_error", "content"),
    "mcp_search_shape": ("results",),
    "mcp_analyst_fence": (True,),
    "mcp_agent_results": ("tool_results",),
    "trial_account": (True,),
    "running_code": ("333333",),
    "cancel_code": ("0",),
    "unknown_handle_status": ("404",),
    "timeout_status": ("422",),
    "role_refusal_status": ("403", "422"),
    "network_policy_status": ("401",),
    "jwt_age": ("minute",),
    "jwt_code": ("detail",),
    "withdrawn_code": ("390302",),
    "refresh_without_role": ("refused",),
    "invalid_client_status": ("401",),
    "show_columns": ("more",),
}
UNSEEN = {
    "handle_age_s": "when a handle ends: the error is the same at any age, and has a test of its own",
    "role_all_scope": "decided on the sign-in page, in a browser; the client reads the refusal that comes back",
    "audience_slash": "what the account makes of an outside token, which the client passes on unread",
    "scope_attribute": "what an administrator may write into an integration",
    "accept_status": "the refusal of an Accept header that this client never sends",
    "token_kind": "what a token of no named type is taken for; this client names the type of each",
    "authorization_metadata": "a document for clients that look the endpoints up; this client knows them",
}
TOGETHER: dict[str, Any] = {name: values[-1] for name, values in SEEN.items() if name != "trial_account"}
VARIANTS: list[dict[str, Any]] = [
    {},
    *({name: value} for name, values in SEEN.items() for value in values),
    {"trial_account": True, "mcp_tool_failure": "content"},
    TOGETHER,
]
# What the peer's client meets too; it reads one spelling of a timestamp, and waits longer for what is accepted only.
PEER = [{}, {"partition_body": "array"}, {"row_type_case": "upper"}, {"partition_rows": 7}, {"partition_bytes": 400}]
SAME = [
    TYPES,
    "select * from orders order by order_id",
    "select count(*) C, min(order_id) M from orders",
    "select order_id, total from orders where total > 20 order by 1",
    "select 1 where false",
    "show tables",
]


EXTRA = """
USE ROLE SYSADMIN;
USE WAREHOUSE COMPUTE_WH;
USE SCHEMA OPS_DB.OPS;
CREATE AGENT HELPER FROM SPECIFICATION $$
answers: {"Who is first?": "Ada."}
$$;
CREATE MCP SERVER WITH_AGENT FROM SPECIFICATION $$
tools:
  - {name: helper, type: CORTEX_AGENT_RUN, title: Helper, description: Does things., identifier: OPS_DB.OPS.HELPER}
$$;
GRANT USAGE ON MCP SERVER OPS_DB.OPS.WITH_AGENT TO ROLE AGENT_ROLE;
GRANT USAGE ON AGENT OPS_DB.OPS.HELPER TO ROLE AGENT_ROLE;
USE ROLE ACCOUNTADMIN;
ALTER SECURITY INTEGRATION SKIPASS_OAUTH SET OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED = FALSE
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """One account for the tests of this module."""
    with running_sandbox() as running:
        run_script(running.account, "ADMIN", EXTRA)
        yield running


@pytest.fixture(autouse=True)
def _reset(sandbox: RunningSandbox) -> Iterator[None]:
    yield
    sandbox.control.reset()


@pytest.fixture(params=VARIANTS, ids=lambda one: "together" if one is TOGETHER else str(one or "defaults"))
def variant(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> dict[str, Any]:
    """The account with one value of one switch, or with all of them."""
    chosen: dict[str, Any] = {"partition_rows": 50, **request.param}
    sandbox.control.switches(**chosen)
    return chosen


def test_every_switch_is_listed() -> None:
    """A switch of the sandbox is either one that this suite runs with, every value of it, or known not to matter."""
    switches = {one.name: one.default for one in fields(Switches)}
    assert set(SEEN) | set(UNSEEN) == set(switches)
    assert not set(SEEN) & set(UNSEEN)
    for name, values in SEEN.items():
        assert {switches[name], *values} == set(CHOICES.get(name, (switches[name], *values)))


def options(sandbox: RunningSandbox) -> dict[str, Any]:
    """What names the sandbox's service user."""
    user = sandbox.user("SKIPASS_SVC")
    return {"account": sandbox.said["account"], "user": user.login_name, "private_key_path": user.private_key_path}


def client_of(sandbox: RunningSandbox, **more: Any) -> SnowflakeClient:
    """A client of the service user, signed in by its key pair."""
    return SnowflakeClient(**{**options(sandbox), "host": sandbox.url, **more})


def test_values_do_not_depend_on_switches(sandbox: RunningSandbox, variant: dict[str, Any]) -> None:
    """Rows, Arrow and partitions are the same, however the account spells, cuts, delays and accepts."""
    with client_of(sandbox) as client:
        assert client.query(TYPES).rows() == [VALUES]
        assert client.query(TYPES, wait_first=True).rows() == [VALUES]
        table = client.submit(TYPES).fetch_arrow(timestamp_unit="us")
        assert tuple(table.to_pylist()[0].values())[:7] == VALUES[:7]
        orders = client.submit("select order_id from orders order by order_id")
        rows = [order_id for (order_id,) in orders.iter_rows()]
        assert len(rows) > variant["partition_rows"]
        assert rows == sorted(rows)
        assert [value for batch in orders.iter_batches() for value in batch.column(0).to_pylist()] == rows
        assert orders.result().rows() == [(order_id,) for order_id in rows]
        several = client.query_all("select 1; select 'two'")
        assert [result.rows() for result in several] == [[(1,)], [("two",)]]


@pytest.mark.usefixtures("variant")
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


@pytest.mark.usefixtures("variant")
def test_refusals_are_typed(sandbox: RunningSandbox) -> None:
    """What the account refuses is the error it is."""
    with client_of(sandbox) as client:
        with pytest.raises(CompileError):
            client.query("select nope from orders")
        with pytest.raises(ObjectNotFoundError):
            client.query("select * from NO_SUCH_TABLE", wait_first=True)
        with pytest.raises(StatementNotFound):
            client.statement("01b2c3d4-0000-0000-0000-000100020003").result()
        waiting = client.submit("select system$wait(600)")
        assert waiting.cancel() is CancelOutcome.CANCELLED
        with pytest.raises(StatementCancelled):
            waiting.result()
    stranger = {**options(sandbox), "private_key": generate_key_pair().private_pem.reveal()}
    del stranger["private_key_path"]
    with SnowflakeClient(**stranger, host=sandbox.url) as client:
        with pytest.raises(TokenRejected):
            client.query("select 1")
        sandbox.control.faults({"kind": "network_policy", "count": 1})
        with pytest.raises(NetworkPolicyError):
            client.query("select 1")


@pytest.mark.anyio
@pytest.mark.usefixtures("variant")
async def test_a_host_that_names_no_account(sandbox: RunningSandbox) -> None:
    """The answer of a host that names no account is a configuration error that says where to look."""
    session = aiohttp.ClientSession(headers={"Host": "another-account.snowflakecomputing.com"})
    async with session, AsyncSnowflakeClient(**{**options(sandbox), "host": sandbox.url}, session=session) as client:
        with pytest.raises(SnowflakeConfigError, match="The host answered") as caught:
            await client.query("select 1")
    assert caught.value.hint


@pytest.mark.parametrize("timeout_status", CHOICES["timeout_status"])
def test_limits_in_time(sandbox: RunningSandbox, timeout_status: str) -> None:
    """A statement that takes too long is cancelled, and a handle that is too old is no longer known."""
    sandbox.control.switches(timeout_status=timeout_status)
    with client_of(sandbox) as client:
        with pytest.raises(StatementTimedOut):
            client.query("select system$wait(600)", timeout_s=1)
        done = client.submit("select 1")
        assert done.result().num_rows == 1
        sandbox.control.switches(handle_age_s=0.0)
        with pytest.raises(StatementNotFound):
            client.statement(done.statement_handle).result()


class Plain(httpx.HTTPTransport):
    """Speaks http where the package insists on https."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the same place in the clear."""
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


@pytest.mark.parametrize("switches", PEER, ids=str)
def test_equal_results_beside_the_peer(sandbox: RunningSandbox, switches: dict[str, Any]) -> None:
    """`snowflake-sql-api` and this client read the same statements of the same account to equal rows."""
    sandbox.control.switches(**{"partition_rows": 50, **switches})
    found = options(sandbox)
    with httpx.Client(transport=Plain()) as http, client_of(sandbox) as client:
        theirs = peer.SnowflakeClient(
            found["account"],
            found["user"],
            private_key_path=str(found["private_key_path"]),
            host=sandbox.url.removeprefix("http://"),
            http_client=http,
        )
        for sql in SAME:
            assert client.query(sql).dicts() == theirs.query(sql)


def key_pair_tokens(sandbox: RunningSandbox) -> KeyPairTokens:
    """The service user's own tokens."""
    found = options(sandbox)
    return KeyPairTokens(
        parse_account(found["account"]).claim_account, found["user"], read_private_key(found["private_key_path"])
    )


def mcp_client(sandbox: RunningSandbox, name: str, tokens: TokenSource | None = None) -> ManagedMcpClient:
    """A client of one of the account's MCP servers."""
    server = ServerName(MCP_SERVER.database, MCP_SERVER.schema, name)
    return ManagedMcpClient(target_of(None, sandbox.url), server, tokens or key_pair_tokens(sandbox))


@pytest.mark.anyio
async def test_managed_mcp_server(sandbox: RunningSandbox, variant: dict[str, Any]) -> None:
    """Tools are listed and called alike, however the server answers; a failing tool fails wherever it says so."""
    async with mcp_client(sandbox, MCP_SERVER.name, oauth_token("FAKE")) as client:
        with pytest.raises(SnowflakeAuthError):
            await client.list_tools()
    async with mcp_client(sandbox, MCP_SERVER.name) as client, mcp_client(sandbox, "WITH_AGENT") as second:
        await client.initialize()
        await client.initialized()
        tools = {tool.name: tool for tool in await client.list_tools()}
        name = next(name for name, tool in tools.items() if "sql" in tool.input_schema.get("properties", {}))
        with pytest.raises(McpError):
            await client.call_tool("no-such-tool", {})
        await (refused_on_trial if variant.get("trial_account") else answered)(client, second, name)


async def refused_on_trial(client: ManagedMcpClient, second: ManagedMcpClient, name: str) -> None:
    """Every call fails, and the hint names the likely reason."""
    for asking in (client.call_tool(name, {"sql": "select 1"}), second.call_tool("helper", {"text": "Who?"})):
        with pytest.raises(McpToolError) as caught:
            await asking
        assert "trial" in caught.value.hint


async def answered(client: ManagedMcpClient, second: ManagedMcpClient, name: str) -> None:
    """Each kind of tool gives what it has in one form, and a failing one fails."""
    result = await client.call_tool(name, {"sql": "select 1 as ONE"})
    assert result.rows() == [(1,)]
    assert result.query_id
    with pytest.raises((ObjectNotFoundError, McpToolError)):
        await client.call_tool(name, {"sql": "select * from NO_SUCH_TABLE"})
    subject = (await client.call_tool(name, {"sql": "select min(subject) from tickets"})).rows()[0][0]
    assert subject in str((await client.call_tool("ticket-search", {"query": subject})).value)
    asked = await client.call_tool("orders-analyst", {"message": "How many tickets are open?"})
    assert "OPEN_TICKETS" in str(asked.value)
    assert (await second.call_tool("helper", {"text": "Who is first?"})).answer == "Ada."


@pytest.mark.anyio
@pytest.mark.usefixtures("variant")
async def test_tokens_of_a_sign_in(sandbox: RunningSandbox) -> None:
    """A code becomes tokens that are refreshed, good for one role alone; a spent code is an invalid grant."""
    said, verifier = sandbox.said["oauth_client"], "v" * 43
    text = secrets.token_hex(8)
    family = Family(text, INTEGRATION, "DANA", "AGENT_ROLE", "refresh_token session:role:AGENT_ROLE", offline=True)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = Code(family, REDIRECT, challenge, sandbox.account.now() + timedelta(minutes=5))
    sandbox.account.sign_in.codes[digest(text)] = code
    client = OAuthClient(said["client_id"], Secret(said["client_secret"]))
    exchange = exchange_call(client, Secret(text), redirect_uri=REDIRECT, verifier=Secret(verifier))
    endpoint = TokenEndpoint(target_of(None, sandbox.url))
    try:
        first = await endpoint.ask(exchange, timeout_s=5)
        assert first.refresh_token is not None
        second = await endpoint.ask(refresh_call(client, first.refresh_token), timeout_s=5)
        third = await endpoint.ask(refresh_call(client, second.refresh_token or first.refresh_token), timeout_s=5)
        async with AsyncSnowflakeClient(host=sandbox.url, token=third.access_token) as signed_in:
            assert (await signed_in.query("select current_user()", role="AGENT_ROLE")).rows() == [("DANA",)]
            with pytest.raises(RoleNotAllowed):
                await signed_in.query("select 1", role="SYSADMIN")
            sandbox.control.tokens("revoke", user="DANA", integration=INTEGRATION)
            with pytest.raises(TokenRejected):
                await signed_in.query("select 1")
        with pytest.raises(InvalidGrant):
            await endpoint.ask(exchange, timeout_s=5)
        stranger = OAuthClient(said["client_id"], Secret("FAKE"))
        with pytest.raises(InvalidClient):
            await endpoint.ask(refresh_call(stranger, first.refresh_token), timeout_s=5)
    finally:
        await endpoint.aclose()
