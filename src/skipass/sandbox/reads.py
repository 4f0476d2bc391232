"""SELECT: names its columns as the text does, finds where plain columns come from, and runs it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, lexer
from skipass.sandbox.catalog import Table
from skipass.sandbox.columns import Column
from skipass.sandbox.execution import Execution, described, exact_case
from skipass.sandbox.resolve import Reading
from skipass.sandbox.results import ResultColumn
from skipass.sandbox.sqltypes import result_column
from skipass.sandbox.statements import Output

Origin = tuple[Table, Column, bool]


def run(execution: Execution, text: str, source: Any) -> Output:
    """Run one query that was parsed into `source` and return its rows."""
    tree = execution.prepared(source)
    name_columns(tree, text)
    reading = _resolve(execution, tree)
    if reading.physical or reading.virtual:
        execution.need_warehouse()
    try:
        exact_case(tree, reading)
        sources = tree.copy()
        sql = execution.sql(tree, reading)
        columns = _structured(tree, described(execution, sql))
        known = origins(sources, reading, len(columns))
        columns = [_with_origin(column, origin) for column, origin in zip(columns, known, strict=True)]
        return execution.output(sql, columns)
    except failures.Failure as failure:
        raise located(failure, text) from None


def _structured(tree: Any, columns: list[ResultColumn]) -> list[ResultColumn]:
    """Tell OBJECT and ARRAY apart from VARIANT, which DuckDB does not."""
    projections = tree.expressions if isinstance(tree, exp.Select) else []
    if len(projections) != len(columns):
        return columns
    kinds = [projection.meta.get("sf_type", "") for projection in projections]
    return [
        replace(column, type=kind.lower()) if column.type == "variant" and kind in ("OBJECT", "ARRAY") else column
        for column, kind in zip(columns, kinds, strict=True)
    ]


def _resolve(execution: Execution, tree: Any) -> Reading:
    resolver = execution.resolver()
    with execution.account.lock:
        resolver.query(tree)
    return resolver.reading


def tables_of(execution: Execution, tree: Any, text: str) -> list[str]:
    """Return the stored tables that a prepared query reads, once its names and privileges are in order."""
    reading = _resolve(execution, tree)
    try:
        exact_case(tree, reading)
        execution.sql(tree, reading)
    except failures.Failure as failure:
        raise located(failure, text) from None
    return [str(table.name) for table in reading.physical.values()]


def name_columns(tree: Any, text: str) -> None:
    """Give every projection without a name the text of its expression, as the account shows it."""
    select = tree
    while isinstance(select, (exp.SetOperation, exp.Subquery)):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    shown = _projections(text) if select is tree else []
    named: list[Any] = []
    for index, projection in enumerate(select.expressions):
        if isinstance(projection, (exp.Alias, exp.Star, exp.Column)):
            named.append(projection)
        else:
            own = shown[index] if len(shown) == len(select.expressions) else projection.sql(dialect="snowflake")
            named.append(exp.alias_(projection, exp.to_identifier(own.upper(), quoted=True)))
    select.set("expressions", named)


def _projections(text: str) -> list[str]:
    """Return the texts between SELECT and FROM at its own level, or nothing if there is a WITH before it."""
    tokens = lexer.tokenize(text)
    if not tokens or tokens[0].upper != "SELECT":
        return []
    depth, start, found = 0, tokens[0].end, []
    for token in tokens[1:]:
        if token.kind == "punct" and token.text in "([{":
            depth += 1
        elif token.kind == "punct" and token.text in ")]}":
            depth -= 1
        elif depth == 0 and (token.text == "," or token.upper in ("FROM", ";", "WHERE", "LIMIT", "ORDER", "UNION")):
            found.append(text[start : token.start].strip())
            start = token.end
            if token.text != ",":
                return found
    return [*found, text[start:].strip()]


def origins(tree: Any, reading: Reading, count: int) -> list[Origin | None]:
    """Return, for each result column, the stored column it plainly is, or None."""
    unknown: list[Origin | None] = [None] * count
    if not isinstance(tree, exp.Select):
        return unknown
    sources = _sources(tree, reading)
    if sources is None:
        return unknown
    found: list[Origin | None] = []
    for projection in tree.expressions:
        found += _expanded(projection, sources)
    return found if len(found) == count else unknown


def _sources(select: Any, reading: Reading) -> dict[str, tuple[Table, bool]] | None:
    clause = select.args.get("from_")
    if clause is None:
        return {}
    joins = select.args.get("joins") or []
    outer = any(join.side for join in joins)
    sources: dict[str, tuple[Table, bool]] = {}
    for node in [clause.this, *(join.this for join in joins)]:
        table = reading.physical.get(node.name) if isinstance(node, exp.Table) else None
        if table is None:
            return None
        sources[node.alias_or_name] = (table, outer)
    return sources


def _expanded(projection: Any, sources: dict[str, tuple[Table, bool]]) -> list[Origin | None]:
    inner = projection.this if isinstance(projection, exp.Alias) else projection
    star = isinstance(inner, exp.Star) or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star))
    if star:
        wanted = inner.table if isinstance(inner, exp.Column) else ""
        chosen = [sources[wanted]] if wanted in sources else list(sources.values())
        return [(table, column, outer) for table, outer in chosen for column in table.columns]
    if not isinstance(inner, exp.Column):
        return [None]
    chosen = [sources[inner.table]] if inner.table in sources else list(sources.values())
    for table, outer in chosen:
        for column in table.columns:
            if column.name == inner.name:
                return [(table, column, outer)]
    return [None]


def _with_origin(column: ResultColumn, origin: Origin | None) -> ResultColumn:
    if origin is None:
        return column
    table, stored, outer = origin
    where = (table.name.database, table.name.schema, table.name.name)
    return replace(
        result_column(column.name, stored.type, nullable=stored.nullable or outer, origin=where), name=column.name
    )


_IDENTIFIER = re.compile(r"invalid identifier '(.*)'\Z", re.DOTALL)


def located(failure: failures.Failure, text: str) -> failures.Failure:
    """Return 000904 with the place of the identifier in the text; any other failure as it is."""
    match = _IDENTIFIER.search(failure.message)
    if failure.code != "000904" or match is None:
        return failure
    name = match.group(1)
    for token in lexer.tokenize(text):
        if token.kind in ("word", "quoted") and token.text.strip('"').upper() == name.upper():
            return failures.invalid_identifier(name, *lexer.place(text, token.start))
    return failure
