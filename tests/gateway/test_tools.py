"""Every tool that looks something up, against the sandbox: what it answers by name, and what it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateways import Stage
from sandbox.client import Client
from skipass.errors import SkipassError
from skipass.nouns.connection import Connection
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.statement import Statement
from skipass.sandbox.testing import RunningSandbox
from skipass.tools.catalogue import CATALOGUE
from skipass.tools.lookup_tools import LOOKUP_TOOLS
from skipass.tools.validate import tool

pytestmark = pytest.mark.anyio
OBJECTS = (
    "CREATE TABLE ops_db.ops.lines (order_id NUMBER NOT NULL, line_no NUMBER NOT NULL, sku VARCHAR(9) DEFAULT 'x', "
    "CONSTRAINT lines_pk PRIMARY KEY (order_id, line_no), "
    "CONSTRAINT lines_orders FOREIGN KEY (order_id) REFERENCES ops_db.ops.orders (order_id))",
    "CREATE TABLE ops_db.ops.notes (order_id NUMBER, "
    "CONSTRAINT notes_orders FOREIGN KEY (order_id) REFERENCES ops_db.ops.orders (order_id))",
    "CREATE VIEW ops_db.ops.pending AS SELECT order_id FROM ops_db.ops.orders WHERE status = 'pending'",
    "CREATE SEQUENCE ops_db.ops.numbers",
    'CREATE TABLE ops_db.ops."we.ird ""one"" é" ("Mixed" NUMBER)',
    'INSERT INTO ops_db.ops."we.ird ""one"" é" VALUES (7)',
    "GRANT SELECT ON ALL TABLES IN SCHEMA ops_db.ops TO ROLE AGENT_ROLE",
    "GRANT SELECT ON ALL VIEWS IN SCHEMA ops_db.ops TO ROLE AGENT_ROLE",
    "GRANT USAGE ON SEQUENCE ops_db.ops.numbers TO ROLE AGENT_ROLE",
)
WEIRD = '"we.ird ""one"" é"'
OPS = {"database": "OPS_DB", "schema": "OPS"}
# One call of each tool that a session on one schema with `metadata: account` answers with rows.
CALLS: Mapping[str, Mapping[str, Any]] = {
    "snowflake_show_databases_schemas": {"object_type": "databases"},
    "snowflake_get_schemata": {"database": "OPS_DB"},
    "snowflake_get_tables": OPS,
    "snowflake_get_columns": OPS | {"table": "orders"},
    "snowflake_get_table_constraints": OPS,
    "snowflake_get_referential_constraints": OPS | {"table": "lines"},
    "snowflake_show_primary_keys": {"table_name": "lines"},
    "snowflake_show_imported_exported_keys": {"key_direction": "imported", "table_name": "lines"},
    "snowflake_show_warehouses": {},
    "snowflake_show_grants": {"grant_view": "to_role", "role_name": "agent_role"},
    "snowflake_describe_object": {"object_name": "orders"},
    "snowflake_sample_table": {"table": "orders"},
    "snowflake_explain": {"statement": "SELECT * FROM orders WHERE status = 'pending'"},
    "snowflake_query_history": {},
}


@pytest.fixture(scope="module", autouse=True)
def objects(sandbox: RunningSandbox) -> None:
    """Make the keys, the view and the oddly named table that the lookups are to find."""
    admin = Client.of(sandbox, sandbox.users[0].name)
    for text in OBJECTS:
        reply = admin.sql(text, role="ACCOUNTADMIN", warehouse="AGENT_WH")
        assert reply.status == 200, reply.body


async def rows(at: Stage, name: str, arguments: Mapping[str, Any] = {}) -> list[dict[str, str | None]]:
    """Return the rows of a lookup that succeeds, by column name; its envelope fits the tool's output schema."""
    answer = await at.call(name, arguments)
    assert answer.status is Status.SUCCESS, answer
    return named(name, answer)


async def opened(at: Stage, metadata: str) -> None:
    """Open a session on one schema that may look further, by a person's leave where it takes one."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"], "metadata": metadata}, "ttl_s": 300, "reason": "look around"}
    asked = await at.call("skipass_request_session", wish)
    if asked.status is Status.APPROVAL_REQUIRED:
        await at.decide(asked)


def named(name: str, answer: Envelope) -> list[dict[str, str | None]]:
    Draft202012Validator(dict(tool(name).output_schema)).validate(answer.as_dict())
    assert answer.data is not None
    columns = [column["name"] for column in answer.data["resultSetMetaData"]["rowType"]]
    return [dict(zip(columns, row, strict=True)) for row in answer.data["data"]]


def column(found: list[dict[str, str | None]], name: str) -> list[str | None]:
    return [row[name] for row in found]


@pytest.mark.parametrize("spec", LOOKUP_TOOLS, ids=[spec.name for spec in LOOKUP_TOOLS])
async def test_every_lookup_has_the_columns_it_promises(at: Stage, spec: Any) -> None:
    """Each tool answers rows under the column names of its definition, in the shape of its output schema."""
    await opened(at, "account")
    await at.query("SELECT 1")
    found = await rows(at, spec.name, CALLS[spec.name])
    assert found
    assert set(spec.columns) <= set(found[0])


@pytest.mark.parametrize("name", [name for name in CALLS if name != "snowflake_query_history"])
async def test_every_lookup_is_an_ordinary_statement(at: Stage, name: str) -> None:
    """Each is stored with its verdict under its tool's name, sent once, and takes one statement from the budget."""
    await opened(at, "account")
    answer = await at.call(name, CALLS[name])
    (stored,) = await at.every(Statement, id=answer.execution_id)
    assert (stored.tool, stored.kind.value, stored.state.value) == (name, "read", "succeeded")
    assert len(await at.recorded("statement.admitted")) == 1


@pytest.mark.parametrize("name", list(CALLS))
async def test_without_a_session_nothing_is_sent(at: Stage, name: str) -> None:
    """Each lookup is refused without a session, with the request that would do where one is known."""
    before = len(at.sandbox.control.calls())
    answer = await at.call(name, CALLS[name])
    assert answer.status is Status.SESSION_REQUIRED
    Draft202012Validator(dict(tool(name).output_schema)).validate(answer.as_dict())
    assert len(at.sandbox.control.calls()) == before


@pytest.mark.parametrize(
    ("name", "arguments", "level"),
    [
        ("snowflake_show_databases_schemas", {"object_type": "databases"}, "account"),
        ("snowflake_show_databases_schemas", {"object_type": "schemas"}, "database"),
        ("snowflake_show_warehouses", {}, "account"),
        ("snowflake_get_schemata", {"database": "ops_db"}, "database"),
        ("snowflake_get_tables", {"database": "ops_db"}, "database"),
        ("snowflake_get_columns", {"database": "ops_db"}, "database"),
        ("snowflake_show_grants", {"grant_view": "of_role", "role_name": "agent_role"}, "account"),
        ("snowflake_show_grants", {"grant_view": "on_object", "object_type": "account"}, "account"),
    ],
)
async def test_a_lookup_that_goes_too_far_says_which_session_would_do(
    at: Stage, name: str, arguments: dict[str, Any], level: str
) -> None:
    """A session on a schema alone is refused with the request that adds the metadata level; with it the lookup runs."""
    session = await at.session()
    refused = await at.call(name, arguments)
    assert (refused.status, refused.fields["code"]) == (Status.DENIED, "out_of_scope")
    scope = refused.fields["request"]["scope"]
    assert scope["metadata"] == level
    await at.call("skipass_close_session", {"session_id": session})
    await opened(at, level)
    assert await rows(at, name, arguments)


@pytest.mark.parametrize("name", ["snowflake_get_tables", "snowflake_get_columns", "snowflake_get_table_constraints"])
async def test_the_sessions_own_schema_needs_no_metadata(at: Stage, name: str) -> None:
    """Inside the schema of a session, tables, columns and constraints are listed without any further level."""
    await at.session()
    assert set(column(await rows(at, name, OPS), "TABLE_SCHEMA")) == {"OPS"}
    assert (await at.call(name, OPS | {"schema": "HR"})).status is Status.DENIED


async def test_tables_with_their_types_and_counts(at: Stage) -> None:
    """Tables and views are told apart, rows are counted, and a pattern narrows them in either case."""
    await at.session()
    found = {row["TABLE_NAME"]: row for row in await rows(at, "snowflake_get_tables", OPS)}
    assert (found["ORDERS"]["TABLE_TYPE"], found["PENDING"]["TABLE_TYPE"]) == ("BASE TABLE", "VIEW")
    assert found["ORDERS"]["ROW_COUNT"] == "240"
    assert found["ORDERS"]["CREATED"]
    like = await rows(at, "snowflake_get_tables", OPS | {"table_name_like": "ord%"})
    assert column(like, "TABLE_NAME") == ["ORDERS"]


async def test_columns_in_order_with_types_and_defaults(at: Stage) -> None:
    """The columns of a table come in its own order, with type, nullability and default."""
    await at.session()
    found = await rows(at, "snowflake_get_columns", OPS | {"table": "lines"})
    assert column(found, "COLUMN_NAME") == ["ORDER_ID", "LINE_NO", "SKU"]
    assert column(found, "IS_NULLABLE") == ["NO", "NO", "YES"]
    assert column(found, "DATA_TYPE") == ["NUMBER", "NUMBER", "TEXT"]
    assert found[2]["COLUMN_DEFAULT"] is not None
    one = await rows(at, "snowflake_get_columns", OPS | {"table": "lines", "column_name_like": "LINE\\_%"})
    assert column(one, "COLUMN_NAME") == ["LINE_NO"]
    none = await rows(at, "snowflake_get_columns", OPS | {"table": "lines", "column_name_like": "LINE\\%"})
    assert none == []


async def test_constraints_by_type_and_table(at: Stage) -> None:
    """The constraints of one table, of one type, and nothing else."""
    await at.session()
    wish = OPS | {"table": "lines", "constraint_type": "foreign_key"}
    found = await rows(at, "snowflake_get_table_constraints", wish)
    assert [(row["CONSTRAINT_NAME"], row["CONSTRAINT_TYPE"]) for row in found] == [("LINES_ORDERS", "FOREIGN KEY")]


async def test_foreign_keys_of_one_table(at: Stage) -> None:
    """With a table only the foreign keys that table holds are listed; without one all of the schema's."""
    await at.session()
    name = "snowflake_get_referential_constraints"
    assert column(await rows(at, name, OPS), "CONSTRAINT_NAME") == ["LINES_ORDERS", "NOTES_ORDERS"]
    (only,) = await rows(at, name, OPS | {"table": "notes"})
    assert (only["CONSTRAINT_NAME"], only["TABLE_NAME"]) == ("NOTES_ORDERS", "NOTES")
    assert await rows(at, name, OPS | {"table": "orders"}) == []


async def test_key_columns_in_order(at: Stage) -> None:
    """A primary key is one row a column; its schema's and its database's keys are listed without a table."""
    await opened(at, "database")
    name = "snowflake_show_primary_keys"
    found = await rows(at, name, {"table_name": "lines"})
    assert [(row["column_name"], row["key_sequence"]) for row in found] == [("ORDER_ID", "1"), ("LINE_NO", "2")]
    whole = set(column(await rows(at, name), "table_name"))
    assert {"ORDERS", "LINES"} <= whole
    assert set(column(await rows(at, name, {"database": "ops_db"}), "table_name")) == whole


async def test_keys_in_both_directions(at: Stage) -> None:
    """Imported keys are those a table holds, exported ones those that others hold on it."""
    await at.session()
    name = "snowflake_show_imported_exported_keys"
    (held,) = await rows(at, name, {"key_direction": "imported", "table_name": "lines"})
    assert (held["pk_table_name"], held["fk_column_name"]) == ("ORDERS", "ORDER_ID")
    found = await rows(at, name, {"key_direction": "EXPORTED", "table_name": "orders", **OPS})
    assert sorted(str(one) for one in column(found, "fk_table_name")) == ["LINES", "NOTES"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("snowflake_show_primary_keys", {"table_name": "t", "database_name": "other_db"}),
        ("snowflake_show_imported_exported_keys", {"key_direction": "imported", "table_name": "t", "database": "x"}),
        ("snowflake_describe_object", {"object_name": "t", "database": "other_db"}),
        ("snowflake_sample_table", {"table": "t", "database": "other_db"}),
    ],
)
async def test_a_missing_scope_is_asked_for(at: Stage, name: str, arguments: dict[str, Any]) -> None:
    """The session's schema is not taken for one of another database: the missing member is asked for."""
    await at.session()
    with pytest.raises(SkipassError) as asked:
        await at.call(name, arguments)
    assert (asked.value.code, asked.value.details["fields"]) == ("missing_field", ["schema"])
    assert asked.value.hint


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"grant_view": "to_role"}, "role_name"),
        ({"grant_view": "of_role"}, "role_name"),
        ({"grant_view": "to_user"}, "user_name"),
        ({"grant_view": "on_object"}, "object_type"),
        ({"grant_view": "on_object", "object_type": "table"}, "object_name"),
    ],
)
async def test_grants_ask_for_what_they_are_of(at: Stage, arguments: dict[str, Any], field: str) -> None:
    """Each view of grants names the member it needs."""
    await at.session()
    with pytest.raises(SkipassError) as asked:
        await at.call("snowflake_show_grants", arguments)
    assert (asked.value.code, asked.value.details["fields"]) == ("missing_field", [field])


@pytest.mark.parametrize(
    ("arguments", "holders"),
    [
        ({"grant_view": "to_user", "user_name": "admin"}, {"ADMIN"}),
        ({"grant_view": "of_role", "role_name": "agent_role"}, {"SYSADMIN", "SKIPASS_SVC"}),
        ({"grant_view": "on_object", "object_type": "table", "object_name": "orders"}, {"AGENT_ROLE", "SYSADMIN"}),
        ({"grant_view": "on_object", "object_type": "table", "object_name": "ops_db.ops.orders"}, {"AGENT_ROLE"}),
        ({"grant_view": "on_object", "object_type": "schema", "object_name": "ops"}, {"AGENT_ROLE"}),
        ({"grant_view": "on_object", "object_type": "warehouse", "object_name": "agent_wh"}, {"AGENT_ROLE"}),
        ({"grant_view": "on_object", "object_type": "database", "object_name": "ops_db"}, {"AGENT_ROLE"}),
    ],
)
async def test_grants_in_each_view(at: Stage, arguments: dict[str, Any], holders: set[str]) -> None:
    """Grants to a role or user, of a role, and on each sort of object name who holds them."""
    await opened(at, "account")
    found = await rows(at, "snowflake_show_grants", arguments)
    assert holders <= set(map(str, column(found, "grantee_name")))


@pytest.mark.parametrize(
    ("kind", "name", "first"),
    [
        ("table", "orders", "ORDER_ID"),
        ("view", "pending", "ORDER_ID"),
        ("sequence", "numbers", "NUMBERS"),
        ("schema", "ops", "CUSTOMERS"),
        ("database", "ops_db", "INFORMATION_SCHEMA"),
        ("TABLE", WEIRD, "Mixed"),
    ],
)
async def test_each_sort_of_object_is_described(at: Stage, kind: str, name: str, first: str) -> None:
    """A table's columns, what a schema or database holds, and an odd name exactly as it is."""
    await opened(at, "database")
    found = await rows(at, "snowflake_describe_object", {"object_name": name, "object_type": kind})
    assert found[0]["name"] == first


async def test_a_sample_is_a_few_rows(at: Stage) -> None:
    """A sample holds ten rows, or as many as were asked for, of the columns named, and says that there may be more."""
    await at.session()
    name = "snowflake_sample_table"
    whole = await at.call(name, {"table": "orders"})
    assert len(named(name, whole)) == 10
    assert "first 10" in whole.fields["hint"]
    few = await at.call(name, {"table": "orders", "columns": ["order_id", "status"], "limit": 3})
    assert [list(row) for row in named(name, few)] == [["ORDER_ID", "STATUS"]] * 3
    assert await rows(at, name, {"table": WEIRD, "columns": ['"Mixed"']}) == [{"Mixed": "7"}]


async def test_outside_the_scope_nothing_is_sampled_described_or_explained(at: Stage) -> None:
    """Tables of another schema are refused by the guard, whichever tool names them, and nothing is sent."""
    await at.session()
    place = {"database": "finance_db", "schema": "hr"}
    for name, arguments in (
        ("snowflake_sample_table", place | {"table": "salaries"}),
        ("snowflake_describe_object", place | {"object_name": "salaries"}),
        ("snowflake_explain", {"statement": "SELECT * FROM finance_db.hr.salaries"}),
        ("snowflake_show_primary_keys", {"table_name": "salaries", "database_name": "finance_db", "schema": "hr"}),
    ):
        answer = await at.call(name, arguments)
        assert (answer.status, answer.fields["code"]) == (Status.DENIED, "out_of_scope")
    assert at.sent("SALARIES") == at.sent("salaries") == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT 1; DROP TABLE orders", "multi_statement"),
        ("CALL p()", "not_allowed"),
        ("USING JSON SELECT 1", "unparseable"),
        (";", "unparseable"),
    ],
)
async def test_explain_carries_one_statement(at: Stage, statement: str, code: str) -> None:
    """A text that is more than one plannable statement is refused as any other text is."""
    await at.session()
    answer = await at.call("snowflake_explain", {"statement": statement})
    assert answer.status is Status.DENIED
    assert answer.fields["code"] in (code, "unparseable", "not_allowed", "multi_statement")
    assert at.sent("EXPLAIN") == []


async def test_explain_plans_with_binds_and_runs_nothing(at: Stage) -> None:
    """The plan of a write names its table, takes binds, and changes no row."""
    await at.session()
    bound = {"1": {"type": "TEXT", "value": "gone"}}
    found = await rows(
        at, "snowflake_explain", {"statement": "UPDATE orders SET note = ? WHERE order_id = 1001", "bindings": bound}
    )
    assert found
    left = await at.query("SELECT COUNT(*) FROM orders WHERE note = 'gone'")
    assert left.data is not None
    assert left.data["data"] == [["0"]]


async def test_the_history_is_of_ones_own_session(at: Stage) -> None:
    """The statements of the session come newest first with their fate; those of an earlier session by its id only."""
    first = await at.session()
    await at.query("SELECT 'one'")
    await at.query("SELECT * FROM finance_db.hr.salaries")
    name = "snowflake_query_history"
    found = await rows(at, name)
    assert column(found, "STATEMENT") == ["SELECT * FROM finance_db.hr.salaries", "SELECT 'one'"]
    assert column(found, "STATE") == ["refused", "succeeded"]
    assert found[0]["ERROR_CODE"] == "out_of_scope"
    await at.call("skipass_close_session", {"session_id": first})
    await at.session()
    assert await rows(at, name) == []
    assert len(await rows(at, name, {"session_id": first, "limit": 1})) == 1


async def test_the_history_of_another_is_not_found(at: Stage) -> None:
    """A session of somebody else is as one that does not exist."""
    await at.session()
    answer = await at.call("snowflake_query_history", {"session_id": "ses_01"})
    assert (answer.status, answer.data) == (Status.NOT_FOUND, None)


async def test_without_a_warehouse_the_usable_ones_are_named(at: Stage) -> None:
    """With no warehouse in call, session or connection a lookup is refused with those there are, and not sent."""
    (connection,) = await at.every(Connection, name="jit")

    async def forget(unit: Any) -> None:
        await unit.change(connection, warehouse=None)

    await at.gateway.deps.journal.write(forget)
    await at.session()
    for name in ("snowflake_get_tables", "snowflake_sample_table"):
        answer = await at.call(name, CALLS[name])
        assert (answer.status, answer.fields["code"]) == (Status.DENIED, "warehouse_required")
        assert answer.fields["warehouses"] == ["AGENT_WH"]
    assert at.sent("INFORMATION_SCHEMA") == at.sent("LIMIT") == []
    assert await rows(at, "snowflake_get_tables", OPS | {"warehouse": "AGENT_WH"})


async def test_another_role_is_another_session(at: Stage) -> None:
    """A lookup that names another role than the session's is refused, and nothing is sent."""
    await at.session()
    answer = await at.call("snowflake_get_tables", OPS | {"role": "ACCOUNTADMIN"})
    assert answer.status is Status.SESSION_REQUIRED
    assert at.sent("INFORMATION_SCHEMA") == []


async def test_a_lookup_repeated_under_its_key_is_one_statement(at: Stage) -> None:
    """The same Idempotency-Key collects the same lookup; with other arguments it is a conflict."""
    await at.session()
    one = await at.call("snowflake_get_tables", OPS, idempotency_key="k")
    two = await at.call("snowflake_get_tables", OPS, idempotency_key="k")
    assert one.execution_id == two.execution_id
    other = await at.call("snowflake_get_tables", OPS | {"limit": 1}, idempotency_key="k")
    assert other.fields["code"] == "idempotency_conflict"


async def test_a_list_that_reaches_its_limit_says_so(at: Stage) -> None:
    """As many rows as were allowed may not be all of them, and the answer says so; fewer are all."""
    await at.session()
    assert "hint" not in (await at.call("snowflake_get_tables", OPS)).fields
    assert "first 2" in (await at.call("snowflake_get_tables", OPS | {"limit": 2})).fields["hint"]


@pytest.mark.parametrize("spec", CATALOGUE, ids=[spec.name for spec in CATALOGUE])
async def test_a_misspelt_member_of_any_tool_is_named(at: Stage, spec: Any) -> None:
    """Every tool refuses a member it does not have, names the nearest, and records the refusal."""
    nearest = next(iter(spec.input_schema["properties"]))
    with pytest.raises(SkipassError) as refused:
        await at.call(spec.name, {f"{nearest}x": "v"})
    assert (refused.value.code, refused.value.hint) == ("unknown_field", f"Did you mean {nearest}?")
    kind = "session.refused" if "session" in spec.name else "statement.refused"
    assert len(await at.recorded(kind)) == 1
