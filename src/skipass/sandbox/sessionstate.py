"""Statements that change nothing but the session: USE, SET, ALTER SESSION, BEGIN, COMMIT, ROLLBACK.

The SQL API takes them inside a request of several statements only, and their effect ends with it.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/using-transactions.
"""

from __future__ import annotations

from skipass.sandbox import failures, results, zones
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader, literal
from skipass.sandbox.identity import KEYPAIR, OAUTH
from skipass.sandbox.privileges import available_roles
from skipass.sandbox.results import Result


def run(execution: Execution, reader: Reader, first: str) -> Result:
    """Carry out USE, SET, UNSET, ALTER SESSION or a transaction's begin and end, for the rest of the request."""
    if first == "USE":
        _use(execution, reader)
    elif first in ("BEGIN", "START", "COMMIT", "ROLLBACK"):
        _transact(execution, reader, first)
    elif first == "ALTER":
        _alter_session(execution, reader)
    else:
        _variable(execution, reader, first)
    return results.status("Statement executed successfully.")


def _use(execution: Execution, reader: Reader) -> None:
    reader.take("USE")
    kind = reader.choose("ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "SECONDARY")
    if kind == "SECONDARY":
        _use_secondary(execution, reader)
        return
    path = reader.path()
    reader.finish()
    catalog, session = execution.account.catalog, execution.session
    if kind == "ROLE":
        if path[0] not in available_roles(catalog, session.user):
            raise failures.not_performed()
        session.role = path[0]
    elif kind == "WAREHOUSE":
        if not execution.rights().usable_warehouse(path[0]):
            raise failures.not_performed()
        session.warehouse = path[0]
    elif kind == "DATABASE" or (kind is None and len(path) == 1):
        if not execution.rights().sees_database(path[0]):
            raise failures.not_performed()
        session.database, session.schema = path[0], "PUBLIC"
    else:
        name = session.schema_name(path, "USE SCHEMA")
        if not execution.rights().sees_schema(name):
            raise failures.not_performed()
        session.database, session.schema = name.database, name.schema


def _use_secondary(execution: Execution, reader: Reader) -> None:
    """Only a key-pair session may take its user's other roles too; an OAuth session may not ask at all."""
    reader.take("ROLES")
    word = reader.choose("ALL", "NONE")
    reader.finish()
    if word is None:
        raise failures.unsupported("USE SECONDARY ROLES with names")
    credential = execution.session.credential
    if credential == OAUTH or (word == "ALL" and credential != KEYPAIR):
        raise failures.not_performed()
    execution.session.secondary = word == "ALL"


def _transact(execution: Execution, reader: Reader, first: str) -> None:
    reader.take(first)
    reader.choose("TRANSACTION", "WORK")
    reader.finish()
    run = execution.run
    if first in ("BEGIN", "START") and not run.writing:
        run.begin()
    elif first == "COMMIT" and run.writing:
        run.commit()
    elif first == "ROLLBACK" and run.writing:
        run.rollback()


def _alter_session(execution: Execution, reader: Reader) -> None:
    reader.take("ALTER", "SESSION")
    if reader.accept("UNSET"):
        return
    reader.take("SET")
    options = reader.options()
    execution.session.tag = options.get("QUERY_TAG", execution.session.tag)
    if "TIMEZONE" in options:
        execution.session.zone = zones.checked(options["TIMEZONE"])
        execution.run.use_zone(execution.session.zone)


def _variable(execution: Execution, reader: Reader, first: str) -> None:
    reader.take(first)
    name = reader.identifier()
    if first == "UNSET":
        execution.session.variables.pop(name, None)
        return
    reader.take("=")
    token = reader.token()
    execution.session.variables[name] = literal(token.text) if token.kind == "string" else token.text
