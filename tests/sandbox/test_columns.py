"""The columns of SHOW, DESCRIBE and INFORMATION_SCHEMA are those of the golden lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.client import Client
from sandbox.fixture import fixture_account
from sandbox.golden import load
from skipass.sandbox.testing import RunningSandbox, running_sandbox

SHOWS = {
    name: case
    for name, case in load("show-columns").items()
    if "columns" in case.get("output", {}) and "variants_of" not in case and name != "describe-mcp-server"
}
VIEWS = load("information-schema-columns")


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(fixture_account()) as running:
        yield running


@pytest.fixture
def admin(served: RunningSandbox) -> Client:
    return Client.of(served, "ADMIN")


def _ask(admin: Client, text: str, **body: Any) -> Any:
    return admin.sql(text, warehouse="AGENT_WH", database="SALES", schema="PUBLIC", **body)


@pytest.mark.parametrize("name", SHOWS)
def test_show(admin: Client, name: str) -> None:
    """A listing has the golden columns in their order; only what may also appear may follow."""
    wanted = SHOWS[name]["output"]
    names = _ask(admin, SHOWS[name]["input"]["sql"]).names
    also = wanted.get("may_also_appear", [])
    kept = [one for one in names if one not in also]
    assert kept[: len(wanted["columns"])] == wanted["columns"]
    assert kept[len(wanted["columns"]) :] == [] or name == "describe-table"


@pytest.mark.parametrize("name", [name for name, case in VIEWS.items() if "columns" in case["output"]])
def test_information_schema(admin: Client, name: str) -> None:
    """A view has the golden columns in their order."""
    assert _ask(admin, f"select * from {VIEWS[name]['input']['view']}").names == VIEWS[name]["output"]["columns"]


def test_key_columns_have_no_view(admin: Client) -> None:
    """There is no KEY_COLUMN_USAGE."""
    assert _ask(admin, "select * from sales.information_schema.key_column_usage").code == "002003"


def test_only_what_the_role_sees(served: RunningSandbox) -> None:
    """INFORMATION_SCHEMA lists for a role what it may see, and nothing else."""
    case = VIEWS["is-visibility"]
    reply = Client.of(served, "JDOE").sql(case["input"]["sql"], role=case["input"]["role"], warehouse="AGENT_WH")
    assert reply.rows == case["output"]["data"]


def test_information_schema_knows_its_own_views(admin: Client) -> None:
    """TABLES, VIEWS and COLUMNS list INFORMATION_SCHEMA's own views, and each can be read with those columns."""
    source, where = "sales.information_schema", "where table_schema = 'INFORMATION_SCHEMA'"
    tables = _ask(admin, f"select table_name, table_type from {source}.tables {where} order by 1").rows
    views = _ask(admin, f"select table_name, 'VIEW' from {source}.views {where} order by 1").rows
    assert tables == views
    assert {"TABLES", "COLUMNS", "VIEWS", "SCHEMATA"} <= {row[0] for row in tables}
    for name, _ in tables:
        listed = _ask(
            admin,
            f"select column_name from {source}.columns {where} and table_name = '{name}' order by ordinal_position",
        )
        assert [row[0] for row in listed.rows] == _ask(admin, f"select * from {source}.{name} limit 1").names
