"""Which schemas a read of INFORMATION_SCHEMA is filtered to. Reads the tree of one SELECT, decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

# The column of each catalogue view that names the schema a row is about.
_SCHEMA_COLUMNS = frozenset(("TABLE_SCHEMA", "SCHEMA_NAME", "CONSTRAINT_SCHEMA"))
VIEWS = frozenset(("TABLES", "COLUMNS", "VIEWS", "SCHEMATA", "TABLE_CONSTRAINTS", "REFERENTIAL_CONSTRAINTS"))


def filtered_schemas(table: exp.Table) -> tuple[str, ...]:
    """Return the schema names that the WHERE around this table restricts it to, or nothing when it does not."""
    select = table.find_ancestor(exp.Select)
    if select is None or not isinstance(table.parent, exp.From) or select.args.get("joins"):
        return ()
    where = select.args.get("where")
    conditions = _conjuncts(where.this) if isinstance(where, exp.Where) else iter(())
    return next((names for c in conditions if (names := _names(c))), ())


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.And):
            pending += [node.left, node.right]
        elif isinstance(node, exp.Paren):
            pending.append(node.this)
        else:
            yield node


def _names(condition: exp.Expr) -> tuple[str, ...]:
    if isinstance(condition, exp.EQ):
        pair = (condition.this, condition.expression)
        column, values = (pair[0], [pair[1]]) if isinstance(pair[0], exp.Column) else (pair[1], [pair[0]])
    elif isinstance(condition, exp.In) and not condition.args.get("query"):
        column, values = condition.this, condition.expressions
    else:
        return ()
    if not isinstance(column, exp.Column) or column.name.upper() not in _SCHEMA_COLUMNS:
        return ()
    literals = [str(v.this) for v in values if isinstance(v, exp.Literal) and v.is_string]
    return tuple(literals) if literals and len(literals) == len(values) else ()
