"""Stored procedures in SQL: what a body may hold, under whose rights it runs, and what tools get from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.client import Client, Reply
from skipass.sandbox.testing import RunningSandbox

HERE: dict[str, Any] = {"database": "OPS_DB", "schema": "OPS", "warehouse": "COMPUTE_WH"}


def run(client: Client, text: str, **body: Any) -> Reply:
    return client.sql(text, **HERE | body)


def made(client: Client, head: str, body: str, options: str = "") -> None:
    reply = run(client, f"create or replace procedure {head} language sql {options} as $${body}$$")
    assert reply.status == 200, reply.body


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    return Client.of(fresh, "ADMIN")


@pytest.mark.parametrize(
    ("head", "body", "call", "rows"),
    [
        ("p() returns varchar", "begin return 'done'; end", "p()", [["done"]]),
        ("p(a int, b int) returns int", "begin return a * 2 + :b; end;", "p(20, 2)", [["42"]]),
        ("p(a int, b int) returns int", "begin return a - b; end", "p(b => 1, a => 3)", [["2"]]),
        ("p(a varchar) returns varchar", "return upper(a)", "p('it''s')", [["IT'S"]]),
        ("p(a date) returns date", "return dateadd(day, 1, a)", "p('2024-02-28')", [["19782"]]),
        ("p(a variant) returns varchar", "return a:b.c::varchar", 'p(parse_json(\'{"b": {"c": 7}}\'))', [["7"]]),
        ("p(a int) returns boolean", "return a is null", "p(null)", [["true"]]),
        ("p(a array) returns int", "begin return array_size(a); end", "p([1, 2, 3])", [["3"]]),
        (
            "p(least int) returns int",
            "begin let n int := (select count(*) from orders where order_id >= :least); n := n + 1; return n; end",
            "p(1231)",
            [["11"]],
        ),
        (
            "p(n int) returns table (order_id int)",
            "begin return table(select order_id from orders order by order_id limit 2); end",
            "p((select max(order_id) from orders))",
            [["1001"], ["1002"]],
        ),
        ("p() returns int", "begin insert into tickets (ticket_id) values (900); end", "p()", [[None]]),
    ],
)
def test_body_runs_step_by_step(root: Client, head: str, body: str, call: str, rows: list[list[str | None]]) -> None:
    """A call returns what the body returns, with its arguments as values of their declared types."""
    made(root, head, body)
    reply = run(root, f"call {call}")
    assert reply.rows == rows
    if "table" not in head:
        assert reply.names == ["P"]


def test_statements_before_the_return_have_their_effect(root: Client) -> None:
    """Each statement of a body is carried out in order, with bound arguments, until the one that fails."""
    body = """begin
        update orders set note = :note where order_id = :id;
        insert into tickets (ticket_id, subject) values (901, :note);
        return (select note from orders where order_id = :id);
    end"""
    made(root, "mark(id int, note varchar) returns varchar", body)
    bindings = {"1": {"type": "FIXED", "value": "1001"}, "2": {"type": "TEXT", "value": "o'clock"}}
    assert run(root, "call mark(?, ?)", bindings=bindings).rows == [["o'clock"]]
    assert run(root, "select subject from tickets where ticket_id = 901").rows == [["o'clock"]]
    made(root, "half() returns int", "begin delete from tickets where ticket_id = 901; select * from nowhere; end")
    assert run(root, "call half()").code == "002003"
    assert run(root, "select count(*) from tickets where ticket_id = 901").rows == [["0"]]


def test_rights_are_the_owners_unless_it_says_caller(fresh: RunningSandbox, root: Client) -> None:
    """An owner's procedure reads what its caller may not; a caller's one does not; and USAGE is needed for either."""
    run(root, "create table finance_db.hr.plans (a number)")
    for name, options in (("owned", ""), ("mine", "execute as caller")):
        made(root, f"{name}() returns int", "begin return (select count(*) from finance_db.hr.plans); end", options)
    agent = Client.of(fresh, "SKIPASS_SVC")
    assert agent.sql("call owned()").code == "002003"
    for name in ("owned", "mine"):
        assert run(root, f"grant usage on procedure ops_db.ops.{name}() to role agent_role").status == 200
    assert agent.sql("call owned()").rows == [["0"]]
    assert agent.sql("call mine()").code == "002003"
    assert agent.sql("create procedure q() returns int language sql as 'return 1'").code == "003001"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("create procedure q() returns int language python as 'x'", "000002"),
        ("create procedure q() returns int language sql as $$begin if (true) then return 1; end if; end$$", "000002"),
        ("create procedure q() returns int language sql as $$declare x int; begin return 1; end$$", "000002"),
        ("create procedure q() returns int language sql as $$begin use role public; end$$", "000002"),
        ("create procedure q() returns int language sql as $$begin execute immediate 'x'; end$$", "000002"),
        ("create procedure q() returns int language sql as $$begin create temporary table t (a int); end$$", "000002"),
        ("create procedure q() returns int language sql as $$begin return 1;$$", "001003"),
        ("create procedure q() returns int language sql as ''", "000900"),
        ("call nothing()", "002003"),
        ("call again(1, 2)", "001044"),
        ("call again(b => 1)", "001044"),
        ("call again(1)", "000002"),
        ("call again((select 1 union all select 2))", "090150"),
        ("call system$nothing()", "000002"),
    ],
)
def test_what_is_not_understood_is_refused(root: Client, text: str, code: str) -> None:
    """Other languages, branches, wrong arguments and calls that never end are refused with a code."""
    made(root, "again(a int) returns int", "begin call again(:a); return 1; end")
    assert run(root, text).code == code


def test_procedures_are_listed_and_dropped(root: Client) -> None:
    """SHOW, DESCRIBE, INFORMATION_SCHEMA and DROP know a procedure by its name."""
    made(root, "p(a int) returns varchar", "return 'x'", "comment = 'One' execute as caller")
    (shown,) = run(root, "show procedures like 'P'").rows
    assert shown[8:10] == ["P(NUMBER) RETURN VARCHAR", "One"]
    described = dict(run(root, "describe procedure p(int)").rows)
    assert (described["execute as"], described["body"]) == ("CALLER", "return 'x'")
    text = "select procedure_name, procedure_definition from information_schema.procedures"
    assert run(root, text).rows == [["P", "return 'x'"]]
    assert run(root, "drop procedure p(int)").status == 200
    assert run(root, "drop procedure p(int)").code == "002003"


SERVER = """create or replace mcp server ops_db.ops.own from specification $$
tools:
  - name: close
    type: GENERIC
    title: Close a ticket
    description: Closes one ticket.
    identifier: OPS_DB.OPS.CLOSE
    config:
      type: procedure
      warehouse: AGENT_WH
      input_schema: {type: object, properties: {id: {type: integer}, why: {type: string}}, required: [id]}
  - name: largest
    type: GENERIC
    title: The largest orders
    description: Lists orders.
    identifier: OPS_DB.OPS.LARGEST
    config: {type: procedure, warehouse: AGENT_WH, input_schema: {type: object, properties: {n: {type: integer}}}}
$$"""


def test_tools_call_procedures(fresh: RunningSandbox, root: Client) -> None:
    """A generic tool gives a procedure's value as text and its table as JSON rows, to whom the procedure is granted."""
    made(
        root,
        "close(id int, why varchar) returns varchar",
        "begin update tickets set open = false where ticket_id = :id; return 'closed ' || id || ': ' || why; end",
    )
    made(
        root,
        "largest(n int) returns table ()",
        "begin return table(select order_id, total from orders where total > :n order by total desc limit 2); end",
    )
    assert run(root, SERVER).status == 200
    assert run(root, "grant usage on mcp server ops_db.ops.own to role agent_role").status == 200
    agent = Client.of(fresh, "SKIPASS_SVC")

    def tool(name: str, **arguments: Any) -> str:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        found = agent.call("POST", "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OWN", message).body
        return str(found["error"]["message"] if "error" in found else found["result"]["content"][0]["text"])

    assert "does not exist or not authorized" in tool("close", id=1, why="done")
    for name in ("close", "largest"):
        assert run(root, f"grant usage on procedure ops_db.ops.{name}(int) to role agent_role").status == 200
    assert tool("close", id=1, why="done") == "closed 1: done"
    assert run(root, "select open from tickets where ticket_id = 1").rows == [["false"]]
    rows = json.loads(tool("largest", n=1))
    assert [list(row) for row in rows] == [["ORDER_ID", "TOTAL"]] * 2
    assert "Invalid argument types" in tool("close", id=1)
