"""From a tool's input to the one statement it stands for: pure, and made of `skipass.tools.sql`'s pieces only.

What comes out is judged, held, refused and recorded like any text an agent sends; nothing here grants anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from skipass.errors import SkipassError
from skipass.nouns.scope import Metadata
from skipass.tools import lookups, sql
from skipass.tools.choices import Described, GrantObject, GrantView, Listed
from skipass.tools.inputs import ToolInput
from skipass.tools.names import parts


@dataclass(frozen=True, slots=True)
class Place:
    """The current database and schema, as the names they are stored under; None where there is none."""

    database: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """One statement: its text, its binds in Snowflake's wire form, and the least `metadata` it needs of a session.

    `needs` is for a database of the session's own; in any other one it is `account`. None: the statement's objects
    have to be in the session's scope, and nothing else is looked at.
    """

    text: sql.Piece
    bindings: Mapping[str, Any] = field(default_factory=dict)
    needs: Metadata | None = None


_KINDS: Mapping[Described, str] = MappingProxyType({kind: kind.value.upper() for kind in Described})
_GRANTED: Mapping[GrantObject, str] = MappingProxyType({kind: kind.value.upper() for kind in GrantObject})
_NO_PLACE = "The session has no current one; name it."


def build(wanted: ToolInput, place: Place) -> Built:
    """Return the statement of a looked-up input; raises `missing_field` for a scope that neither gives.

    Also raises `invalid_request` where members do not go together.
    """
    return _BUILDERS[type(wanted)](wanted, place)


def fills_from_session(wanted: ToolInput) -> bool:
    """Tell whether the statement depends on where the session is."""
    if isinstance(wanted, lookups.ShowGrants):
        return wanted.grant_view is GrantView.ON_OBJECT
    own = {"database", "database_name", "schema_", "schema_name"} & set(type(wanted).model_fields)
    return not isinstance(wanted, lookups.Explain) and any(getattr(wanted, name) is None for name in own)


def _databases_schemas(wanted: lookups.ShowDatabasesSchemas, place: Place) -> Built:
    if wanted.object_type is Listed.DATABASES:
        if wanted.database_name is not None:
            raise SkipassError("invalid_request", "database_name is for schemas.", "Use like_pattern for databases.")
        return Built(sql.show("DATABASES", wanted.like_pattern), needs=Metadata.ACCOUNT)
    database = wanted.database_name or place.database
    area = sql.of_kind("DATABASE", sql.identifier(database)) if database else sql.of_kind("ACCOUNT")
    needs = Metadata.DATABASE if database else Metadata.ACCOUNT
    return Built(sql.show("SCHEMAS", wanted.like_pattern, area), needs=needs)


def _schemata(wanted: lookups.GetSchemata, place: Place) -> Built:
    conditions, binds = _filters(like={"SCHEMA_NAME": wanted.schema_like})
    text = sql.catalogue("SCHEMATA", wanted.database, conditions, wanted.limit)
    return Built(text, binds, Metadata.DATABASE)


def _tables(wanted: lookups.GetTables, place: Place) -> Built:
    conditions, binds = _filters(wanted.schema_, like={"TABLE_NAME": wanted.table_name_like})
    return Built(sql.catalogue("TABLES", wanted.database, conditions, wanted.limit), binds, _level(wanted.schema_))


def _columns(wanted: lookups.GetColumns, place: Place) -> Built:
    conditions, binds = _filters(
        wanted.schema_, equal={"TABLE_NAME": wanted.table}, like={"COLUMN_NAME": wanted.column_name_like}
    )
    return Built(sql.catalogue("COLUMNS", wanted.database, conditions, wanted.limit), binds, _level(wanted.schema_))


def _constraints(wanted: lookups.GetTableConstraints, place: Place) -> Built:
    kind = wanted.constraint_type.value if wanted.constraint_type else None
    conditions, binds = _filters(wanted.schema_, equal={"TABLE_NAME": wanted.table, "CONSTRAINT_TYPE": kind})
    text = sql.catalogue("TABLE_CONSTRAINTS", wanted.database, conditions, wanted.limit)
    return Built(text, binds, _level(wanted.schema_))


def _references(wanted: lookups.GetReferentialConstraints, place: Place) -> Built:
    own, _ = _filters(wanted.schema_, "CONSTRAINT_SCHEMA")
    if wanted.table is None:
        text = sql.catalogue("REFERENTIAL_CONSTRAINTS", wanted.database, own, wanted.limit)
        return Built(text, needs=_level(wanted.schema_))
    of_table, binds = _filters(wanted.schema_, equal={"TABLE_NAME": wanted.table})
    return Built(sql.references(wanted.database, own, of_table, wanted.limit), binds, _level(wanted.schema_))


def _primary_keys(wanted: lookups.ShowPrimaryKeys, place: Place) -> Built:
    database, schema, table = wanted.database_name, wanted.schema_name, wanted.table_name
    if table is not None:
        area = sql.of_kind("TABLE", sql.identifier(*_inside(database, schema, place), table))
    elif database is not None and schema is None:
        return Built(
            sql.show("PRIMARY KEYS", area=sql.of_kind("DATABASE", sql.identifier(database))), needs=Metadata.DATABASE
        )
    else:
        area = sql.of_kind("SCHEMA", sql.identifier(*_inside(database, schema, place)))
    return Built(sql.show("PRIMARY KEYS", area=area), needs=Metadata.SCHEMA)


def _foreign_keys(wanted: lookups.ShowImportedExportedKeys, place: Place) -> Built:
    table = sql.identifier(*_inside(wanted.database_name, wanted.schema_name, place), wanted.table_name)
    imported = wanted.key_direction.value == "imported"
    text = sql.show("IMPORTED KEYS" if imported else "EXPORTED KEYS", area=sql.of_kind("TABLE", table))
    return Built(text, needs=Metadata.SCHEMA)


def _warehouses(wanted: lookups.ShowWarehouses, place: Place) -> Built:
    return Built(sql.show("WAREHOUSES", wanted.like_pattern), needs=Metadata.ACCOUNT)


def _grants(wanted: lookups.ShowGrants, place: Place) -> Built:
    view = wanted.grant_view
    if view is GrantView.ON_OBJECT:
        return _grants_on(wanted, place)
    if view is GrantView.TO_USER:
        user = _needed("user_name", wanted.user_name, "It is the user whose roles are looked at.")
        return Built(sql.grants("TO", sql.of_kind("USER", sql.identifier(user))), needs=Metadata.ACCOUNT)
    role = sql.identifier(_needed("role_name", wanted.role_name, "It is the role that is looked at."))
    relation = "TO" if view is GrantView.TO_ROLE else "OF"
    return Built(sql.grants(relation, sql.of_kind("ROLE", role)), needs=Metadata.ACCOUNT)


def _grants_on(wanted: lookups.ShowGrants, place: Place) -> Built:
    kind = wanted.object_type
    if kind is None:
        raise _missing("object_type", f"One of: {', '.join(one.value for one in GrantObject)}.")
    if kind is GrantObject.ACCOUNT:
        return Built(sql.grants("ON", sql.of_kind("ACCOUNT")), needs=Metadata.ACCOUNT)
    name = parts(_needed("object_name", wanted.object_name, "It is the object whose grants are looked at."))
    depth = {GrantObject.TABLE: 3, GrantObject.VIEW: 3, GrantObject.SCHEMA: 2}.get(kind, 1)
    if len(name) > depth:
        hint = "A dot inside a name goes into double quotes."
        raise SkipassError("invalid_request", f"object_name has more parts than a {kind.value} has.", hint)
    whole = (*_around(depth - len(name), place), *name)
    needs = {1: Metadata.ACCOUNT if kind is GrantObject.WAREHOUSE else Metadata.DATABASE}.get(depth, Metadata.SCHEMA)
    return Built(sql.grants("ON", sql.of_kind(_GRANTED[kind], sql.identifier(*whole))), needs=needs)


def _described(wanted: lookups.DescribeObject, place: Place) -> Built:
    name, kind, needs = wanted.object_name, wanted.object_type, Metadata.SCHEMA
    if kind is Described.DATABASE:
        whole, needs = sql.identifier(name), Metadata.DATABASE
    elif kind is Described.SCHEMA:
        whole = sql.identifier(_needed("database", wanted.database or place.database, _NO_PLACE), name)
    else:
        whole = sql.identifier(*_inside(wanted.database, wanted.schema_, place), name)
    return Built(sql.describe(sql.of_kind(_KINDS[kind], whole)), needs=needs)


def _sampled(wanted: lookups.SampleTable, place: Place) -> Built:
    table = sql.identifier(*_inside(wanted.database, wanted.schema_, place), wanted.table)
    return Built(sql.sample(table, wanted.columns, wanted.limit))


def _explained(wanted: lookups.Explain, place: Place) -> Built:
    return Built(sql.explain(wanted.statement), dict(wanted.bindings or {}))


_BUILDERS: Mapping[type[ToolInput], Callable[[Any, Place], Built]] = MappingProxyType(
    {
        lookups.ShowDatabasesSchemas: _databases_schemas,
        lookups.GetSchemata: _schemata,
        lookups.GetTables: _tables,
        lookups.GetColumns: _columns,
        lookups.GetTableConstraints: _constraints,
        lookups.GetReferentialConstraints: _references,
        lookups.ShowPrimaryKeys: _primary_keys,
        lookups.ShowImportedExportedKeys: _foreign_keys,
        lookups.ShowWarehouses: _warehouses,
        lookups.ShowGrants: _grants,
        lookups.DescribeObject: _described,
        lookups.SampleTable: _sampled,
        lookups.Explain: _explained,
    }
)


def _level(schema: str | None) -> Metadata:
    return Metadata.SCHEMA if schema is not None else Metadata.DATABASE


def _filters(
    schema: str | None = None,
    column: str = "TABLE_SCHEMA",
    *,
    equal: Mapping[str, str | None] = MappingProxyType({}),
    like: Mapping[str, str | None] = MappingProxyType({}),
) -> tuple[tuple[sql.Piece, ...], dict[str, Any]]:
    """Return the conditions that are given, and the binds they hold in order.

    The schema is a constant: how far a session may look depends on it, so it has to be known from the text.
    """
    conditions = [] if schema is None else [sql.equals(column, sql.literal(schema))]
    conditions += [sql.equals(name) for name, value in equal.items() if value is not None]
    conditions += [sql.like(name) for name, value in like.items() if value is not None]
    values = [value for value in (*equal.values(), *like.values()) if value is not None]
    return tuple(conditions), {str(at): {"type": "TEXT", "value": value} for at, value in enumerate(values, start=1)}


def _inside(database: str | None, schema: str | None, place: Place) -> tuple[str, str]:
    """Return a whole schema; the session's own schema stands in only inside its own database."""
    if schema is None and database in (None, place.database):
        schema = place.schema
    return (
        _needed("database", database or place.database, _NO_PLACE),
        _needed("schema", schema, "It is not the session's database; name the schema."),
    )


def _around(count: int, place: Place) -> tuple[str, ...]:
    missing = (place.database, place.schema)[:count]
    return tuple(_needed("object_name", one, "Give it with its database and schema.") for one in missing)


def _needed(member: str, value: str | None, hint: str) -> str:
    if value is None:
        raise _missing(member, hint)
    return value


def _missing(member: str, hint: str) -> SkipassError:
    return SkipassError("missing_field", f"{member} is needed here.", hint, details={"fields": [member]})
