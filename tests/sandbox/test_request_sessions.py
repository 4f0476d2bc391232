"""What lives as long as one request of several statements: temporary tables, secondary roles, the last query."""

from __future__ import annotations

import pytest

from sandbox.client import Client, Reply
from skipass.sandbox.testing import RunningSandbox

MANY = {"MULTI_STATEMENT_COUNT": 0}


@pytest.fixture
def people(fresh: RunningSandbox) -> tuple[Client, Client]:
    return Client.of(fresh, "ADMIN"), Client.of(fresh, "SKIPASS_SVC")


def _last(client: Client, text: str) -> Reply:
    reply = client.sql(text, parameters=MANY)
    assert reply.status == 200, reply.body
    return client.status(reply.body["statementHandles"][-1])


def test_temporary_table_ends_with_its_request(people: tuple[Client, Client]) -> None:
    """A temporary table can be filled and read within its request, and is gone after it."""
    admin, _ = people
    text = "use schema ops_db.ops; create temporary table tmp as select 7 as n; select n from tmp"
    assert _last(admin, text).rows == [["7"]]
    assert admin.sql("select * from ops_db.ops.tmp").code == "002003"


def test_secondary_roles_add_what_the_users_other_roles_may(people: tuple[Client, Client]) -> None:
    """USE SECONDARY ROLES ALL lets a key-pair session read what any of its user's roles may, and NONE ends that."""
    admin, agent = people
    for text in (
        "create role other",
        "create table ops_db.ops.private (n int)",
        "grant usage on database ops_db to role other",
        "grant usage on schema ops_db.ops to role other",
        "revoke all privileges on table ops_db.ops.private from role agent_role",
        "grant select on table ops_db.ops.private to role other",
        "grant role other to user skipass_svc",
    ):
        assert admin.sql(text).status == 200, text
    read = "select count(*) from ops_db.ops.private"
    assert agent.sql(read).code == "002003"
    assert _last(agent, f"use secondary roles all; {read}").rows == [["0"]]
    refused = agent.sql(f"use secondary roles all; use secondary roles none; {read}", parameters=MANY)
    assert refused.code == "100132"


def test_secondary_roles_create_nothing(people: tuple[Client, Client]) -> None:
    """CREATE needs the primary role's own privilege, whatever the secondary roles hold."""
    admin, agent = people
    for text in (
        "create role maker",
        "grant create table on schema ops_db.ops to role maker",
        "grant usage on database ops_db to role maker",
        "grant usage on schema ops_db.ops to role maker",
        "grant role maker to user skipass_svc",
    ):
        assert admin.sql(text).status == 200, text
    refused = agent.sql("use secondary roles all; create table ops_db.ops.mine (n int)", parameters=MANY)
    assert refused.code == "100132"
    assert "Insufficient privileges" in refused.body["message"]


def test_result_scan_reads_an_earlier_result(people: tuple[Client, Client]) -> None:
    """RESULT_SCAN gives an earlier statement's rows in their types, to the user who ran it alone."""
    admin, agent = people
    handle = agent.sql("select 1.50 as a, to_date('2024-01-02') as b, 'x' as c").body["statementHandle"]
    reply = agent.sql(f"select a + 1, dateadd(day, 1, b), c from table(result_scan('{handle}'))")
    assert reply.rows == [["2.50", "19725", "x"]]
    assert admin.sql(f"select * from table(result_scan('{handle}'))").code == "000709"
    chained = "select 5 as n; select n + 1 from table(result_scan(last_query_id()))"
    assert _last(agent, chained).rows == [["6"]]
