"""The narrow role: what it may reach, the warehouse it runs on, and who has it.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-role , …/create-warehouse , …/grant-privilege ;
https://docs.snowflake.com/en/user-guide/security-access-control-overview (system roles).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql.text import name, user_identifier

_CHANGES = "INSERT, UPDATE, DELETE"
# Said and not run: it is about everybody in the account, and this script is about one role.
# Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/aisql-privileges-and-access ,
# https://docs.snowflake.com/en/user-guide/snowflake-cortex/opting-out (both come with PUBLIC, which every role has).
AI_FUNCTIONS = (
    "",
    "-- This script grants no AI functions, but an account comes with them granted to PUBLIC, and so to this role too.",
    "-- To take them from every role that has no grant of its own, ACCOUNTADMIN runs both of these; either one alone",
    "-- leaves some of them open. Ask first who else in the account uses them.",
    "--   REVOKE USE AI FUNCTIONS ON ACCOUNT FROM ROLE PUBLIC;",
    "--   REVOKE DATABASE ROLE SNOWFLAKE.CORTEX_USER FROM ROLE PUBLIC;",
    "-- `skipass connection test` names what is still granted.",
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a role is granted. `role`, `warehouse` and `schemas` (database, schema) are names as Snowflake stores them.

    With `write` the role may change rows as well as read them. `users` are who gets the role, as typed.
    """

    role: str
    warehouse: str | None
    schemas: tuple[tuple[str, str], ...]
    write: bool = False
    users: tuple[str, ...] = ()


def role_and_warehouse(access: Access) -> Iterator[str]:
    """Yield what makes the role and its warehouse, where they are not there yet."""
    if not access.schemas:
        raise SnowflakeConfigError("The script needs a schema to grant.", hint="Name one: --schema DB.SCHEMA")
    yield "USE ROLE USERADMIN;"
    yield f"CREATE ROLE IF NOT EXISTS {name(access.role)};"
    yield ""
    if access.warehouse is not None:
        yield "USE ROLE SYSADMIN;"
        size = "WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 INITIALLY_SUSPENDED = TRUE"
        yield f"CREATE WAREHOUSE IF NOT EXISTS {name(access.warehouse)} {size};"
        yield ""


def grants(access: Access) -> Iterator[str]:
    """Yield what gives the role to its users, and what the role may use."""
    role = name(access.role)
    yield "USE ROLE SECURITYADMIN;"
    for user in access.users:
        yield f"GRANT ROLE {role} TO USER {user_identifier(user)};"
    if not access.users:
        yield f"-- For each person who connects an account: GRANT ROLE {role} TO USER …;"
    if access.warehouse is not None:
        yield f"GRANT USAGE ON WAREHOUSE {name(access.warehouse)} TO ROLE {role};"
    for database in dict.fromkeys(database for database, _ in access.schemas):
        yield f"GRANT USAGE ON DATABASE {name(database)} TO ROLE {role};"
    for database, schema in access.schemas:
        yield from _schema_grants(f"{name(database)}.{name(schema)}", role, access.write)


def _schema_grants(schema: str, role: str, write: bool) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA {schema} TO ROLE {role};"
    for kind in ("TABLES", "VIEWS"):
        privileges = f"SELECT, {_CHANGES}" if write and kind == "TABLES" else "SELECT"
        for which in ("ALL", "FUTURE"):
            yield f"GRANT {privileges} ON {which} {kind} IN SCHEMA {schema} TO ROLE {role};"
