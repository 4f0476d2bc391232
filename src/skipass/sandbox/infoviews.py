"""INFORMATION_SCHEMA beyond tables and columns: views, constraints, privileges, roles, and kinds without rows.

Each view is its columns with DuckDB types and a function that yields rows a role may see.
Source: https://docs.snowflake.com/en/sql-reference/info-schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from skipass.sandbox.catalog import Catalog, SchemaObject, Table, referenced
from skipass.sandbox.privileges import Rights

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one statement looks at: one database, under one role."""

    catalog: Catalog
    database: str
    rights: Rights
    user: str

    def tables(self) -> list[Table]:
        """Return the visible tables and views of the database."""
        every = [table for table in self.catalog.tables() if table.name.database == self.database]
        return [table for table in every if self.rights.sees_table(table)]

    def members(self, kind: str) -> list[SchemaObject]:
        """Return the visible sequences, stages or functions of the database."""
        schemas = self.catalog.databases[self.database].schemas.values()
        found = [one for schema in schemas for one in schema.objects.values() if one.kind == kind]
        return sorted((one for one in found if self.rights.sees_object(one)), key=lambda one: one.name)


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "VARCHAR")


_STAMPS = {"CREATED": "TIMESTAMPTZ", "LAST_ALTERED": "TIMESTAMPTZ"}


def _views(seen: Seen) -> Iterable[Row]:
    for table in seen.tables():
        if table.view is not None:
            yield {
                "TABLE_CATALOG": seen.database,
                "TABLE_SCHEMA": table.name.schema,
                "TABLE_NAME": table.name.name,
                "TABLE_OWNER": table.owner,
                "VIEW_DEFINITION": table.view,
                "CHECK_OPTION": "NONE",
                "IS_UPDATABLE": "NO",
                "INSERTABLE_INTO": "NO",
                "IS_SECURE": "YES" if table.secure else "NO",
                "CREATED": table.created,
                "LAST_ALTERED": table.created,
                "COMMENT": table.comment or None,
            }


def _constraints(seen: Seen) -> Iterable[Row]:
    for table in seen.tables():
        for key in table.constraints:
            yield {
                "CONSTRAINT_CATALOG": seen.database,
                "CONSTRAINT_SCHEMA": table.name.schema,
                "CONSTRAINT_NAME": key.name,
                "TABLE_CATALOG": seen.database,
                "TABLE_SCHEMA": table.name.schema,
                "TABLE_NAME": table.name.name,
                "CONSTRAINT_TYPE": key.kind,
                "IS_DEFERRABLE": "NO",
                "INITIALLY_DEFERRED": "NO",
                "ENFORCED": "NO",
                "CREATED": table.created,
                "LAST_ALTERED": table.created,
                "RELY": "NO",
            }


def _references(seen: Seen) -> Iterable[Row]:
    for table in seen.tables():
        for key in table.constraints:
            target = seen.catalog.table(key.target) if key.target is not None else None
            if target is not None and seen.rights.sees_table(target):
                yield {
                    "CONSTRAINT_CATALOG": seen.database,
                    "CONSTRAINT_SCHEMA": table.name.schema,
                    "CONSTRAINT_NAME": key.name,
                    "UNIQUE_CONSTRAINT_CATALOG": target.name.database,
                    "UNIQUE_CONSTRAINT_SCHEMA": target.name.schema,
                    "UNIQUE_CONSTRAINT_NAME": referenced(key, target),
                    "MATCH_OPTION": "FULL",
                    "UPDATE_RULE": "NO ACTION",
                    "DELETE_RULE": "NO ACTION",
                    "CREATED": table.created,
                    "LAST_ALTERED": table.created,
                }


def _privileges(seen: Seen) -> Iterable[Row]:
    for grant, at in seen.catalog.grants.items():
        visible = grant.role in seen.rights.roles or seen.rights.owns("ACCOUNTADMIN")
        if grant.on[0] == "ACCOUNT" or not visible or grant.on[1] != seen.database:
            continue
        yield {
            "GRANTOR": grant.by or None,
            "GRANTEE": grant.role,
            "GRANTED_TO": "ROLE",
            "OBJECT_CATALOG": seen.database,
            "OBJECT_SCHEMA": grant.on[2] if len(grant.on) > 2 else None,
            "OBJECT_NAME": grant.on[-1],
            "OBJECT_TYPE": grant.on[0],
            "PRIVILEGE_TYPE": grant.privilege,
            "IS_GRANTABLE": "YES" if grant.option else "NO",
            "CREATED": at,
        }


def _table_privileges(seen: Seen) -> Iterable[Row]:
    for row in _privileges(seen):
        if row["OBJECT_TYPE"] in ("TABLE", "VIEW"):
            yield {
                **row,
                "TABLE_CATALOG": row["OBJECT_CATALOG"],
                "TABLE_SCHEMA": row["OBJECT_SCHEMA"],
                "TABLE_NAME": row["OBJECT_NAME"],
                "WITH_HIERARCHY": "NO",
            }


def _applicable(seen: Seen) -> Iterable[Row]:
    user = seen.catalog.users.get(seen.user)
    for role in sorted(user.roles if user is not None else ()):
        yield {
            "GRANTEE": seen.user,
            "ROLE_NAME": role,
            "ROLE_OWNER": seen.catalog.roles[role].owner,
            "IS_GRANTABLE": "NO",
        }
    for name in sorted(seen.rights.roles):
        for role in sorted(seen.catalog.roles[name].roles):
            owner = seen.catalog.roles[role].owner
            yield {"GRANTEE": name, "ROLE_NAME": role, "ROLE_OWNER": owner, "IS_GRANTABLE": "NO"}


def _enabled(seen: Seen) -> Iterable[Row]:
    for role in sorted(seen.rights.roles):
        yield {"ROLE_NAME": role, "ROLE_OWNER": seen.catalog.roles[role].owner}


def _catalog_name(seen: Seen) -> Iterable[Row]:
    yield {"CATALOG_NAME": seen.database}


def _sequences(seen: Seen) -> Iterable[Row]:
    for one in seen.members("SEQUENCE"):
        yield {
            "SEQUENCE_CATALOG": seen.database,
            "SEQUENCE_SCHEMA": one.name.schema,
            "SEQUENCE_NAME": one.name.name,
            "SEQUENCE_OWNER": one.owner,
            "DATA_TYPE": "NUMBER",
            "NUMERIC_PRECISION": 38,
            "NUMERIC_SCALE": 0,
            "START_VALUE": one.details["start"],
            "INCREMENT": one.details["increment"],
            "CREATED": one.created,
            "LAST_ALTERED": one.created,
            "COMMENT": one.comment or None,
        }


def _routines(kind: str) -> Callable[[Seen], Iterable[Row]]:
    def rows(seen: Seen) -> Iterable[Row]:
        for one in seen.members(kind):
            arguments = ", ".join(f"{name} {spelled}" for name, spelled in json.loads(one.details["arguments"]))
            yield {
                f"{kind}_CATALOG": seen.database,
                f"{kind}_SCHEMA": one.name.schema,
                f"{kind}_NAME": one.name.name,
                f"{kind}_OWNER": one.owner,
                "ARGUMENT_SIGNATURE": f"({arguments})",
                "DATA_TYPE": one.details["returns"],
                f"{kind}_LANGUAGE": "SQL",
                f"{kind}_DEFINITION": one.text,
                "CREATED": one.created,
                "LAST_ALTERED": one.created,
                "COMMENT": one.comment or None,
            }

    return rows


def _stages(seen: Seen) -> Iterable[Row]:
    for one in seen.members("STAGE"):
        yield {
            "STAGE_CATALOG": seen.database,
            "STAGE_SCHEMA": one.name.schema,
            "STAGE_NAME": one.name.name,
            "STAGE_OWNER": one.owner,
            "STAGE_TYPE": "Internal Named",
            "CREATED": one.created,
            "LAST_ALTERED": one.created,
            "COMMENT": one.comment or None,
        }


def _nothing(_: Seen) -> Iterable[Row]:
    return ()


_OBJECT_PRIVILEGES = _texts(
    "GRANTOR", "GRANTEE", "GRANTED_TO", "OBJECT_CATALOG", "OBJECT_SCHEMA", "OBJECT_NAME", "OBJECT_TYPE",
    "PRIVILEGE_TYPE", "IS_GRANTABLE",
)  # fmt: skip
VIEWS: dict[str, tuple[dict[str, str], Callable[[Seen], Iterable[Row]]]] = {
    "VIEWS": (
        _texts(
            "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "VIEW_DEFINITION", "CHECK_OPTION",
            "IS_UPDATABLE", "INSERTABLE_INTO", "IS_SECURE",
        ) | _STAMPS | _texts("COMMENT"), _views,
    ),
    "TABLE_CONSTRAINTS": (
        _texts(
            "CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_CATALOG", "TABLE_SCHEMA",
            "TABLE_NAME", "CONSTRAINT_TYPE", "IS_DEFERRABLE", "INITIALLY_DEFERRED", "ENFORCED", "COMMENT",
        ) | _STAMPS | _texts("RELY"), _constraints,
    ),
    "REFERENTIAL_CONSTRAINTS": (
        _texts(
            "CONSTRAINT_CATALOG", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "UNIQUE_CONSTRAINT_CATALOG",
            "UNIQUE_CONSTRAINT_SCHEMA", "UNIQUE_CONSTRAINT_NAME", "MATCH_OPTION", "UPDATE_RULE", "DELETE_RULE",
            "COMMENT",
        ) | _STAMPS, _references,
    ),
    "OBJECT_PRIVILEGES": (_OBJECT_PRIVILEGES | {"CREATED": "TIMESTAMPTZ"}, _privileges),
    "TABLE_PRIVILEGES": (
        _texts(
            "GRANTOR", "GRANTEE", "GRANTED_TO", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "PRIVILEGE_TYPE",
            "IS_GRANTABLE", "WITH_HIERARCHY",
        ) | {"CREATED": "TIMESTAMPTZ"}, _table_privileges,
    ),
    "APPLICABLE_ROLES": (_texts("GRANTEE", "ROLE_NAME", "ROLE_OWNER", "IS_GRANTABLE"), _applicable),
    "ENABLED_ROLES": (_texts("ROLE_NAME", "ROLE_OWNER"), _enabled),
    "INFORMATION_SCHEMA_CATALOG_NAME": (_texts("CATALOG_NAME"), _catalog_name),
    "SEQUENCES": (
        _texts("SEQUENCE_CATALOG", "SEQUENCE_SCHEMA", "SEQUENCE_NAME", "SEQUENCE_OWNER", "DATA_TYPE")
        | {"NUMERIC_PRECISION": "DECIMAL(9,0)", "NUMERIC_SCALE": "DECIMAL(9,0)"}
        | _texts("START_VALUE", "INCREMENT") | _STAMPS | _texts("COMMENT"), _sequences,
    ),
    "FUNCTIONS": (
        _texts(
            "FUNCTION_CATALOG", "FUNCTION_SCHEMA", "FUNCTION_NAME", "FUNCTION_OWNER", "ARGUMENT_SIGNATURE",
            "DATA_TYPE", "FUNCTION_LANGUAGE", "FUNCTION_DEFINITION",
        ) | _STAMPS | _texts("COMMENT"), _routines("FUNCTION"),
    ),
    "STAGES": (
        _texts("STAGE_CATALOG", "STAGE_SCHEMA", "STAGE_NAME", "STAGE_URL", "STAGE_REGION", "STAGE_TYPE", "STAGE_OWNER")
        | _texts("COMMENT") | _STAMPS, _stages,
    ),
    "PROCEDURES": (
        _texts(
            "PROCEDURE_CATALOG", "PROCEDURE_SCHEMA", "PROCEDURE_NAME", "PROCEDURE_OWNER", "ARGUMENT_SIGNATURE",
            "DATA_TYPE", "PROCEDURE_LANGUAGE", "PROCEDURE_DEFINITION",
        ) | _STAMPS | _texts("COMMENT"), _routines("PROCEDURE"),
    ),
    "FILE_FORMATS": (
        _texts("FILE_FORMAT_CATALOG", "FILE_FORMAT_SCHEMA", "FILE_FORMAT_NAME", "FILE_FORMAT_OWNER") | _STAMPS,
        _nothing,
    ),
    "PIPES": (_texts("PIPE_CATALOG", "PIPE_SCHEMA", "PIPE_NAME", "PIPE_OWNER") | _STAMPS, _nothing),
    "EXTERNAL_TABLES": (_texts("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER") | _STAMPS, _nothing),
}  # fmt: skip
