"""GET_DDL: what it says makes the same table or view again."""

from __future__ import annotations

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

TABLES = {
    "keys": """create table ops_db.ops.made (id number(10,0) not null, name varchar(20) default 'x' comment 'it''s',
        at timestamp_tz, primary key (id), constraint uq unique (name)) comment = 'made'""",
    "reference": """create transient table ops_db.ops.made (id number autoincrement start 5 increment 2,
        "odd name" variant, customer_id number references ops_db.ops.customers (customer_id)) cluster by (id)""",
}


def _rows(client: Client, text: str) -> list[list[str | None]]:
    reply = client.sql(text)
    assert reply.status == 200, reply.body
    return reply.rows


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_tables_text_makes_it_again(fresh: RunningSandbox, text: str) -> None:
    """The text of GET_DDL runs as it is and makes a table with the same columns, keys and text."""
    admin = Client.of(fresh, "ADMIN")
    _rows(admin, text)
    told = _rows(admin, "select get_ddl('table', 'ops_db.ops.made', true)")[0][0] or ""
    before = _rows(admin, "describe table ops_db.ops.made")
    _rows(admin, told)
    assert _rows(admin, "describe table ops_db.ops.made") == before
    assert _rows(admin, "select get_ddl('TABLE', 'OPS_DB.OPS.\"MADE\"', true)") == [[told]]


def test_a_views_text_makes_it_again(fresh: RunningSandbox) -> None:
    """The text of a view runs as it is and gives the same rows."""
    admin = Client.of(fresh, "ADMIN")
    _rows(admin, "create secure view ops_db.ops.seen (n) comment = 'c' as select count(*) from ops_db.ops.orders")
    told = _rows(admin, "select get_ddl('view', 'ops_db.ops.seen', true)")[0][0] or ""
    before = _rows(admin, "select n from ops_db.ops.seen")
    _rows(admin, told)
    assert _rows(admin, "select n from ops_db.ops.seen") == before


def test_a_view_asks_its_reader(fresh: RunningSandbox) -> None:
    """Context functions in a view are answered when it is read, its unqualified names when it lies in its schema."""
    admin = Client.of(fresh, "ADMIN")
    _rows(admin, "create view ops_db.ops.who as select current_role() r, count(*) n from orders")
    _rows(admin, "grant select on view ops_db.ops.who to role agent_role")
    readers = [Client.of(fresh, name) for name in ("ADMIN", "SKIPASS_SVC")]
    assert [_rows(one, "select r from ops_db.ops.who")[0][0] for one in readers] == ["ACCOUNTADMIN", "AGENT_ROLE"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("get_ddl('table', 'snowflake_sample_data.nothing.here')", "002003"),
        ("get_ddl('view', 'ops_db.ops.orders')", "002003"),
        ("get_ddl('role', 'sysadmin')", "000002"),
        ("get_ddl('table')", "002003"),
        ("get_ddl()", "000002"),
    ],
)
def test_what_the_role_may_not_see_is_not_told(sandbox: RunningSandbox, call: str, code: str) -> None:
    """What does not exist for the role, or is of another kind, is refused as missing."""
    assert Client.of(sandbox, "SKIPASS_SVC").sql(f"select {call}").code == code
