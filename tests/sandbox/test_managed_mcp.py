"""Managed MCP servers: what a client of the protocol's own library sees, and who may see and call what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from sandbox.client import Client
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.sandbox.world import build_account

pytestmark = pytest.mark.anyio
PATH = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"


@asynccontextmanager
async def connected(sandbox: RunningSandbox, token: str, mode: str) -> AsyncIterator[McpClient]:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        transport = streamable_http_client(sandbox.url + PATH, http_client=http)
        async with McpClient(transport, mode=mode) as client:
            yield client


def token_of(sandbox: RunningSandbox) -> str:
    return str(App.of(sandbox).tokens()["access_token"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("stream", ["sse", "json"])
async def test_client_of_the_protocol_lists_and_calls(fresh: RunningSandbox, mode: str, stream: str) -> None:
    """The protocol's own client connects, lists the tools and runs SQL, over a stream and over plain JSON."""
    fresh.control.switches(mcp_stream=stream)
    async with connected(fresh, token_of(fresh), mode) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == ["sql-exec-tool", "ticket-search", "orders-analyst"]
        asked = "select current_user() as U, current_role() as R, is_agent_activated() as A"
        answer = await client.call_tool("sql-exec-tool", {"sql": asked})
        found = json.loads(answer.content[0].text)  # type: ignore[union-attr]
        assert found["result_set"]["data"] == [["DANA", "AGENT_ROLE", "TRUE"]]
        with pytest.raises(MCPError, match=r"(?s)MCP Server tool error: SQL compilation error:.*NO_SUCH.*request-id"):
            await client.call_tool("sql-exec-tool", {"sql": "select * from no_such"})
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("no-such-tool", {})


def post(sandbox: RunningSandbox, token: str, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
    with closing(HTTPConnection(sandbox.host, timeout=30)) as connection:
        connection.request("POST", PATH, json.dumps(body), headers)
        answer = connection.getresponse()
        with closing(answer):
            return answer.status, json.loads(answer.read() or b"{}")


def call(sandbox: RunningSandbox, token: str, name: str, **arguments: Any) -> Any:
    """Return the JSON of the text block, or the error's message."""
    status, found = post(sandbox, token, "tools/call", name=name, arguments=arguments)
    assert status == 200
    if "error" in found:
        return found["error"]["message"]
    return json.loads(found["result"]["content"][0]["text"])


def test_every_kind_of_credential_opens_the_server(fresh: RunningSandbox) -> None:
    """OAuth, outside OAuth and key pair connect; each statement is in the query history under its user."""
    shim = Client.of(fresh, "SKIPASS_SVC").sql("select ops_db.ops.generate_token_test()").rows[0][0] or ""
    for token in (token_of(fresh), shim, Client.of(fresh, "SKIPASS_SVC").token):
        assert call(fresh, token, "sql-exec-tool", sql="select 41 + 1")["result_set"]["data"] == [["42"]]
    text = "select count(*) from table(information_schema.query_history()) where query_text = 'select 41 + 1'"
    admin = Client.of(fresh, "ADMIN")
    rows = admin.sql(text, database="OPS_DB", schema="OPS", warehouse="COMPUTE_WH")
    assert rows.rows == [["3"]]


def test_sql_tool_reads_unless_told_otherwise(fresh: RunningSandbox) -> None:
    """The SQL tool refuses writes, several statements and what the role may not see."""
    token = token_of(fresh)
    assert "Unsupported feature" in call(fresh, token, "sql-exec-tool", sql="delete from orders")
    assert "Unsupported feature" in call(fresh, token, "sql-exec-tool", sql="select 1; delete from orders")
    assert "statement count" in call(fresh, token, "sql-exec-tool", sql="select 1; select 2")
    assert "does not exist" in call(fresh, token, "sql-exec-tool", sql="select * from finance_db.hr.nothing")
    assert "Invalid arguments" in call(fresh, token, "sql-exec-tool", sql=7)
    assert "lacks 'sql'" in call(fresh, token, "sql-exec-tool")


def test_long_results_are_cut(fresh: RunningSandbox) -> None:
    """The text of a result stays under 250 KB, and the count of all rows is told."""
    text = "select repeat('x', 5000) as v from orders"
    _, found = post(fresh, token_of(fresh), "tools/call", name="sql-exec-tool", arguments={"sql": text})
    written = found["result"]["content"][0]["text"]
    rows = json.loads(written)["result_set"]
    assert len(written) <= 250_000
    assert 0 < len(rows["data"]) < rows["resultSetMetaData"]["numRows"] == 240


def test_search_ranks_and_filters(fresh: RunningSandbox) -> None:
    """Search finds by words, best first, under the filter, with the columns and limit that were asked."""
    token = token_of(fresh)
    found = call(fresh, token, "ticket-search", query="refunds", columns=["SUBJECT"], limit=3)
    assert found == [{"SUBJECT": "Refund not received"}] * 3
    high = call(fresh, token, "ticket-search", query="order", filter={"@eq": {"PRIORITY": "high"}})
    assert {row["PRIORITY"] for row in high} == {"high"}
    assert "no filter operator" in call(fresh, token, "ticket-search", query="x", filter={"@like": {"A": 1}})
    assert "not part of the service" in call(fresh, token, "ticket-search", query="order", columns=["NOTHING"])


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How many orders are there?", "240"),
        ("What is the total revenue by region?", "AMER"),
        ("How many tickets are open?", None),
    ],
)
def test_analyst_writes_sql_that_runs(fresh: RunningSandbox, question: str, first: str | None) -> None:
    """A scripted question gives a statement that the caller can run, and the answer says that it is a script."""
    token = token_of(fresh)
    said, written = call(fresh, token, "orders-analyst", message=question)
    assert "scripted" in said["text"]
    rows = call(fresh, token, "sql-exec-tool", sql=written["statement"])["result_set"]["data"]
    assert first is None or rows[0][0] == first
    assert len(call(fresh, token, "orders-analyst", message="Why is the sky blue?")) == 1


LACKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "server": (
        "revoke usage on mcp server ops_db.ops.ops_mcp from role agent_role",
        lambda found: "MCP server 'OPS_DB.OPS.OPS_MCP' does not exist or not authorized" in found,
    ),
    "schema": (
        "revoke usage on schema ops_db.ops from role agent_role",
        lambda found: "MCP server 'OPS_DB.OPS.OPS_MCP' does not exist or not authorized" in found,
    ),
    "service": (
        "revoke usage on cortex search service ops_db.ops.ticket_search from role agent_role",
        lambda found: "does not exist or access is not authorized" in found,
    ),
}


@pytest.mark.parametrize("name", LACKS)
def test_usage_on_the_server_does_not_grant_its_tools(fresh: RunningSandbox, name: str) -> None:
    """Server, schema and each tool's target are looked at again on every call."""
    token = token_of(fresh)
    statement, fits = LACKS[name]
    reply = Client.of(fresh, "ADMIN").sql(statement)
    assert reply.status == 200, reply.body
    assert fits(call(fresh, token, "ticket-search", query="order"))


def test_bound_issuer_shuts_other_oauth_tokens_out(fresh: RunningSandbox) -> None:
    """With an issuer bound to the schema only its tokens and credentials that are no OAuth get in."""
    own, admin = token_of(fresh), Client.of(fresh, "ADMIN")
    shim = Client.of(fresh, "SKIPASS_SVC").sql("select ops_db.ops.generate_token_test()").rows[0][0] or ""
    reply = admin.sql("alter database ops_db set oauth_authorization_server = sandbox_idp")
    assert reply.status == 200, reply.body
    pair = Client.of(fresh, "SKIPASS_SVC").token
    assert [post(fresh, token, "tools/list")[0] for token in (own, shim, pair)] == [401, 200, 200]
    admin.sql("alter security integration sandbox_idp set enabled = false")
    assert [post(fresh, token, "tools/list")[0] for token in (own, shim, pair)] == [401, 401, 200]


def test_servers_are_made_and_shown_by_sql(fresh: RunningSandbox) -> None:
    """CREATE, SHOW, DESCRIBE and DROP MCP SERVER have the vendor's columns, and a bad specification is refused."""
    admin = Client.of(fresh, "ADMIN")
    spec = "tools: [{name: a, type: SYSTEM_EXECUTE_SQL, title: A, description: B}]"
    made = f"create mcp server ops_db.ops.mine comment = 'mine' from specification $$ {spec} $$"
    assert admin.sql(made).status == 200
    assert admin.sql(made).code == "002002"
    listed = admin.sql("show mcp servers in schema ops_db.ops")
    assert listed.names == ["created_on", "name", "database_name", "schema_name", "owner", "comment"]
    assert [row[1] for row in listed.rows] == ["MINE", "OPS_MCP"]
    told = admin.sql("describe mcp server ops_db.ops.mine")
    assert told.names[5] == "server_spec"
    assert json.loads(told.rows[0][5] or "")["version"] == 1
    assert admin.sql("drop mcp server ops_db.ops.mine").status == 200
    for wrong in ("[", "tools: []", "tools: [{name: a}]", "a: &a [1]\nb: *a", "x"):
        refused = admin.sql(f"create mcp server ops_db.ops.bad from specification $$ {wrong} $$")
        assert refused.code == "391404", wrong
    svc = Client.of(fresh, "SKIPASS_SVC")
    assert svc.sql(made.replace("mine", "theirs", 1)).code == "003001"


def test_dropped_schema_takes_its_servers_along(fresh: RunningSandbox) -> None:
    """A schema that is made again under its old name holds nothing of before, and grants nothing."""
    admin = Client.of(fresh, "ADMIN")
    admin.sql("create schema ops_db.more")
    spec = "tools: [{name: a, type: SYSTEM_EXECUTE_SQL, title: A, description: B}]"
    admin.sql(f"create mcp server ops_db.more.one from specification $$ {spec} $$")
    admin.sql("grant usage on mcp server ops_db.more.one to role agent_role")
    admin.sql("drop schema ops_db.more")
    admin.sql("create schema ops_db.more")
    assert admin.sql("show mcp servers in schema ops_db.more").rows == []
    assert not [one for one in fresh.account.catalog.grants if one.on[0] == "MCP SERVER" and one.on[2] == "MORE"]


@pytest.mark.parametrize("stream", ["sse", "json"])
def test_answer_can_be_cut_in_the_middle(fresh: RunningSandbox, stream: str) -> None:
    """A cut in the middle gives half an answer and a closed connection, and the next call is whole."""
    token = token_of(fresh)
    fresh.control.switches(mcp_stream=stream)
    fresh.control.faults({"kind": "cut_middle", "method": "POST", "path": PATH})
    with pytest.raises(IncompleteRead) as caught:
        call(fresh, token, "sql-exec-tool", sql="select 1")
    assert caught.value.partial
    assert call(fresh, token, "sql-exec-tool", sql="select 2")["result_set"]["data"] == [["2"]]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_connection_can_be_cut_around_the_work(fresh: RunningSandbox, kind: str) -> None:
    """A cut before or after the work gives no answer at all."""
    token = token_of(fresh)
    fresh.control.faults({"kind": kind, "method": "POST", "path": PATH})
    with pytest.raises((ConnectionError, HTTPException)):
        call(fresh, token, "sql-exec-tool", sql="select 1")
    assert fresh.control.calls()[-1]["tool"] == ("sql-exec-tool" if kind == "cut_after" else None)


@pytest.mark.parametrize(("switch", "place"), [("is_error", True), ("content", None)])
def test_place_of_a_failure_is_a_switch(fresh: RunningSandbox, switch: str, place: bool | None) -> None:
    """A failing statement can come as a result too, marked as an error or not."""
    fresh.control.switches(mcp_tool_failure=switch)
    _, found = post(fresh, token_of(fresh), "tools/call", name="sql-exec-tool", arguments={"sql": "select * from x"})
    assert found["result"].get("isError") is place
    assert found["result"]["content"][0]["text"].startswith("MCP Server tool error: ")


def test_host_of_a_server_has_hyphens() -> None:
    """An account whose name has underscores is reached by both spellings, its managed servers by hyphens alone."""
    with running_sandbox(build_account("ACME-MY_ACCT", scale=0)) as running:
        one = Client.of(running, "SKIPASS_SVC")
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for host, status in (("acme-my-acct", 200), ("acme-my_acct", 403)):
            caller = replace(one, virtual_host=f"{host}.snowflakecomputing.com")
            assert caller.sql("select current_account_name()").rows == [["MY_ACCT"]]
            assert caller.call("POST", PATH, message).status == status


def test_trial_account_lists_tools_and_runs_none(fresh: RunningSandbox) -> None:
    """On a trial account the tools are listed, and each call of one says that it is such an account."""
    token = token_of(fresh)
    fresh.control.switches(trial_account=True)
    _, listed = post(fresh, token, "tools/list")
    assert len(listed["result"]["tools"]) == 3
    for name, arguments in (("sql-exec-tool", {"sql": "select 1"}), ("ticket-search", {"query": "x"})):
        assert call(fresh, token, name, **arguments) == "399504 Access denied for trial accounts"
