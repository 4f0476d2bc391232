"""The script that an account's admin pastes into a worksheet, so that a login by key may do one job and no other.

Pure text. It can be run again: everything is made only if it is not there, nothing is replaced, nothing is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.identifiers import body_field, quoted

_PART = r'(?:"(?:[^"\0]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)'
_SCHEMA = re.compile(rf"\s*({_PART})\s*\.\s*({_PART})\s*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CHANGES = "INSERT, UPDATE, DELETE"
# Said and not run: it is about everybody in the account, and this script is about one role.
# Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/aisql-privileges-and-access ,
# https://docs.snowflake.com/en/user-guide/snowflake-cortex/opting-out (both come with PUBLIC, which every role has).
_AI_FUNCTIONS = (
    "",
    "-- This script grants no AI functions, but an account comes with them granted to PUBLIC, and so to this role too.",
    "-- To take them from every role that has no grant of its own, ACCOUNTADMIN runs both of these; either one alone",
    "-- leaves some of them open. Ask first who else in the account uses them.",
    "--   REVOKE USE AI FUNCTIONS ON ACCOUNT FROM ROLE PUBLIC;",
    "--   REVOKE DATABASE ROLE SNOWFLAKE.CORTEX_USER FROM ROLE PUBLIC;",
    "-- `skipass connection test` names what is still granted.",
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the script grants. `role`, `warehouse` and `schemas` (database, schema) are names as Snowflake stores them.

    `login` is the user as typed. `public_key` is base 64 DER, None where it is registered separately. With `write` the
    role may change rows as well as read them. `statement_timeout_s` is Snowflake's own limit for the user.
    """

    login: str
    role: str
    warehouse: str | None
    schemas: tuple[tuple[str, str], ...]
    public_key: str | None = None
    write: bool = False
    statement_timeout_s: int = 3600


def schema_path(text: str) -> tuple[str, str]:
    """Return the stored names of `DB.SCHEMA`, each part plain or quoted, else raise `SnowflakeConfigError`."""
    match = _SCHEMA.fullmatch(text)
    if match is None:
        raise SnowflakeConfigError(
            f"{text!r} is not DB.SCHEMA.", hint='Quote a part that needs it: SALES_DB."my schema".'
        )
    return body_field(match[1]), body_field(match[2])


def user_identifier(login: str) -> str:
    """Return the SQL identifier of a user: a plain name is folded to upper case, `"…"` and anything else kept as it is.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    try:
        return quoted(body_field(login))
    except SnowflakeConfigError:
        return quoted(_printable(login))


def set_public_key(login: str, public_key: str) -> str:
    """Return the statement that lets `login` sign in with the key pair of this public key (base 64 DER).

    Source: https://docs.snowflake.com/en/user-guide/key-pair-auth
    """
    if not _BASE64.fullmatch(public_key):
        raise SnowflakeConfigError("The public key is not base 64 text.")
    return f"ALTER USER {user_identifier(login)} SET RSA_PUBLIC_KEY = '{public_key}';"


def setup_script(setup: Setup) -> str:
    """Return the whole script, with a comment on who may run it; every identifier is quoted.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-user , …/create-role , …/create-warehouse ,
    …/grant-privilege ; https://docs.snowflake.com/en/user-guide/security-access-control-overview (system roles).
    """
    if not setup.schemas:
        raise SnowflakeConfigError("The script needs a schema to grant.", hint="Name one: --schema DB.SCHEMA")
    parts = [*_heading(setup), *_user_and_role(setup), *_warehouse(setup), *_grants(setup), *_AI_FUNCTIONS]
    return "\n".join(parts) + "\n"


def _heading(setup: Setup) -> Iterator[str]:
    yield "-- Whoever runs this has ACCOUNTADMIN, or USERADMIN, SYSADMIN and SECURITYADMIN: the script switches roles."
    yield "-- It may be run again. It replaces nothing, and makes no stage, integration or policy."
    if setup.public_key is None:
        yield "-- The user signs in once it has its public key: run the ALTER USER that `skipass key new` printed."
    if setup.warehouse is None:
        yield "-- No warehouse is named here, so none is made or granted: queries need one."
    yield ""


def _user_and_role(setup: Setup) -> Iterator[str]:
    user, role = user_identifier(setup.login), quoted(_printable(setup.role))
    warehouse = f" DEFAULT_WAREHOUSE = {quoted(_printable(setup.warehouse))}" if setup.warehouse else ""
    yield "USE ROLE USERADMIN;"
    yield f"CREATE ROLE IF NOT EXISTS {role};"
    # A service user has no password and never sees a sign-in page; without secondary roles it has this role alone.
    defaults = f"DEFAULT_ROLE = {role}{warehouse} DEFAULT_SECONDARY_ROLES = ()"
    yield f"CREATE USER IF NOT EXISTS {user} TYPE = SERVICE {defaults};"
    if setup.public_key is not None:
        yield set_public_key(setup.login, setup.public_key)
    yield f"ALTER USER {user} SET STATEMENT_TIMEOUT_IN_SECONDS = {int(setup.statement_timeout_s)};"
    yield ""


def _warehouse(setup: Setup) -> Iterator[str]:
    if setup.warehouse is None:
        return
    warehouse = quoted(_printable(setup.warehouse))
    yield "USE ROLE SYSADMIN;"
    size = "WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 INITIALLY_SUSPENDED = TRUE"
    yield f"CREATE WAREHOUSE IF NOT EXISTS {warehouse} {size};"
    yield ""


def _grants(setup: Setup) -> Iterator[str]:
    role = quoted(_printable(setup.role))
    yield "USE ROLE SECURITYADMIN;"
    yield f"GRANT ROLE {role} TO USER {user_identifier(setup.login)};"
    if setup.warehouse is not None:
        yield f"GRANT USAGE ON WAREHOUSE {quoted(_printable(setup.warehouse))} TO ROLE {role};"
    for database in dict.fromkeys(database for database, _ in setup.schemas):
        yield f"GRANT USAGE ON DATABASE {quoted(_printable(database))} TO ROLE {role};"
    for database, schema in setup.schemas:
        yield from _schema_grants(f"{quoted(_printable(database))}.{quoted(_printable(schema))}", role, setup.write)


def _schema_grants(schema: str, role: str, write: bool) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA {schema} TO ROLE {role};"
    for kind in ("TABLES", "VIEWS"):
        privileges = f"SELECT, {_CHANGES}" if write and kind == "TABLES" else "SELECT"
        for which in ("ALL", "FUTURE"):
            yield f"GRANT {privileges} ON {which} {kind} IN SCHEMA {schema} TO ROLE {role};"


def _printable(name: str) -> str:
    """Names come from people and from the gateway: one that hides something in a script is refused, not quoted."""
    if not name or not name.isprintable():
        raise SnowflakeConfigError(f"{name!r} cannot stand in a script.", hint="Use printable characters only.")
    return name
