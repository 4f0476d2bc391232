"""Casts values to the type of the column they are written to, where DuckDB would not do it by itself."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox.catalog import Table
from skipass.sandbox.zoned import is_zoned


def insert(tree: Any, table: Table) -> None:
    """Cast what an INSERT writes to zoned columns; its source must have been resolved."""
    names = [one.name for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else None
    targets = [one.name for one in table.columns] if names is None else names
    zoned = _zoned(table)
    if zoned.isdisjoint(targets) or tree.expression is None:
        return
    columns = [exp.to_identifier(f"c{index}", quoted=True) for index in range(len(targets))]
    alias = exp.TableAlias(this=exp.to_identifier("written", quoted=True), columns=columns)
    source = tree.expression
    if isinstance(source, exp.Values):
        source.set("alias", alias)
    else:
        source = exp.Subquery(this=source, alias=alias)
    shown = [
        _cast(exp.column(column.copy())) if name in zoned else exp.column(column.copy())
        for name, column in zip(targets, columns, strict=True)
    ]
    tree.set("expression", exp.select(*shown).from_(source))


def assign(assignments: list[Any], table: Table) -> None:
    """Cast what SET writes to zoned columns."""
    zoned = _zoned(table)
    for one in assignments:
        if one.this.name in zoned:
            one.set("expression", _cast(one.expression.copy()))


def insert_row(then: Any, table: Table) -> None:
    """Cast what the INSERT of a MERGE writes to zoned columns."""
    zoned = _zoned(table)
    names = then.this.expressions if isinstance(then.this, exp.Tuple) else table.columns
    if isinstance(then.expression, exp.Tuple) and len(names) == len(then.expression.expressions):
        values = [
            _cast(value.copy()) if one.name in zoned else value.copy()
            for one, value in zip(names, then.expression.expressions, strict=True)
        ]
        then.set("expression", exp.Tuple(expressions=values))


def _zoned(table: Table) -> set[str]:
    return {one.name for one in table.columns if is_zoned(one.type)}


def _cast(value: Any) -> Any:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType.TIMESTAMPTZ))
