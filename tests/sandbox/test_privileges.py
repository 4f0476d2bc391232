"""Roles and privileges are enforced on every statement, and administration changes them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from sandbox.client import Client, load_key, public_der, sign
from skipass.sandbox.accounts import fingerprint
from skipass.sandbox.cells import Formats
from skipass.sandbox.execution import Execution
from skipass.sandbox.failures import Failure
from skipass.sandbox.resolve import Reading
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.sandbox.world import build_account

SETUP = """
CREATE ROLE IF NOT EXISTS SKIPASS_ROLE COMMENT = 'least privilege';
CREATE WAREHOUSE IF NOT EXISTS SKIPASS_WH WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 INITIALLY_SUSPENDED = TRUE;
GRANT USAGE ON WAREHOUSE SKIPASS_WH TO ROLE SKIPASS_ROLE;
GRANT OPERATE ON WAREHOUSE SKIPASS_WH TO ROLE SKIPASS_ROLE;
CREATE DATABASE IF NOT EXISTS SHOP;
CREATE SCHEMA IF NOT EXISTS SHOP.SALES;
CREATE TABLE SHOP.SALES.ORDERS (ID NUMBER, NOTE VARCHAR);
GRANT USAGE ON DATABASE SHOP TO ROLE SKIPASS_ROLE;
GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE SKIPASS_ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA SHOP.SALES TO ROLE SKIPASS_ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON FUTURE TABLES IN SCHEMA SHOP.SALES TO ROLE SKIPASS_ROLE;
GRANT SELECT ON ALL VIEWS IN SCHEMA SHOP.SALES TO ROLE SKIPASS_ROLE;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA SHOP.SALES TO ROLE SKIPASS_ROLE;
CREATE USER IF NOT EXISTS SKIPASS TYPE = SERVICE DEFAULT_ROLE = SKIPASS_ROLE DEFAULT_WAREHOUSE = SKIPASS_WH
  DEFAULT_NAMESPACE = 'SHOP.SALES' DEFAULT_SECONDARY_ROLES = ();
GRANT ROLE SKIPASS_ROLE TO USER SKIPASS;
GRANT ROLE SKIPASS_ROLE TO ROLE SYSADMIN;
ALTER USER SKIPASS SET STATEMENT_TIMEOUT_IN_SECONDS = 600
"""


@pytest.fixture
def bare() -> Iterator[RunningSandbox]:
    with running_sandbox(bare=True) as running:
        yield running


@pytest.mark.parametrize("at_once", [False, True])
def test_setup_script_runs_as_pasted_on_a_new_account(bare: RunningSandbox, at_once: bool) -> None:
    """An administrator's script makes a service user who signs in with a registered key and reads what was granted."""
    admin = Client.of(bare, "ADMIN")
    key = load_key(bare.user("ADMIN").private_key_path)
    pem = public_der(key)
    body = base64.b64encode(pem).decode()
    alter = f"ALTER USER SKIPASS SET RSA_PUBLIC_KEY='{body}'"
    if at_once:
        first = "USE ROLE ACCOUNTADMIN; CREATE WAREHOUSE W; USE WAREHOUSE W;"
        text = f"{first}{SETUP};\n{alter};"
        # A request of several statements needs a usable warehouse before the first of them.
        admin.sql("CREATE WAREHOUSE BOOT")
        reply = admin.sql(text, warehouse="BOOT", parameters={"MULTI_STATEMENT_COUNT": 0})
        assert reply.status == 200, reply.body
    else:
        for text in [*SETUP.split(";"), alter]:
            assert admin.sql(text.strip(), warehouse="SKIPASS_WH").status == 200, text
    service = Client(bare.host, sign(key, bare.account.identifier, "SKIPASS"))
    assert service.sql("insert into orders values (1, 'a')").rows == [["1"]]
    assert service.sql("select current_role(), current_warehouse(), id from orders").rows == [
        ["SKIPASS_ROLE", "SKIPASS_WH", "1"]
    ]
    described = {row[0]: row[1] for row in admin.sql("DESCRIBE USER SKIPASS").rows}
    assert described["RSA_PUBLIC_KEY_FP"] == fingerprint(body)
    grants = {(row[1], row[2], row[3]) for row in admin.sql("SHOW GRANTS TO ROLE SKIPASS_ROLE").rows}
    assert ("SELECT", "TABLE", "SHOP.SALES.ORDERS") in grants


def test_bare_account_is_empty(bare: RunningSandbox) -> None:
    """A bare account has its administrator and system roles, and neither warehouse nor database."""
    admin = Client.of(bare, "ADMIN")
    assert admin.sql("show warehouses").rows == []
    assert admin.sql("show databases").rows == []
    assert [row[0] for row in admin.sql("show users").rows] == ["ADMIN"]


@pytest.fixture
def people(fresh: RunningSandbox) -> tuple[Client, Client]:
    return Client.of(fresh, "ADMIN"), Client.of(fresh, "SKIPASS_SVC")


def test_missing_and_forbidden_look_the_same(people: tuple[Client, Client]) -> None:
    """A table without any privilege answers exactly as one that does not exist."""
    admin, agent = people
    admin.sql("revoke select on table finance_db.hr.salaries from role agent_role")
    forbidden, missing = (agent.sql(f"select * from finance_db.hr.{name}") for name in ("salaries", "nothings"))
    assert (
        (forbidden.code, forbidden.body["sqlState"]) == (missing.code, missing.body["sqlState"]) == ("002003", "42S02")
    )
    assert forbidden.body["message"].replace("SALARIES", "X") == missing.body["message"].replace("NOTHINGS", "X")


@pytest.mark.parametrize(
    "text",
    [
        "select * from finance_db.hr.salaries",
        "select 1 where exists (select 1 from finance_db.hr.salaries)",
        "with a as (select * from finance_db.hr.salaries) select 1",
        "select (select max(salary) from finance_db.hr.salaries)",
        "insert into orders (order_id) select employee_id from finance_db.hr.salaries",
        "update orders set note = (select max(name) from finance_db.hr.salaries)",
        "delete from orders using finance_db.hr.salaries s where s.employee_id = order_id",
        "merge into orders o using finance_db.hr.salaries s on o.order_id = s.employee_id when matched then delete",
        "select * from orders union select employee_id, 1, name, 1, name, name, null from finance_db.hr.salaries",
        "with orders as (select 1 as x) select * from orders, finance_db.hr.salaries",
    ],
)
def test_forbidden_table_anywhere_in_a_statement(people: tuple[Client, Client], text: str) -> None:
    """Wherever a forbidden table stands in a statement, the statement is refused and nothing runs."""
    admin, agent = people
    admin.sql("revoke all privileges on all tables in schema finance_db.hr from role agent_role")
    assert agent.sql(text).code == "002003"


def test_view_reads_with_its_owners_rights(people: tuple[Client, Client]) -> None:
    """A view shows what its owner may read to those who may read the view alone."""
    admin, agent = people
    admin.sql("revoke all privileges on all tables in schema finance_db.hr from role agent_role")
    view = "create view ops_db.ops.payroll as select count(*) as n from finance_db.hr.salaries"
    assert admin.sql(view).status == 200
    assert agent.sql("select n from payroll").rows == [["25"]]
    assert agent.sql("select * from finance_db.hr.salaries").code == "002003"


def test_visible_without_the_privilege_is_another_refusal(people: tuple[Client, Client]) -> None:
    """On a table that the role sees, a privilege it lacks is 003001."""
    _, agent = people
    assert agent.sql("delete from finance_db.hr.salaries").code == "003001"
    assert agent.sql("drop table ops_db.ops.orders").code == "003001"


@pytest.mark.parametrize(
    "text",
    [
        "create user x",
        "create role x",
        "create warehouse x",
        "create database x",
        "grant select on table ops_db.ops.orders to role public",
        "grant role accountadmin to user skipass_svc",
        "alter user admin set disabled = true",
        "drop user admin",
    ],
)
def test_administration_needs_its_privileges(people: tuple[Client, Client], text: str) -> None:
    """An ordinary role administers nothing."""
    _, agent = people
    assert agent.sql(text).code == "003001"


def test_role_of_another_is_refused(people: tuple[Client, Client]) -> None:
    """A request cannot take a role that its user was not granted."""
    _, agent = people
    assert agent.sql("select 1", role="ACCOUNTADMIN").code == "390186"
    assert agent.sql("select 1", role="NO_SUCH_ROLE").code == "390189"
    assert agent.sql("select current_role()", role="PUBLIC").rows == [["PUBLIC"]]


def test_revoked_role_is_gone_at_once(people: tuple[Client, Client]) -> None:
    """After REVOKE the next statement runs without the role."""
    admin, agent = people
    admin.sql("revoke role agent_role from user skipass_svc")
    assert agent.sql("select current_role()").rows == [["PUBLIC"]]
    assert agent.sql("select * from ops_db.ops.orders").code == "002003"


def test_disabled_user_is_refused(people: tuple[Client, Client]) -> None:
    """A disabled user's tokens are refused."""
    admin, agent = people
    admin.sql("alter user skipass_svc set disabled = true")
    assert agent.sql("select 1").code == "390144"


def test_information_schema_shows_what_the_role_sees(people: tuple[Client, Client]) -> None:
    """INFORMATION_SCHEMA and SHOW list only what the role may see."""
    admin, agent = people
    own = "table_schema <> 'INFORMATION_SCHEMA'"
    names = [
        row[0] for row in agent.sql(f"select table_name from information_schema.tables where {own} order by 1").rows
    ]
    assert names == ["CUSTOMERS", "ORDERS", "TICKETS"]
    admin.sql("revoke usage on database finance_db from role agent_role")
    assert [row[1] for row in agent.sql("show databases").rows] == ["OPS_DB"]
    columns = agent.sql("select column_name, data_type from information_schema.columns where table_name = 'ORDERS'")
    assert ["TOTAL", "NUMBER"] in columns.rows


def test_checks_agree(fresh: RunningSandbox) -> None:
    """The account's own reading and the engine's bound plan name the same tables."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    for text in ("select * from orders", "select count(*) from orders o join customers c using (customer_id)"):
        assert agent.sql(text).status == 200
    assert fresh.account.disagreements == 0


def test_plan_beyond_the_reading_is_refused_and_counted() -> None:
    """SQL whose bound plan scans a table that the reading did not find is refused before it runs."""
    account = build_account(scale=0)
    user = account.catalog.users["ADMIN"]
    run = account.engine.open()
    execution = Execution(account, account.session_of(user, "ACCOUNTADMIN"), run, "h", Formats())
    table = account.catalog.tables()[0]
    sql = f'SELECT count(*) FROM "{table.physical}"'
    assert execution.checked(sql, Reading({table.physical: table})) == sql
    with pytest.raises(Failure, match="002003"):
        execution.checked(sql, Reading())
    assert account.disagreements == 1
    run.close()
    account.engine.close()
