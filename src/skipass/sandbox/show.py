"""SHOW of databases, schemas, tables, views and columns in the vendor's columns, and the way to the other listings.

Source: https://docs.snowflake.com/en/sql-reference/sql/show.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from skipass.sandbox import failures, openpoints, showaccount, showkeys, showmore, showroutines, sqltypes
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Schema, Table
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session
from skipass.sandbox.showscope import Filter, View, end_filter, flag, limited, read_filter, scope, tables_in_scope

_TERSE = ("t:created_on", "name", "kind", "database_name", "schema_name")


def run(reader: Reader, account: Account, session: Session) -> Result:
    """Read and answer one SHOW or DESCRIBE."""
    view = View(account, session, session.rights(account.catalog))
    if reader.choose("DESC", "DESCRIBE"):
        return showaccount.describe(reader, view)
    reader.take("SHOW")
    terse = reader.accept("TERSE")
    for words, answer in _SHOWS.items():
        if reader.accept(*words):
            return openpoints.listing(account.switches, answer(reader, view, terse))
    raise reader.unexpected()


def _databases(reader: Reader, view: View, terse: bool) -> Result:
    found = Filter()
    history = reader.accept("HISTORY")
    end_filter(reader, found)
    dropped = ("t:dropped_on",) if history else ()
    names = (
        "t:created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options",
        "retention_time", *dropped, "kind", "owner_role_type", "object_visibility", "data_quality_monitoring_settings",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for name, one in sorted(view.catalog.databases.items()):
        if not (view.rights.sees_database(name) or view.rights.on_account("MANAGE GRANTS")) or not found.passes(name):
            continue
        kind = "IMPORTED DATABASE" if one.imported else "STANDARD"
        if terse:
            listing.add((one.created, name, kind, None, None))
        else:
            current = flag(name == view.session.database)
            head = (one.created, name, "N", current, "", one.owner, one.comment, "", "1")
            listing.add((*head, *(None for _ in dropped), kind, "ROLE", None, None))
    return limited(listing, found)


def _schemas(reader: Reader, view: View, terse: bool) -> Result:
    found = Filter()
    reader.accept("HISTORY")
    read_filter(reader, found)
    wanted, _ = scope(reader, view, ("DATABASE",))
    end_filter(reader, found)
    names = (
        "t:created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options",
        "retention_time", "owner_role_type", "object_visibility", "is_nested",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for database in sorted(view.catalog.databases.values(), key=lambda one: one.name):
        if wanted not in (None, database.name):
            continue
        if not view.rights.sees_database(database.name):
            continue
        for name, _ in showmore.visible_schemas(view, database.name):
            if not found.passes(name):
                continue
            one = database.schemas.get(name) or Schema(
                SchemaName(database.name, name), database.created, "", "Views describing the contents of the schema"
            )
            current = flag(one.name == SchemaName(view.session.database or "", view.session.schema or ""))
            if terse:
                listing.add((one.created, name, None, database.name, None))
            else:
                listing.add(
                    (one.created, name, "N", current, database.name, one.owner, one.comment, "", "1", "ROLE", None, "N")
                )
    return limited(listing, found)


def _tables(reader: Reader, view: View, terse: bool) -> Result:
    found = Filter()
    names = (
        "t:created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "n:rows", "n:bytes",
        "owner", "retention_time", "automatic_clustering", "change_tracking", "search_optimization",
        "search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution",
        "owner_role_type", "is_event", "is_hybrid", "is_iceberg", "is_immutable",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    rows = view.account.row_count
    for one in tables_in_scope(reader, view, found):
        at = one.name
        if one.view is not None:
            continue
        if terse:
            listing.add((one.created, at.name, "TABLE", at.database, at.schema))
        else:
            kind = "TEMPORARY" if one.temporary else "TRANSIENT" if one.transient else "TABLE"
            head = (one.created, at.name, at.database, at.schema, kind, one.comment, one.cluster_by, rows(one))
            tail = ("OFF", "OFF", "OFF", None, None, "N", "N", "ROLE", "N", "N", "N", "N")
            listing.add((*head, None, one.owner, str(one.retention_days), *tail))
    return limited(listing, found)


def _views(reader: Reader, view: View, terse: bool) -> Result:
    found = Filter()
    names = (
        "t:created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure",
        "is_materialized", "owner_role_type", "change_tracking",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for one in tables_in_scope(reader, view, found):
        at = one.name
        if one.view is None:
            continue
        if terse:
            listing.add((one.created, at.name, "VIEW", at.database, at.schema))
        else:
            listing.add(
                (
                    one.created,
                    at.name,
                    "",
                    at.database,
                    at.schema,
                    one.owner,
                    one.comment,
                    one.view,
                    str(one.secure).lower(),
                    "false",
                    "ROLE",
                    "OFF",
                )
            )
    return limited(listing, found)


def _columns(reader: Reader, view: View, _: bool) -> Result:
    found = Filter()
    listing = Listing(
        (
            "table_name",
            "schema_name",
            "column_name",
            "data_type",
            "null?",
            "default",
            "kind",
            "expression",
            "comment",
            "database_name",
            "autoincrement",
            "schema_evolution_record",
        )
    )
    read_filter(reader, found)
    tables = _columns_scope(reader, view)
    end_filter(reader, found)
    for table in tables:
        for column in table.columns:
            if found.passes(column.name):
                kind = json.dumps(_data_type(column.type, column.nullable), separators=(",", ":"))
                null = "true" if column.nullable else "NOT_NULL"
                listing.add(
                    (
                        table.name.name,
                        table.name.schema,
                        column.name,
                        kind,
                        null,
                        column.default or "",
                        "COLUMN",
                        "",
                        column.comment or "",
                        table.name.database,
                        "",
                        None,
                    )
                )
    return limited(listing, found)


def _columns_scope(reader: Reader, view: View) -> list[Table]:
    visible = [table for table in view.catalog.tables() if view.rights.sees_table(table)]
    if reader.accept("IN", "TABLE") or reader.accept("IN", "VIEW"):
        name = view.session.table_name(reader.path(), "SHOW COLUMNS")
        chosen = [table for table in visible if table.name == name]
        if not chosen:
            raise failures.missing(str(name), "Table")
        return chosen
    database, schema = scope(reader, view, ("SCHEMA", "DATABASE"))
    return [
        table for table in visible if database in (None, table.name.database) and schema in (None, table.name.schema)
    ]


def _data_type(spelled: str, nullable: bool) -> dict[str, object]:
    column = sqltypes.result_column("", spelled)
    found: dict[str, object] = {"type": column.type.upper(), "nullable": nullable}
    if column.type == "fixed":
        found |= {"precision": column.precision, "scale": column.scale}
    elif column.length is not None:
        found |= {"length": column.length, "byteLength": column.length, "fixed": False}
    return found


# Longer names come first where one begins another.
_SHOWS: dict[tuple[str, ...], Callable[[Reader, View, bool], Result]] = {
    **dict.fromkeys(showmore.EMPTY, showmore.nothing),
    ("USER", "FUNCTIONS"): showroutines.functions,
    ("USER", "PROCEDURES"): showroutines.procedures,
    ("PRIMARY", "KEYS"): showkeys.primary,
    ("UNIQUE", "KEYS"): showkeys.unique,
    ("IMPORTED", "KEYS"): showkeys.imported,
    ("EXPORTED", "KEYS"): showkeys.exported,
    ("DATABASES",): _databases,
    ("SCHEMAS",): _schemas,
    ("TABLES",): _tables,
    ("VIEWS",): _views,
    ("OBJECTS",): showmore.objects,
    ("COLUMNS",): _columns,
    ("SEQUENCES",): showmore.sequences,
    ("MASKING", "POLICIES"): partial(showmore.policies, "MASKING POLICY"),
    ("ROW", "ACCESS", "POLICIES"): partial(showmore.policies, "ROW ACCESS POLICY"),
    ("STAGES",): showmore.stages,
    ("FUNCTIONS",): showroutines.functions,
    ("PROCEDURES",): showroutines.procedures,
    ("PARAMETERS",): showmore.parameters,
    ("VARIABLES",): showmore.variables,
    ("TRANSACTIONS",): showmore.transactions,
    ("WAREHOUSES",): showaccount.warehouses,
    ("ROLES",): showaccount.roles,
    ("USERS",): showaccount.users,
    ("GRANTS",): showaccount.grants,
    ("FUTURE",): showmore.future_grants,
}
