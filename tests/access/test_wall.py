"""What of a role's grants is wider than a scope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.access.wall import Granted, inherited, wider
from skipass.nouns.scope import Access, Scope

SCOPE = Scope(("OPS_DB.OPS", 'OPS_DB."my ops"'), functions=("OPS_DB.OPS.F",), warehouse="WH")


def granted(privilege: str, on: str, name: str) -> Granted:
    return Granted(privilege, on, name, "R")


INSIDE = [
    granted("USAGE", "DATABASE", "OPS_DB"),
    granted("USAGE", "SCHEMA", "OPS_DB.OPS"),
    granted("USAGE", "SCHEMA", 'OPS_DB."my ops"'),
    granted("SELECT", "TABLE", "OPS_DB.OPS.ORDERS"),
    granted("SELECT", "VIEW", 'OPS_DB."my ops"."a.b"'),
    granted("REFERENCES", "TABLE", "OPS_DB.OPS.ORDERS"),
    granted("SELECT", "DYNAMIC_TABLE", "OPS_DB.OPS.D"),
    granted("USAGE", "WAREHOUSE", "WH"),
    granted("USAGE", "FUNCTION", 'OPS_DB.OPS."F(NUMBER):NUMBER"'),
    granted("USAGE", "ROLE", "OTHER"),
]
BEYOND = [
    granted("OWNERSHIP", "DATABASE", "OPS_DB"),
    granted("MONITOR", "DATABASE", "OPS_DB"),
    granted("USAGE", "DATABASE", "FINANCE_DB"),
    granted("USAGE", "SCHEMA", "OPS_DB.HR"),
    granted("USAGE", "SCHEMA", "ops_db.ops"),
    granted("CREATE STAGE", "SCHEMA", "OPS_DB.OPS"),
    granted("SELECT", "TABLE", "OPS_DB.HR.SALARIES"),
    granted("SELECT", "TABLE", '"OPS_DB.OPS".X.ORDERS'),
    granted("UPDATE", "TABLE", "OPS_DB.OPS.ORDERS"),
    granted("OWNERSHIP", "TABLE", "OPS_DB.OPS.ORDERS"),
    granted("READ", "STAGE", "OPS_DB.OPS.S"),
    granted("USAGE", "FUNCTION", 'OPS_DB.OPS."G(NUMBER):NUMBER"'),
    granted("USAGE", "PROCEDURE", 'OPS_DB.OPS."F(NUMBER):NUMBER"'),
    granted("OPERATE", "WAREHOUSE", "WH"),
    granted("USAGE", "WAREHOUSE", "BIG_WH"),
    granted("USAGE", "DATABASE_ROLE", "SNOWFLAKE.CORTEX_USER"),
    granted("CREATE USER", "ACCOUNT", "ACME"),
    granted("USAGE", "INTEGRATION", "EMAIL"),
    granted("OWNERSHIP", "ROLE", "OTHER"),
    granted("", "", ""),
]


def test_what_a_reading_scope_needs_is_inside() -> None:
    """Usage of its database, schemas, warehouse and functions, and reading its tables and views."""
    assert wider(INSIDE, SCOPE) == []
    assert inherited(INSIDE) == ["OTHER"]


@pytest.mark.parametrize("one", BEYOND, ids=lambda one: f"{one.privilege} {one.on} {one.name}")
def test_everything_else_is_wider(one: Granted) -> None:
    """Each grant alone is told, with its role and a statement that takes it away."""
    (found,) = wider([one], SCOPE)
    assert found.what.startswith(one.privilege)
    assert found.what.endswith("by R")
    assert found.fix.startswith("REVOKE ")


def test_a_writing_scope_lets_rows_be_changed_in_its_tables_alone() -> None:
    """With access write, changing rows of a table inside is not wider; of a view, or owning it, is."""
    scope = Scope(("OPS_DB.OPS",), access=Access.WRITE)
    assert wider([granted("DELETE", "TABLE", "OPS_DB.OPS.ORDERS")], scope) == []
    assert (
        len(wider([granted("DELETE", "VIEW", "OPS_DB.OPS.V"), granted("OWNERSHIP", "TABLE", "OPS_DB.OPS.T")], scope))
        == 2
    )


def test_named_tables_narrow_their_schema() -> None:
    """A scope that names tables is narrower than its schema."""
    scope = Scope(("OPS_DB.OPS",), tables=("OPS_DB.OPS.ORDERS",))
    assert wider([granted("SELECT", "TABLE", "OPS_DB.OPS.ORDERS")], scope) == []
    assert wider([granted("SELECT", "TABLE", "OPS_DB.OPS.TICKETS")], scope)


def test_many_of_a_kind_are_told_once() -> None:
    """Grants of one privilege in one schema are one finding with their number."""
    many = [granted("SELECT", "TABLE", f"FINANCE_DB.HR.T{n}") for n in range(7)]
    (found,) = wider(many, SCOPE)
    assert found.what == "SELECT on 7 tables of FINANCE_DB.HR by R"


@given(st.lists(st.sampled_from(INSIDE + BEYOND)), st.sampled_from(BEYOND))
def test_one_wider_grant_is_never_hidden_by_others(others: list[Granted], one: Granted) -> None:
    """Whatever stands around it, the role is told to be wider."""
    assert wider([*others, one], SCOPE)
