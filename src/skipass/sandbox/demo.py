"""What a fresh account holds: nothing but an administrator (`bare`), or people, roles, warehouses and data.

The demo's objects are made by the account's own SQL, as an administrator would make them. Rows are generated from a
fixed seed; TPC-H rows come from the generator package and are shipped with nothing.
"""

from __future__ import annotations

import random
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from skipass.sandbox import pipeline
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Database, Schema, Table, User
from skipass.sandbox.cells import Formats
from skipass.sandbox.columns import Column
from skipass.sandbox.execution import Execution
from skipass.sandbox.names import SchemaName, TableName
from skipass.sandbox.sqltypes import duck

TPCH = SchemaName("SNOWFLAKE_SAMPLE_DATA", "TPCH_SF1")
_TPCH_TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")

_OBJECTS = """
USE ROLE SYSADMIN;
CREATE WAREHOUSE COMPUTE_WH WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60;
CREATE WAREHOUSE AGENT_WH WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60;
CREATE DATABASE OPS_DB COMMENT = 'Operations';
CREATE SCHEMA OPS_DB.OPS;
USE WAREHOUSE COMPUTE_WH;
CREATE TABLE OPS_DB.OPS.CUSTOMERS (
    CUSTOMER_ID NUMBER(38,0) NOT NULL, NAME VARCHAR(100) NOT NULL, EMAIL VARCHAR(200), REGION VARCHAR(20),
    SEGMENT VARCHAR(20), CREATED_AT TIMESTAMP_NTZ, PRIMARY KEY (CUSTOMER_ID));
CREATE TABLE OPS_DB.OPS.ORDERS (
    ORDER_ID NUMBER(38,0) NOT NULL, CUSTOMER_ID NUMBER(38,0) NOT NULL, STATUS VARCHAR(20) NOT NULL,
    TOTAL NUMBER(12,2) NOT NULL, REGION VARCHAR(20), NOTE VARCHAR(400), CREATED_AT TIMESTAMP_NTZ,
    PRIMARY KEY (ORDER_ID));
CREATE TABLE OPS_DB.OPS.TICKETS (
    TICKET_ID NUMBER(38,0) NOT NULL, ORDER_ID NUMBER(38,0), SUBJECT VARCHAR(200), PRIORITY VARCHAR(10),
    OPEN BOOLEAN, DETAILS VARIANT, OPENED_AT TIMESTAMP_NTZ, PRIMARY KEY (TICKET_ID));
CREATE DATABASE FINANCE_DB COMMENT = 'Finance';
CREATE SCHEMA FINANCE_DB.HR;
CREATE TABLE FINANCE_DB.HR.SALARIES (
    EMPLOYEE_ID NUMBER(38,0) NOT NULL, NAME VARCHAR(100), TITLE VARCHAR(100), SALARY NUMBER(12,2), SINCE DATE,
    PRIMARY KEY (EMPLOYEE_ID));
USE ROLE ACCOUNTADMIN;
CREATE ROLE AGENT_ROLE COMMENT = 'What agents may do';
GRANT USAGE ON WAREHOUSE AGENT_WH TO ROLE AGENT_ROLE;
GRANT USAGE ON DATABASE OPS_DB TO ROLE AGENT_ROLE;
GRANT USAGE ON SCHEMA OPS_DB.OPS TO ROLE AGENT_ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA OPS_DB.OPS TO ROLE AGENT_ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON FUTURE TABLES IN SCHEMA OPS_DB.OPS TO ROLE AGENT_ROLE;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA OPS_DB.OPS TO ROLE AGENT_ROLE;
GRANT USAGE ON DATABASE FINANCE_DB TO ROLE AGENT_ROLE;
GRANT USAGE ON SCHEMA FINANCE_DB.HR TO ROLE AGENT_ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA FINANCE_DB.HR TO ROLE AGENT_ROLE;
CREATE USER SKIPASS_SVC TYPE = SERVICE DEFAULT_ROLE = AGENT_ROLE DEFAULT_WAREHOUSE = AGENT_WH
    DEFAULT_NAMESPACE = OPS_DB.OPS DEFAULT_SECONDARY_ROLES = ();
GRANT ROLE AGENT_ROLE TO USER SKIPASS_SVC;
GRANT ROLE AGENT_ROLE TO ROLE SYSADMIN;
ALTER USER ADMIN SET DEFAULT_WAREHOUSE = COMPUTE_WH
"""
# AGENT_ROLE reads FINANCE_DB.HR on purpose: what keeps an agent away from it must be the gateway, not a missing grant.

_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Hedy", "Linus", "Margaret", "Dennis", "Frances")
_FAMILIES = ("Lund", "Okafor", "Silva", "Novak", "Haddad", "Tanaka", "Moreau", "Keller", "Brandt", "Ivanova")
_REGIONS = ("EMEA", "AMER", "APAC")
_STATUSES = ("pending", "shipped", "delivered", "delivered", "returned", "cancelled")
_SUBJECTS = ("Where is my order?", "Wrong item", "Refund not received", "Change of address", "Damaged on arrival")


def add_administrator(account: Account, name: str = "ADMIN") -> User:
    """Return the first user of an account, who may take ACCOUNTADMIN."""
    user = User(name, name, account.now(), roles={"ACCOUNTADMIN"})
    user.options["DEFAULT_ROLE"] = "ACCOUNTADMIN"
    account.catalog.users[name] = user
    return user


def add_demo(account: Account) -> None:
    """Make the demo's warehouses, databases, rows, role and service user; the administrator must exist."""
    run_script(account, "ADMIN", _OBJECTS)
    for name, rows in _rows(datetime(2026, 6, 1, 8, 0)).items():  # noqa: DTZ001 - stored without a zone
        table = account.catalog.table(TableName(*name.split(".")))
        if table is not None:
            marks = ", ".join("?" * len(table.columns))
            account.engine.root.executemany(f'INSERT INTO "{table.physical}" VALUES ({marks})', rows)


def run_script(account: Account, user: str, script: str) -> None:
    """Run SQL as a user with the default role, statement by statement; raises at the first failure."""
    person = account.catalog.users[user]
    session = account.session_of(person, person.options.get("DEFAULT_ROLE", "PUBLIC"))
    run = account.engine.open()
    try:
        execution = Execution(account, session, run, account.registry.new_handle(), Formats())
        for text in filter(None, (part.strip() for part in script.split(";"))):
            pipeline.one(execution, text)
    finally:
        run.close()


def _rows(start: datetime) -> dict[str, list[tuple[object, ...]]]:
    dice = random.Random(20260601)  # noqa: S311
    people = [f"{first} {family}" for family in _FAMILIES for first in _NAMES[:5]]
    customers: list[tuple[object, ...]] = []
    for number, name in enumerate(people, 1):
        email = name.lower().replace(" ", ".") + "@example.com"
        segment = dice.choice(("SMB", "MID", "ENTERPRISE"))
        customers.append((number, name, email, dice.choice(_REGIONS), segment, start - timedelta(days=number)))
    orders: list[tuple[object, ...]] = []
    for number in range(1001, 1241):
        at = start + timedelta(minutes=number * 37 % 40_000)
        note = dice.choice((None, None, "gift wrap", "leave at door", "call first"))
        customer, status = dice.randint(1, len(people)), dice.choice(_STATUSES)
        orders.append((number, customer, status, dice.randint(500, 250_000) / 100, dice.choice(_REGIONS), note, at))
    tickets = list(_tickets(dice, start))
    return {
        "OPS_DB.OPS.CUSTOMERS": customers,
        "OPS_DB.OPS.ORDERS": orders,
        "OPS_DB.OPS.TICKETS": tickets,
        "FINANCE_DB.HR.SALARIES": _salaries(dice),
    }


def _tickets(dice: random.Random, start: datetime) -> Iterable[tuple[object, ...]]:
    for number in range(1, 41):
        details = f'{{"channel": "{dice.choice(("mail", "chat", "phone"))}", "messages": {dice.randint(1, 9)}}}'
        order = dice.randint(1001, 1240)
        priority, open_ = dice.choice(("low", "normal", "high")), dice.random() < 0.4
        yield (number, order, dice.choice(_SUBJECTS), priority, open_, details, start + timedelta(hours=number))


def _salaries(dice: random.Random) -> list[tuple[object, ...]]:
    titles = ("Engineer", "Analyst", "Manager", "Director")
    rows: list[tuple[object, ...]] = []
    for number in range(1, 26):
        name = f"{dice.choice(_NAMES)} {dice.choice(_FAMILIES)}"
        since = datetime(2015 + number % 10, 1 + number % 12, 1).date()  # noqa: DTZ001
        rows.append((number, name, dice.choice(titles), dice.randint(4_000_000, 20_000_000) / 100, since))
    return rows


def add_sample_data(account: Account, scale: float) -> None:
    """Generate TPC-H rows of that scale factor as SNOWFLAKE_SAMPLE_DATA; comes before the engine is sealed."""
    now, owner = account.now(), "ACCOUNTADMIN"
    database = Database(TPCH.database, now, owner, imported=True)
    schema = Schema(TPCH, now, owner)
    database.schemas[TPCH.schema] = schema
    account.catalog.databases[TPCH.database] = database
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sysconfig.get_path("scripts")) / "tpchgen-cli"), "parquet", "-s", str(scale)]
        subprocess.run([*command, f"--output-dir={folder}"], check=True, capture_output=True)  # noqa: S603
        for name in _TPCH_TABLES:
            table = _import(account, name, Path(folder) / f"{name}.parquet")
            schema.tables[table.name.name] = table
    if "AGENT_ROLE" in account.catalog.roles:
        grant = f"GRANT IMPORTED PRIVILEGES ON DATABASE {TPCH.database} TO ROLE AGENT_ROLE"
        run_script(account, "ADMIN", grant)


def _import(account: Account, name: str, path: Path) -> Table:
    root = account.engine.root
    source = f"read_parquet('{path}')"
    found = root.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = [Column(str(row[0]).upper(), _tpch_type(str(row[0]), str(row[1])), nullable=False) for row in found]
    casts = ", ".join(
        f'CAST("{row[0]}" AS {duck(column.type)}) AS "{column.name}"'
        for row, column in zip(found, columns, strict=True)
    )
    physical = account.catalog.next_physical()
    root.execute(f'CREATE TABLE "{physical}" AS SELECT {casts} FROM {source}')
    return Table(TableName(*TPCH_PARTS, name.upper()), account.now(), "ACCOUNTADMIN", columns, physical)


TPCH_PARTS = (TPCH.database, TPCH.schema)


def _tpch_type(name: str, kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return "NUMBER(12,2)"
    if kind == "DATE":
        return "DATE"
    return "NUMBER(38,0)" if "INT" in kind else f"VARCHAR({152 if name.endswith('comment') else 55})"
