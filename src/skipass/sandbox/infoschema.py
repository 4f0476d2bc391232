"""INFORMATION_SCHEMA: made-up tables of what the role can see, handed to DuckDB as JSON inside the statement.

Source: https://docs.snowflake.com/en/sql-reference/info-schema and .../functions/query_history.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, infoself, infoviews, sqltypes
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.privileges import Rights

Row = dict[str, Any]
Count = Callable[[Table], int | None]
History = Callable[[Rights, str | None, bool], Iterable[Row]]

_TABLES = {
    "TABLE_CATALOG": "VARCHAR", "TABLE_SCHEMA": "VARCHAR", "TABLE_NAME": "VARCHAR", "TABLE_OWNER": "VARCHAR",
    "TABLE_TYPE": "VARCHAR", "IS_TRANSIENT": "VARCHAR", "CLUSTERING_KEY": "VARCHAR", "ROW_COUNT": "DECIMAL(38,0)",
    "BYTES": "DECIMAL(38,0)", "RETENTION_TIME": "DECIMAL(38,0)", "SELF_REFERENCING_COLUMN_NAME": "VARCHAR",
    "REFERENCE_GENERATION": "VARCHAR", "USER_DEFINED_TYPE_CATALOG": "VARCHAR", "USER_DEFINED_TYPE_SCHEMA": "VARCHAR",
    "USER_DEFINED_TYPE_NAME": "VARCHAR", "IS_INSERTABLE_INTO": "VARCHAR", "IS_TYPED": "VARCHAR",
    "COMMIT_ACTION": "VARCHAR", "CREATED": "TIMESTAMPTZ", "LAST_ALTERED": "TIMESTAMPTZ", "LAST_DDL": "TIMESTAMPTZ",
    "LAST_DDL_BY": "VARCHAR", "AUTO_CLUSTERING_ON": "VARCHAR", "COMMENT": "VARCHAR", "IS_TEMPORARY": "VARCHAR",
    "IS_ICEBERG": "VARCHAR", "IS_DYNAMIC": "VARCHAR", "IS_IMMUTABLE": "VARCHAR", "IS_HYBRID": "VARCHAR",
}  # fmt: skip
_TEXTS = (
    "INTERVAL_TYPE", "INTERVAL_PRECISION", "CHARACTER_SET_CATALOG", "CHARACTER_SET_SCHEMA", "CHARACTER_SET_NAME",
    "COLLATION_CATALOG", "COLLATION_SCHEMA", "COLLATION_NAME", "DOMAIN_CATALOG", "DOMAIN_SCHEMA", "DOMAIN_NAME",
    "UDT_CATALOG", "UDT_SCHEMA", "UDT_NAME", "SCOPE_CATALOG", "SCOPE_SCHEMA", "SCOPE_NAME", "MAXIMUM_CARDINALITY",
    "DTD_IDENTIFIER", "IS_SELF_REFERENCING", "IS_IDENTITY", "IDENTITY_GENERATION", "IDENTITY_START",
    "IDENTITY_INCREMENT", "IDENTITY_MAXIMUM", "IDENTITY_MINIMUM", "IDENTITY_CYCLE", "IDENTITY_ORDERED",
    "SCHEMA_EVOLUTION_RECORD", "COMMENT", "DATA_TYPE_ALIAS", "EXPRESSION", "KIND",
)  # fmt: skip
_COLUMNS = (
    dict.fromkeys(("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"), "VARCHAR")
    | {
        "ORDINAL_POSITION": "DECIMAL(9,0)",
        "COLUMN_DEFAULT": "VARCHAR",
        "IS_NULLABLE": "VARCHAR",
        "DATA_TYPE": "VARCHAR",
    }
    | dict.fromkeys(("CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION"), "DECIMAL(9,0)")
    | dict.fromkeys(("NUMERIC_PRECISION_RADIX", "NUMERIC_SCALE", "DATETIME_PRECISION"), "DECIMAL(9,0)")
    | dict.fromkeys(_TEXTS, "VARCHAR")
)
_SCHEMATA = {
    "CATALOG_NAME": "VARCHAR", "SCHEMA_NAME": "VARCHAR", "SCHEMA_OWNER": "VARCHAR", "IS_TRANSIENT": "VARCHAR",
    "IS_MANAGED_ACCESS": "VARCHAR", "RETENTION_TIME": "DECIMAL(38,0)", "DEFAULT_CHARACTER_SET_CATALOG": "VARCHAR",
    "DEFAULT_CHARACTER_SET_SCHEMA": "VARCHAR", "DEFAULT_CHARACTER_SET_NAME": "VARCHAR", "SQL_PATH": "VARCHAR",
    "CREATED": "TIMESTAMPTZ", "LAST_ALTERED": "TIMESTAMPTZ", "COMMENT": "VARCHAR",
}  # fmt: skip
_DATABASES = {
    "DATABASE_NAME": "VARCHAR", "DATABASE_OWNER": "VARCHAR", "IS_TRANSIENT": "VARCHAR", "COMMENT": "VARCHAR",
    "CREATED": "TIMESTAMPTZ", "LAST_ALTERED": "TIMESTAMPTZ", "RETENTION_TIME": "DECIMAL(38,0)", "TYPE": "VARCHAR",
}  # fmt: skip
_HISTORY = {
    "QUERY_ID": "VARCHAR", "QUERY_TEXT": "VARCHAR", "DATABASE_NAME": "VARCHAR", "SCHEMA_NAME": "VARCHAR",
    "QUERY_TYPE": "VARCHAR", "SESSION_ID": "VARCHAR", "USER_NAME": "VARCHAR", "ROLE_NAME": "VARCHAR",
    "WAREHOUSE_NAME": "VARCHAR", "QUERY_TAG": "VARCHAR", "EXECUTION_STATUS": "VARCHAR", "ERROR_CODE": "VARCHAR",
    "ERROR_MESSAGE": "VARCHAR", "START_TIME": "TIMESTAMPTZ", "END_TIME": "TIMESTAMPTZ",
    "TOTAL_ELAPSED_TIME": "DECIMAL(38,0)", "ROWS_PRODUCED": "DECIMAL(38,0)",
    "AGENT_TYPE": "VARCHAR",
}  # fmt: skip
# The argument that chooses among the statements, and the column that it is compared with here.
_HISTORIES = {
    "QUERY_HISTORY()": ("", ""),
    "QUERY_HISTORY_BY_USER()": ("USER_NAME", ""),
    "QUERY_HISTORY_BY_WAREHOUSE()": ("WAREHOUSE_NAME", "WAREHOUSE_NAME"),
    "QUERY_HISTORY_BY_SESSION()": ("SESSION_ID", "SESSION_ID"),
}
SHAPES = {
    "TABLES": _TABLES,
    "COLUMNS": _COLUMNS,
    "SCHEMATA": _SCHEMATA,
    "DATABASES": _DATABASES,
    **{name: shape for name, (shape, _) in infoviews.VIEWS.items()},
}


class InformationSchema:
    """Answers for one account; `count` gives a table's rows, `history` its statements."""

    def __init__(self, catalog: Catalog, count: Count, history: History, user: str = "") -> None:
        self._catalog = catalog
        self._user = user
        self._count = count
        self._history = history

    def sql(self, database: str, name: str, arguments: list[Any], rights: Rights) -> str | None:
        """Return DuckDB SQL that yields the view or, with `()` in the name, the function; None if there is none."""
        if name in _HISTORIES:
            return self._statements(name, arguments, rights)
        makers: dict[str, Callable[[str, Rights], Iterable[Row]]] = {
            "TABLES": self._tables,
            "COLUMNS": self._columns,
            "SCHEMATA": self._schemata,
            "DATABASES": self._databases,
        }
        if name not in SHAPES:
            return None
        if name in makers:
            rows = list(makers[name](database, rights))
        else:
            rows = list(infoviews.VIEWS[name][1](infoviews.Seen(self._catalog, database, rights, self._user)))
        return inline(SHAPES[name], rows) + infoself.more(name, database, SHAPES, inline)

    def _visible(self, database: str, rights: Rights) -> list[Table]:
        return [
            table for table in self._catalog.tables() if table.name.database == database and rights.sees_table(table)
        ]

    def _tables(self, database: str, rights: Rights) -> Iterable[Row]:
        for table in self._visible(database, rights):
            yield {
                "TABLE_CATALOG": database,
                "TABLE_SCHEMA": table.name.schema,
                "TABLE_NAME": table.name.name,
                "TABLE_OWNER": table.owner,
                "TABLE_TYPE": "BASE TABLE" if table.view is None else "VIEW",
                "IS_TRANSIENT": "NO",
                "ROW_COUNT": self._count(table),
                "RETENTION_TIME": table.retention_days,
                "IS_INSERTABLE_INTO": "YES" if table.view is None else "NO",
                "IS_TYPED": "YES",
                "CREATED": table.created,
                "LAST_ALTERED": table.created,
                "LAST_DDL": table.created,
                "COMMENT": table.comment or None,
            }

    def _columns(self, database: str, rights: Rights) -> Iterable[Row]:
        for table in self._visible(database, rights):
            for position, column in enumerate(table.columns, 1):
                yield {
                    "TABLE_CATALOG": database,
                    "TABLE_SCHEMA": table.name.schema,
                    "TABLE_NAME": table.name.name,
                    "COLUMN_NAME": column.name,
                    "ORDINAL_POSITION": position,
                    "COLUMN_DEFAULT": column.default,
                    "IS_NULLABLE": "YES" if column.nullable else "NO",
                    "IS_SELF_REFERENCING": "NO",
                    "IS_IDENTITY": "NO",
                    "COMMENT": column.comment,
                } | sqltypes.describe(column.type)

    def _schemata(self, database: str, rights: Rights) -> Iterable[Row]:
        found = self._catalog.databases[database].schemas
        for schema in sorted(found.values(), key=lambda schema: schema.name):
            if rights.sees_schema(schema.name):
                yield {
                    "CATALOG_NAME": database,
                    "SCHEMA_NAME": schema.name.schema,
                    "SCHEMA_OWNER": schema.owner,
                    "IS_TRANSIENT": "NO",
                    "IS_MANAGED_ACCESS": "NO",
                    "RETENTION_TIME": 1,
                    "CREATED": schema.created,
                    "LAST_ALTERED": schema.created,
                    "COMMENT": schema.comment or None,
                }
        yield {"CATALOG_NAME": database, "SCHEMA_NAME": "INFORMATION_SCHEMA"}

    def _databases(self, _: str, rights: Rights) -> Iterable[Row]:
        for database in self._catalog.databases.values():
            if rights.sees_database(database.name):
                yield {
                    "DATABASE_NAME": database.name,
                    "DATABASE_OWNER": database.owner,
                    "IS_TRANSIENT": "NO",
                    "COMMENT": database.comment or None,
                    "CREATED": database.created,
                    "LAST_ALTERED": database.created,
                    "RETENTION_TIME": 1,
                    "TYPE": "IMPORTED DATABASE" if database.imported else "STANDARD",
                }

    def _statements(self, name: str, arguments: list[Any], rights: Rights) -> str:
        options = _arguments(arguments)
        chosen, column = _HISTORIES[name]
        wanted = options.pop(chosen, None) if chosen else None
        rows = list(self._history(rights, wanted if chosen == "USER_NAME" else None, chosen != "USER_NAME"))
        if column and wanted is None:
            raise failures.unsupported(f"{name.removesuffix('()')} without {chosen}")
        rows = [row for row in rows if not column or row[column] == wanted]
        limit = _limit(options.pop("RESULT_LIMIT", "100"))
        earliest, latest = options.pop("END_TIME_RANGE_START", None), options.pop("END_TIME_RANGE_END", None)
        if options:
            raise failures.compilation("001008", "22023", f"invalid argument name '{next(iter(options))}'")
        shaped = inline(_HISTORY, rows)
        ended = "coalesce(\"END_TIME\", TIMESTAMPTZ 'infinity')"
        bounds = [f"{ended} >= {earliest}"] if earliest else []
        bounds += [f"{ended} <= {latest}"] if latest else []
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        return f'SELECT * FROM ({shaped}) AS h{where} ORDER BY "START_TIME" DESC LIMIT {limit}'


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise failures.compilation("001008", "22023", f"invalid value [{text}] for parameter 'RESULT_LIMIT'")
    return int(text)


def _arguments(arguments: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for argument in arguments:
        if not isinstance(argument, (exp.Kwarg, exp.PropertyEQ)):
            raise failures.unsupported("positional argument of a table function")
        value = argument.expression
        name = argument.this.name.upper()
        plain = isinstance(value, exp.Literal) and name in ("RESULT_LIMIT", "USER_NAME", "WAREHOUSE_NAME", "SESSION_ID")
        found[name] = value.name if plain else value.sql(dialect="duckdb")
    return found


def inline(shape: dict[str, str], rows: list[Row]) -> str:
    """Return DuckDB SQL that yields these rows in the columns and types of the shape."""
    columns = ", ".join(f'"{name}"' for name in shape)
    if not rows:
        nothing = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in shape.items())
        return f"SELECT {nothing} WHERE FALSE"
    told = [{name: _cell(row[name]) for name in shape if row.get(name) is not None} for row in rows]
    text = json.dumps(told).replace("'", "''")
    layout = json.dumps([shape]).replace("'", "''")
    return f"SELECT {columns} FROM (SELECT unnest(from_json('{text}', '{layout}'), recursive := true))"


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
