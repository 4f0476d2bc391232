"""The only place where the text of a tool's statement is put together: fixed templates, filled with finished pieces.

A piece is a quoted identifier, a string constant, a number, or a template that was filled before. A value of a caller
gets into a text as one of the first two, or stays out of it as a bind. Knows no tool and no input.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax (double-quoted identifiers) and
https://docs.snowflake.com/en/sql-reference/data-types-text (escape sequences in single-quoted string constants).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_CATALOGUE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "SCHEMATA": "CATALOG_NAME, SCHEMA_NAME, SCHEMA_OWNER, IS_TRANSIENT, CREATED, LAST_ALTERED, COMMENT",
        "TABLES": (
            "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_OWNER, ROW_COUNT, BYTES, CREATED, "
            "LAST_ALTERED, COMMENT"
        ),
        "COLUMNS": (
            "TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, "
            "CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, COMMENT"
        ),
        "TABLE_CONSTRAINTS": (
            "CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, "
            "CONSTRAINT_TYPE, ENFORCED, RELY, COMMENT, CREATED"
        ),
        "REFERENTIAL_CONSTRAINTS": (
            "CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_CATALOG, "
            "UNIQUE_CONSTRAINT_SCHEMA, UNIQUE_CONSTRAINT_NAME, MATCH_OPTION, UPDATE_RULE, DELETE_RULE, COMMENT, CREATED"
        ),
    }
)
_ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "SCHEMATA": "SCHEMA_NAME",
        "TABLES": "TABLE_SCHEMA, TABLE_NAME",
        "COLUMNS": "TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
        "TABLE_CONSTRAINTS": "TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME",
        "REFERENTIAL_CONSTRAINTS": "CONSTRAINT_SCHEMA, CONSTRAINT_NAME",
    }
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished piece of a statement; made in this module and nowhere else."""

    text: str


def identifier(*names: str) -> Piece:
    """Return the dotted name of the object stored under exactly these names, every part in double quotes."""
    return Piece(".".join('"' + name.replace('"', '""') + '"' for name in names))


def literal(value: str) -> Piece:
    """Return a string constant with exactly this value."""
    return Piece("'" + value.replace("\\", "\\\\").replace("'", "''") + "'")


def catalogue(view: str, database: str, conditions: tuple[Piece, ...], limit: int) -> Piece:
    """Return the read of a view of a database's INFORMATION_SCHEMA, in a fixed order, at most `limit` rows of it."""
    columns, order, source = _CATALOGUE_COLUMNS[view], _ORDERS[view], identifier(database).text
    where = _where(conditions)
    return Piece(f"SELECT {columns} FROM {source}.INFORMATION_SCHEMA.{view}{where} ORDER BY {order} LIMIT {limit:d}")


def references(database: str, own: tuple[Piece, ...], of_table: tuple[Piece, ...], limit: int) -> Piece:
    """Return the read of the foreign keys of a table: REFERENTIAL_CONSTRAINTS joined with TABLE_CONSTRAINTS.

    Each side is filtered by itself, so that what either reads of the catalogue is plain from its own WHERE.
    """
    view = "REFERENTIAL_CONSTRAINTS"
    columns, source = _CATALOGUE_COLUMNS[view], identifier(database).text
    return Piece(
        f"SELECT r.*, t.TABLE_SCHEMA, t.TABLE_NAME FROM (SELECT {columns} FROM {source}.INFORMATION_SCHEMA.{view}"
        f"{_where(own)}) AS r JOIN (SELECT CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, TABLE_SCHEMA, "
        f"TABLE_NAME FROM {source}.INFORMATION_SCHEMA.TABLE_CONSTRAINTS{_where(of_table)}) AS t "
        "ON t.CONSTRAINT_CATALOG = r.CONSTRAINT_CATALOG AND t.CONSTRAINT_SCHEMA = r.CONSTRAINT_SCHEMA "
        "AND t.CONSTRAINT_NAME = r.CONSTRAINT_NAME "
        f"ORDER BY r.CONSTRAINT_SCHEMA, r.CONSTRAINT_NAME LIMIT {limit:d}"
    )


def equals(column: str, value: Piece | None = None) -> Piece:
    """Return the condition that a column is a constant, or the next bind."""
    return Piece(f"{column} = {value.text if value else '?'}")


def like(column: str) -> Piece:
    """Return the condition that a column fits the next bind, upper or lower case, a backslash before what is meant."""
    return Piece(f"{column} ILIKE ? ESCAPE '\\\\'")


def show(kind: str, pattern: str | None = None, area: Piece | None = None) -> Piece:
    """Return a SHOW of a kind of thing, filtered by a pattern on names, in an area."""
    filtered = f" LIKE {literal(pattern).text}" if pattern is not None else ""
    return Piece(f"SHOW {kind}{filtered}{' IN ' + area.text if area else ''}")


def of_kind(kind: str, name: Piece | None = None) -> Piece:
    """Return the mention of one thing by its kind and name."""
    return Piece(f"{kind} {name.text}" if name else kind)


def grants(relation: str, of: Piece) -> Piece:
    """Return a SHOW GRANTS to, of or on one thing."""
    return Piece(f"SHOW GRANTS {relation} {of.text}")


def describe(of: Piece) -> Piece:
    """Return a DESCRIBE of one thing."""
    return Piece(f"DESCRIBE {of.text}")


def sample(table: Piece, columns: tuple[str, ...], limit: int) -> Piece:
    """Return the read of a few rows of a table: of some columns, or of all when none is named."""
    wanted = ", ".join(identifier(name).text for name in columns) or "*"
    return Piece(f"SELECT {wanted} FROM {table.text} LIMIT {limit:d}")


def explain(statement: str) -> Piece:
    """Return the EXPLAIN of a caller's own statement; what that is, is for the guard to find."""
    return Piece(f"EXPLAIN USING TABULAR {statement}")


def _where(conditions: tuple[Piece, ...]) -> str:
    return " WHERE " + " AND ".join(one.text for one in conditions) if conditions else ""
