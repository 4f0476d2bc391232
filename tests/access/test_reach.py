"""What a role lacks for a scope, and the statement that would give it."""

from __future__ import annotations

import pytest

from skipass.access.reach import Lacking, Listed, Reach
from skipass.access.wall import Granted
from skipass.nouns.scope import Access, Scope

SCOPE = Scope(("OPS_DB.OPS",))
OPS = ("OPS_DB", "OPS")
ORDERS, RECENT = Listed("ORDERS", "TABLE"), Listed("RECENT", "VIEW")


def granted(privilege: str, on: str, name: str) -> Granted:
    return Granted(privilege, on, name, "R")


USAGE = [granted("USAGE", "DATABASE", "OPS_DB"), granted("USAGE", "SCHEMA", "OPS_DB.OPS")]
READING = [granted("SELECT", "TABLE", "OPS_DB.OPS.ORDERS"), granted("SELECT", "VIEW", "OPS_DB.OPS.RECENT")]
LATER = [granted("SELECT", "TABLE", "OPS_DB.OPS.<TABLE>"), granted("SELECT", "VIEW", "OPS_DB.<VIEW>")]


def lacking(
    grants: list[Granted],
    objects: list[Listed] | None,
    scope: Scope = SCOPE,
    future: list[Granted] | None = None,
    schema: tuple[str, ...] = OPS,
) -> list[Lacking]:
    return list(Reach(scope, "R", grants, future or []).lacking({schema: objects}))


def fixes(found: list[Lacking]) -> list[str]:
    return [one.fix for one in found]


def test_a_role_that_may_read_all_of_it_lacks_nothing() -> None:
    """Usage, and SELECT on everything that is listed, whether by grant or as its owner."""
    assert lacking([*USAGE, *READING], [ORDERS, RECENT]) == []
    owned = [*USAGE, granted("OWNERSHIP", "TABLE", "OPS_DB.OPS.ORDERS")]
    assert lacking(owned, [ORDERS], Scope(("OPS_DB.OPS",), access=Access.WRITE)) == []


@pytest.mark.parametrize(
    ("grants", "fix"),
    [
        ([], ["USAGE ON DATABASE OPS_DB", "USAGE ON SCHEMA OPS_DB.OPS"]),
        (USAGE[:1], ["USAGE ON SCHEMA OPS_DB.OPS"]),
        (USAGE[1:], ["USAGE ON DATABASE OPS_DB"]),
    ],
)
def test_a_schema_that_is_not_shown_lacks_usage(grants: list[Granted], fix: list[str]) -> None:
    """Of database and schema exactly what is not granted is named, with its GRANT."""
    assert fixes(lacking(grants, None)) == [f"GRANT {one} TO ROLE R;" for one in fix]


def test_a_schema_that_is_not_there_is_not_a_matter_of_grants() -> None:
    """With usage of both and nothing shown, the schema itself is missing."""
    (found,) = lacking(USAGE, None)
    assert ("not there" in found.what, found.fix) == (True, "SHOW SCHEMAS IN DATABASE OPS_DB;")


def test_what_is_listed_and_not_readable_is_counted() -> None:
    """Tables and views are told apart, how many of how many, and each kind has its statement."""
    found = lacking([*USAGE, READING[0]], [ORDERS, Listed("OTHER", "TABLE"), RECENT])
    assert [one.what for one in found] == [
        "SELECT on 1 of 2 tables in OPS_DB.OPS",
        "SELECT on 1 of 1 views in OPS_DB.OPS",
    ]
    assert fixes(found) == [
        f"GRANT SELECT ON ALL {kind} IN SCHEMA OPS_DB.OPS TO ROLE R;" for kind in ("TABLES", "VIEWS")
    ]


def test_a_writing_scope_takes_more() -> None:
    """To change rows the role needs all three privileges on tables, and none of them on views."""
    (found,) = lacking([*USAGE, *READING], [ORDERS, RECENT], Scope(("OPS_DB.OPS",), access=Access.WRITE))
    assert found.fix == "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA OPS_DB.OPS TO ROLE R;"


def test_a_schema_in_which_nothing_can_be_read_lacks_select() -> None:
    """Nothing listed and nothing granted: that is told, unless what is made later is granted; then it is just empty."""
    assert fixes(lacking(USAGE, [])) == ["GRANT SELECT ON ALL TABLES IN SCHEMA OPS_DB.OPS TO ROLE R;"]
    assert lacking(USAGE, [], future=LATER) == []


def test_named_tables_are_all_that_counts() -> None:
    """Where the scope names tables, others in the schema need no grant, and each that is missing has its own."""
    narrow = Scope(("OPS_DB.OPS",), ("OPS_DB.OPS.ORDERS", "OPS_DB.OPS.RECENT"))
    assert lacking([*USAGE, *READING], [ORDERS, RECENT, Listed("OTHER", "TABLE")], narrow) == []
    assert fixes(lacking([*USAGE, READING[0]], [ORDERS, RECENT], narrow)) == [
        "GRANT SELECT ON VIEW OPS_DB.OPS.RECENT TO ROLE R;"
    ]
    assert Reach(narrow, "R", USAGE, []).not_later([OPS]) == []


@pytest.mark.parametrize(
    "grants",
    [[USAGE[0]], [*USAGE, granted("USAGE", "DATABASE_ROLE", "OPS_DB.READERS")]],
    ids=["shared", "database role"],
)
def test_what_grants_do_not_show_is_not_called_missing(grants: list[Granted]) -> None:
    """What a shared database or a database role gives is listed by Snowflake without a grant to be seen."""
    assert lacking(grants, [ORDERS]) == []
    assert Reach(SCOPE, "R", grants, []).not_later([OPS]) == []


def test_what_is_made_later_is_told() -> None:
    """Grants on future objects count for their schema or its database; the rest is named with its statement."""
    assert Reach(SCOPE, "R", USAGE, LATER).not_later([OPS]) == []
    (found,) = Reach(SCOPE, "R", USAGE, LATER[:1]).not_later([OPS])
    assert found.fix == "GRANT SELECT ON FUTURE VIEWS IN SCHEMA OPS_DB.OPS TO ROLE R;"


def test_names_that_need_quotes_get_them() -> None:
    """A schema and a role that are no plain names stand quoted in the statement."""
    reach = Reach(Scope(('OPS_DB."my ops"',)), "my role", USAGE[:1], [])
    (found,) = reach.lacking({("OPS_DB", "my ops"): None})
    assert found.fix == 'GRANT USAGE ON SCHEMA "OPS_DB"."my ops" TO ROLE "my role";'
