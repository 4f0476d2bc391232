"""Submit, replay, cancel, timeout and history over real HTTP."""

from __future__ import annotations

import uuid

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

HISTORY = "TABLE(OPS_DB.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000))"


def test_select_has_types_and_origins(agent: Client) -> None:
    """A plain column carries its table, precision, scale and nullability; an expression carries no origin."""
    reply = agent.sql("select total, count(*) from orders group by total limit 1")
    total, count = reply.body["resultSetMetaData"]["rowType"]
    assert (total["type"], total["precision"], total["scale"], total["table"]) == ("fixed", 12, 2, "ORDERS")
    assert total["nullable"] is False
    assert (count["name"], count["table"]) == ("COUNT(*)", "")


def test_cells_of_every_kind(agent: Client) -> None:
    """Each type comes back in the API's own text encoding."""
    reply = agent.sql(
        "select 12.50::number(10,2), 1.5::float, true, to_date('2020-01-01'), '23:01:59'::time, "
        "'2021-01-28 22:09:37.123456'::timestamp_ntz, '1969-12-31 23:59:58.5'::timestamp_ntz, "
        "parse_json('{\"a\":1}'), null"
    )
    assert reply.rows == [
        [
            "12.50",
            "1.5",
            "true",
            "18262",
            "82919.000000000",
            "1611871777.123456000",
            "-1.500000000",
            '{\n  "a": 1\n}',
            None,
        ]
    ]


def test_retry_runs_a_write_once(fresh: RunningSandbox) -> None:
    """A retried request id answers the first run's handle, and without retry the statement runs again."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    path = f"/api/v2/statements?requestId={uuid.uuid4()}"
    body = {"statement": "insert into orders values (1, 1, 'new', 3, null, null, null)"}
    first, second = agent.call("POST", path, body), agent.call("POST", path + "&retry=true", body)
    assert first.body["statementHandle"] == second.body["statementHandle"]
    assert agent.sql("select count(*) from orders where order_id = 1").rows == [["1"]]
    assert agent.call("POST", path, body).body["statementHandle"] != first.body["statementHandle"]
    assert agent.sql("select count(*) from orders where order_id = 1").rows == [["2"]]


def test_cancel_interrupts_a_query_at_work(agent: Client) -> None:
    """Cancel stops a query inside the engine, and its handle then answers 000604."""
    handle = agent.submit(
        "select count(*) from orders a, orders b, orders c, orders d, orders e where a.total > b.total"
    )
    assert agent.cancel(handle).code == "000604"
    after = agent.status(handle)
    assert (after.status, after.code) == (422, "000604")
    assert agent.cancel(handle).code == "000709"


def test_cancel_interrupts_a_wait(agent: Client) -> None:
    """Cancel ends SYSTEM$WAIT at once."""
    handle = agent.submit("select system$wait(600)")
    assert agent.status(handle).status == 202
    assert agent.cancel(handle).status == 200


def test_timeout_stops_the_statement(agent: Client) -> None:
    """A statement beyond its timeout answers 408 with 000630, and so does its handle later."""
    reply = agent.sql("select system$wait(600)", timeout=1)
    assert (reply.status, reply.code) == (408, "000630")
    assert agent.status(reply.body["statementHandle"]).status == 408


def test_another_user_gets_no_answer_on_a_handle(agent: Client, admin: Client) -> None:
    """A handle answers only the user who submitted it."""
    handle = agent.sql("select 1").body["statementHandle"]
    assert admin.status(handle).code == "000709"
    assert admin.cancel(handle).code == "000709"


def test_history_finds_statements_by_tag(agent: Client) -> None:
    """Every accepted statement is in the history under its tag: running, succeeded, failed and cancelled ones."""
    tag = f"t-{uuid.uuid4()}"
    parameters = {"query_tag": tag}
    done = agent.sql("select 1", parameters=parameters).body["statementHandle"]
    failed = agent.sql("select nope from orders", parameters=parameters).body["statementHandle"]
    waiting = agent.submit("select system$wait(600)", parameters=parameters)
    query = f"select query_id, execution_status, error_code from {HISTORY} where query_tag = ?"
    bindings = {"1": {"type": "TEXT", "value": tag}}
    rows = {row[0]: row[1:] for row in agent.sql(query, bindings=bindings).rows}
    assert rows == {
        done: ["SUCCESS", None],
        failed: ["FAILED_WITH_ERROR", "000904"],
        waiting: ["RUNNING", None],
    }
    agent.cancel(waiting)
    rows = {row[0]: row[1:] for row in agent.sql(query, bindings=bindings).rows}
    assert rows[waiting] == ["FAILED_WITH_ERROR", "000604"]


def test_partitions_hold_all_rows(fresh: RunningSandbox) -> None:
    """Rows over all partitions are the whole result, and later ones carry data only."""
    fresh.control.switches(partition_rows=100)
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.sql("select order_id from orders order by order_id")
    assert [one["rowCount"] for one in reply.body["resultSetMetaData"]["partitionInfo"]] == [100, 100, 40]
    assert reply.body["resultSetMetaData"]["numRows"] == 240
    handle = reply.body["statementHandle"]
    later = [agent.call("GET", f"/api/v2/statements/{handle}?partition={number}").body for number in (1, 2)]
    assert [set(one) for one in later] == [{"data"}, {"data"}]
    numbers = [int(row[0]) for rows in (reply.rows, later[0]["data"], later[1]["data"]) for row in rows]
    assert numbers == list(range(1001, 1241))


def test_several_statements_use_one_session(admin: Client) -> None:
    """USE inside a request holds for the rest of that request and for nothing after it."""
    text = "use role sysadmin; select current_role()"
    reply = admin.sql(text, parameters={"MULTI_STATEMENT_COUNT": "0"})
    assert admin.status(reply.body["statementHandles"][1]).rows == [["SYSADMIN"]]
    assert admin.sql("select current_role()").rows == [["ACCOUNTADMIN"]]


def test_rollback_undoes(fresh: RunningSandbox) -> None:
    """A transaction rolled back inside its request changes nothing."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    text = "begin; delete from orders; rollback"
    assert agent.sql(text, parameters={"MULTI_STATEMENT_COUNT": "3"}).status == 200
    assert agent.sql("select count(*) from orders").rows == [["240"]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "000900"),
        ("-- nothing", "000900"),
        ("selec 1", "001003"),
        ("select (1", "001003"),
        ("select nope from orders", "000904"),
        ('select "order_id" from orders', "000904"),
        ('select * from "orders"', "002003"),
        ("create task t as select 1", "000002"),
        ("select 1 / 0", "100051"),
        ("select nofunction(1)", "002139"),
        ("select 'x'::number", "100038"),
        ("select 'x'::date", "100035"),
        ("use role sysadmin", "391911"),
        ("alter session set timezone = 'UTC'", "391911"),
        ("set a = 1", "391911"),
        ("begin", "391911"),
        ("put file:///a @b", "391911"),
        ("create temporary table x (a int)", "391911"),
        ("call something()", "002003"),
        ("select 1; select 2", "000008"),
        ("create table orders (a int)", "003001"),
        ("select ?", "002049"),
        ("show tables in schema nowhere.at_all", "002043"),
    ],
)
def test_refusals_have_the_vendor_codes(agent: Client, text: str, code: str) -> None:
    """A statement that cannot run answers 422 with the vendor's code."""
    reply = agent.sql(text)
    assert (reply.status, reply.code) == (422, code)


def test_no_warehouse(agent: Client) -> None:
    """A query on rows needs a usable warehouse; metadata does not."""
    assert agent.sql("select * from orders", warehouse="NO_SUCH_WH").code == "000606"
    assert agent.sql("show tables", warehouse="NO_SUCH_WH").status == 200


def test_syntax_error_names_its_place(agent: Client) -> None:
    """A syntax error carries line, position and the token that was not expected."""
    message = agent.sql("select 1\n  from orders where total = = 3").body["message"]
    assert "syntax error line 2 at position 28 unexpected '='" in message


def test_update_counts_multi_joined_rows(fresh: RunningSandbox) -> None:
    """An UPDATE whose target rows join several source rows counts them."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    reply = agent.sql(
        "update customers c set segment = o.status from orders o "
        "where o.customer_id = c.customer_id and c.customer_id = 1"
    )
    orders = agent.sql("select count(*) from orders where customer_id = 1").rows[0][0]
    assert reply.rows[0][1] == ("1" if int(orders or 0) > 1 else "0")


def test_duckdb_never_speaks(agent: Client) -> None:
    """No answer shows the engine behind the account."""
    texts = ["select 1 +", "select list_value(1)", "select a.b.c.d.e from orders", "select * from orders limit 'x'"]
    texts += [
        "select sum(note) from orders",
        "insert into orders values (1)",
        "select date_trunc('x', note) from orders",
    ]
    for text in texts:
        body = agent.sql(text).body
        shown = str(body.get("message", "")).lower()
        assert "duckdb" not in shown
        assert "binder error" not in shown
        assert "candidate" not in shown


def test_ddl_ends_an_open_transaction(fresh: RunningSandbox) -> None:
    """DDL inside a transaction commits what came before it, so a later rollback undoes neither."""
    admin = Client.of(fresh, "ADMIN")
    text = "begin; delete from ops_db.ops.tickets; create table ops_db.ops.t (a int); rollback"
    assert admin.sql(text, parameters={"MULTI_STATEMENT_COUNT": "4"}).status == 200
    assert admin.sql("select count(*) from ops_db.ops.t, ops_db.ops.tickets").rows == [["0"]]
    assert admin.sql("select count(*) from ops_db.ops.tickets").rows == [["0"]]
