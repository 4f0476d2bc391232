"""Names and patterns that would end a string, a name or a statement, in the sandbox: they stay what they are."""

from __future__ import annotations

import pytest

from gateways import Stage
from sandbox.client import Client
from skipass.nouns.envelope import Status
from skipass.nouns.statement import Statement
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.anyio
NAMES = (
    'x"; DROP TABLE "OPS"."ORDERS"; --',
    "it's",
    "a.b.c",
    "100%_/*",
    "back\\slash",
    "naïve Größe 東京",
    "orders",
    "' OR '1'='1",
)
PATTERNS = ("'", "' OR 1=1 --", '"', "%'; DROP TABLE orders; --", "\\%", "\\_", "\\\\", "?", "{database}", "é%", "$$")


def exact(name: str) -> str:
    """Return how a name is written so that it is taken exactly."""
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module", autouse=True)
def objects(sandbox: RunningSandbox) -> None:
    """Make one table of one column for each name, with the name's number in its only row."""
    admin = Client.of(sandbox, sandbox.users[0].name)
    for at, name in enumerate(NAMES):
        for text in (
            f"CREATE TABLE ops_db.ops.{exact(name)} ({exact(f'c {name}')} NUMBER PRIMARY KEY)",
            f"INSERT INTO ops_db.ops.{exact(name)} VALUES ({at})",
            f"GRANT SELECT ON TABLE ops_db.ops.{exact(name)} TO ROLE AGENT_ROLE",
        ):
            reply = admin.sql(text, role="ACCOUNTADMIN", warehouse="AGENT_WH")
            assert reply.status == 200, reply.body


@pytest.mark.parametrize("name", NAMES)
async def test_every_tool_finds_the_very_object(at: Stage, name: str) -> None:
    """Columns, keys, description and rows of an oddly named table are its own, and the record names it alone."""
    await at.session()
    place = {"database": "OPS_DB", "schema": "OPS"}
    cells = {}
    for tool, member in (
        ("snowflake_get_columns", "table"),
        ("snowflake_show_primary_keys", "table_name"),
        ("snowflake_describe_object", "object_name"),
        ("snowflake_sample_table", "table"),
    ):
        answer = await at.call(tool, {**place, member: exact(name)})
        assert answer.status is Status.SUCCESS, answer
        assert answer.data is not None
        (row,) = answer.data["data"]
        columns = [column["name"] for column in answer.data["resultSetMetaData"]["rowType"]]
        cells[tool] = dict(zip(columns, row, strict=True))
        if tool != "snowflake_get_columns":
            (stored,) = await at.every(Statement, id=answer.execution_id)
            assert len(stored.reads) == 1
    column = f"c {name}"
    assert cells["snowflake_get_columns"]["COLUMN_NAME"] == column
    assert cells["snowflake_show_primary_keys"]["column_name"] == column
    assert cells["snowflake_describe_object"]["name"] == column
    assert cells["snowflake_sample_table"] == {column: str(NAMES.index(name))}


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_a_pattern_is_never_more_than_a_pattern(at: Stage, pattern: str) -> None:
    """Whatever a pattern holds, what comes back are tables of that schema whose names fit it, and all tables stay."""
    await at.session()
    answer = await at.call("snowflake_get_tables", {"database": "OPS_DB", "schema": "OPS", "table_name_like": pattern})
    assert answer.status is Status.SUCCESS, answer
    assert answer.data is not None
    assert answer.data["data"] == []
    whole = await at.call("snowflake_get_tables", {"database": "OPS_DB", "schema": "OPS"})
    assert whole.data is not None
    found = {row[2] for row in whole.data["data"]}
    assert {*NAMES, "ORDERS"} <= found


async def test_a_pattern_finds_what_it_escapes(at: Stage) -> None:
    """Behind a backslash a wildcard is itself: the one name that holds a percent sign is found."""
    await at.session()
    wish = {"database": "OPS_DB", "schema": "OPS", "table_name_like": "%\\%\\_%"}
    answer = await at.call("snowflake_get_tables", wish)
    assert answer.data is not None
    assert [row[2] for row in answer.data["data"]] == ["100%_/*"]
