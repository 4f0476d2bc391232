"""EXPLAIN: what a query would read, without running it; the privileges of the query are needed all the same.

Source: https://docs.snowflake.com/en/sql-reference/sql/explain.
"""

from __future__ import annotations

import json

from sqlglot import exp

from skipass.sandbox import failures, reads
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.results import Listing, Result, text_column
from skipass.sandbox.statements import Output
from skipass.sandbox.trees import parts_of

_NAMES = (
    "n:step", "n:id", "n:parent", "operation", "objects", "alias", "expressions", "n:partitionsTotal",
    "n:partitionsAssigned", "n:bytesAssigned",
)  # fmt: skip


def run(execution: Execution, text: str, reader: Reader) -> Output:
    """Answer EXPLAIN [USING TABULAR | TEXT | JSON] of a query."""
    reader.take("EXPLAIN")
    form = "TABULAR"
    if reader.accept("USING"):
        form = reader.choose("TABULAR", "TEXT", "JSON") or ""
    inner = reader.rest()
    query = _query(execution, execution.parse(inner))
    if not form or query is None:
        raise failures.unsupported("EXPLAIN of this statement")
    tables = reads.tables_of(execution, query, text)
    return execution.listed(_FORMS[form](tables))


def _query(execution: Execution, tree: exp.Expression) -> exp.Query | None:
    """Return what a statement reads: itself, or the rows that a plain UPDATE or DELETE would change."""
    if isinstance(tree, exp.Query):
        return tree
    if not isinstance(tree, exp.Update | exp.Delete) or tree.args.get("from_") or tree.args.get("using"):
        return None
    target, privilege = tree.this, "UPDATE" if isinstance(tree, exp.Update) else "DELETE"
    name = execution.session.table_name(parts_of(target), "DML")
    execution.resolver().rights.table(name, privilege)
    query = exp.select("*").from_(target.copy())
    query.set("where", tree.args.get("where"))
    for assigned in tree.expressions:
        query.append("expressions", assigned.expression)
    return query


def _tabular(tables: list[str]) -> Result:
    listing = Listing(_NAMES)
    listing.add((None, None, None, "GlobalStats", None, None, None, len(tables), len(tables), 0))
    listing.add((1, 0, None, "Result", None, None, None, None, None, None))
    for index, name in enumerate(tables, 1):
        listing.add((1, index, 0, "TableScan", name, None, None, 1, 1, 0))
    return listing.result()


def _text(tables: list[str]) -> Result:
    lines = ["GlobalStats:", f"    partitionsTotal={len(tables)}", f"    partitionsAssigned={len(tables)}"]
    lines += ["    bytesAssigned=0", "Operations:", "1:0     ->Result"]
    lines += [f"1:{index}          ->TableScan  {name}" for index, name in enumerate(tables, 1)]
    return Result([text_column("content")], [["\n".join(lines)]])


def _json(tables: list[str]) -> Result:
    operations = [{"id": 0, "operation": "Result", "parentOperators": []}]
    scans = [
        {"id": index, "operation": "TableScan", "objects": [name], "parentOperators": [0]}
        for index, name in enumerate(tables, 1)
    ]
    stats = {"partitionsTotal": len(tables), "partitionsAssigned": len(tables), "bytesAssigned": 0}
    plan = {"GlobalStats": stats, "Operations": [[*operations, *scans]]}
    return Result([text_column("content")], [[json.dumps(plan)]])


_FORMS = {"TABULAR": _tabular, "TEXT": _text, "JSON": _json}
