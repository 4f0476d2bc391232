"""SQL text from SQLAlchemy Core, compiled once for each shape of statement."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import sqlite

from skipass.storage.tables import TABLES

_OPERATORS = {"lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__", "ne": "__ne__"}


def compiled(statement: ClauseElement) -> str:
    """Return the SQLite text of a Core statement, with named parameters."""
    dialect = sqlite.dialect(paramstyle="named")
    return str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))


@cache
def insert_sql(table: Table) -> str:
    """Return the text that inserts one full row."""
    return compiled(insert(table).values({c.name: bindparam(c.name) for c in table.columns}))


@cache
def update_sql(kind: Any, changes: tuple[str, ...], guards: tuple[str, ...]) -> str:
    """Return the text that changes one row if its id and each guarded field are as given (`was_<field>`)."""
    table = TABLES[kind]
    where = [table.c[name] == bindparam(f"was_{name}") for name in ("id", *guards)]
    return compiled(update(table).where(*where).values({name: bindparam(f"to_{name}") for name in changes}))


@cache
def delete_sql(kind: Any, guards: tuple[str, ...]) -> str:
    """Return the text that deletes one row if its id and each guarded field are as given (`was_<field>`)."""
    table = TABLES[kind]
    return compiled(delete(table).where(*(table.c[name] == bindparam(f"was_{name}") for name in ("id", *guards))))


@cache
def find_sql(kind: Any, shape: tuple[tuple[str, int], ...], order: str, descending: bool) -> str:
    """Return the text that finds rows; `shape` holds each condition and how many values it takes (−1: IS NULL)."""
    table = TABLES[kind]
    where = [_condition(table, name, count) for name, count in shape]
    by = table.c[order]
    query = select(table).where(and_(True, *where)).order_by(by.desc() if descending else by)
    return f"{compiled(query)} LIMIT :row_limit"


@cache
def count_sql(kind: Any, shape: tuple[tuple[str, int], ...]) -> str:
    """Return the text that counts rows, with the conditions of `find_sql`."""
    table = TABLES[kind]
    where = [_condition(table, name, count) for name, count in shape]
    return compiled(select(func.count().label("found")).select_from(table).where(and_(True, *where)))


@cache
def counts_sql(kind: Any, by: tuple[str, ...], shape: tuple[tuple[str, int], ...]) -> str:
    """Return the text that counts rows for each value of the columns `by`, with the conditions of `find_sql`."""
    table = TABLES[kind]
    where = [_condition(table, name, count) for name, count in shape]
    columns = [table.c[name] for name in by]
    return compiled(select(*columns, func.count().label("found")).where(and_(True, *where)).group_by(*columns))


def _condition(table: Table, name: str, count: int) -> Any:
    field, _, operator = name.partition("__")
    column = table.c[field]
    if operator:
        return getattr(column, _OPERATORS[operator])(bindparam(f"{name}_0"))
    if count < 0:
        return column.is_(None)
    if count == 1:
        return column == bindparam(f"{name}_0")
    return column.in_([bindparam(f"{name}_{i}") for i in range(count)])
