"""INSERT, UPDATE, DELETE, MERGE and TRUNCATE, with the counts that the account answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from skipass.sandbox import coercion, failures, policyreads, results, versions
from skipass.sandbox.catalog import Table
from skipass.sandbox.execution import Execution, exact_case, to_duck
from skipass.sandbox.reads import located
from skipass.sandbox.resolve import Resolver
from skipass.sandbox.results import Counts, Result
from skipass.sandbox.translate import translate
from skipass.sandbox.trees import parts_of


def run(execution: Execution, text: str, source: Any) -> Result:
    """Run one DML statement that was parsed into `source`."""
    tree = execution.prepared(source)
    execution.need_warehouse()
    try:
        return _RUNNERS[type(tree)](execution, tree)
    except failures.Failure as failure:
        raise located(failure, text) from None


def _target(execution: Execution, resolver: Resolver, node: Any, privilege: str) -> Table:
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise failures.unsupported("target of the statement")
    table = resolver.rights.table(execution.session.table_name(parts_of(node), "DML"), privilege)
    if table.view is not None:
        raise failures.compilation("002003", "42601", "Object found is not of type TABLE.")
    if node.args.get("when") is not None:
        raise failures.unsupported("change of the past")
    if privilege != "INSERT" and policyreads.guards(table):
        raise failures.unsupported(f"{privilege} of a table under a policy")
    resolver.point(node, table)
    return table


def _count(execution: Execution, tree: Any, resolver: Resolver, table: Table) -> int:
    exact_case(tree, resolver.reading)
    checked = execution.sql(tree, resolver.reading)
    return versions.changed(execution, table, lambda: int(execution.run.execute(checked)[0][0]))


def _insert(execution: Execution, tree: Any) -> Result:
    resolver = execution.resolver()
    with execution.account.lock:
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        table = _target(execution, resolver, target, "INSERT")
        target.set("alias", None)
        _within(resolver, tree.expression)
    coercion.insert(tree, table)
    overwrite = bool(tree.args.get("overwrite"))
    tree.set("overwrite", False)
    write = _overwritten if overwrite else _count
    inserted = write(execution, tree, resolver, table)
    return results.dml(Counts(inserted=inserted), ("inserted",))


def _overwritten(execution: Execution, tree: Any, resolver: Resolver, table: Table) -> int:
    resolver.rights.table(table.name, "DELETE")
    exact_case(tree, resolver.reading)
    checked = execution.sql(tree, resolver.reading)
    inserted = 0

    def work() -> int:
        nonlocal inserted
        deleted = int(execution.run.execute(f'DELETE FROM "{table.physical}"')[0][0])
        inserted = int(execution.run.execute(checked)[0][0])
        return deleted + inserted

    versions.changed(execution, table, work)
    return inserted


def _update(execution: Execution, tree: Any) -> Result:
    resolver = execution.resolver()
    with execution.account.lock:
        table = _target(execution, resolver, tree.this, "UPDATE")
        clause = tree.args.get("from_")
        parts = [*tree.expressions, tree.args.get("where"), clause]
        for part in parts:
            _within(resolver, part)
    coercion.assign(tree.expressions, table)
    _bare_columns(tree.expressions)
    multi = _multi_joined(execution, tree, resolver) if clause is not None else 0
    updated = _count(execution, tree, resolver, table)
    return results.dml(Counts(updated=updated, multi_joined=multi), ("updated", "multi_joined"))


def _within(resolver: Resolver, part: Any) -> None:
    if isinstance(part, exp.Expression):
        resolver.query(part)


def _bare_columns(assignments: list[Any]) -> None:
    for assignment in assignments:
        column = assignment.this
        if isinstance(column, exp.Column):
            column.set("table", None)


def _multi_joined(execution: Execution, tree: Any, resolver: Resolver) -> int:
    target = tree.this.copy()
    alias = target.alias_or_name
    rows = exp.select(exp.column("rowid", table=exp.to_identifier(alias, quoted=True))).from_(target)
    source = tree.args["from_"].this.copy()
    rows = rows.join(source, join_type="cross")
    if tree.args.get("where") is not None:
        rows = rows.where(tree.args["where"].this.copy())
    inner = to_duck(translate(rows, resolver.reading))
    sql = f"SELECT count(*) FROM (SELECT r FROM ({inner}) AS j(r) GROUP BY r HAVING count(*) > 1)"
    return int(execution.run.execute(execution.checked(sql, resolver.reading))[0][0])


def _delete(execution: Execution, tree: Any) -> Result:
    resolver = execution.resolver()
    with execution.account.lock:
        table = _target(execution, resolver, tree.this, "DELETE")
        holder = exp.Tuple(expressions=tree.args.get("using") or [])
        resolver.query(holder)
        if tree.args.get("using"):
            tree.set("using", holder.expressions)
        _within(resolver, tree.args.get("where"))
    deleted = _count(execution, tree, resolver, table)
    return results.dml(Counts(deleted=deleted), ("deleted",))


def _merge(execution: Execution, tree: Any) -> Result:
    resolver = execution.resolver()
    kinds = [_action(when) for when in tree.args["whens"].expressions]
    with execution.account.lock:
        target = tree.this
        for privilege in dict.fromkeys(kinds):
            table = _target(execution, resolver, target.copy(), privilege)
        if policyreads.guards(table):
            raise failures.unsupported("MERGE into a table under a policy")
        resolver.point(target, table)
        using = exp.Tuple(expressions=[tree.args["using"]])
        resolver.query(using)
        tree.set("using", using.expressions[0])
        _within(resolver, tree.args["on"])
        _within(resolver, tree.args["whens"])
    for when in tree.args["whens"].expressions:
        _bare_when(when, table)
    checked = execution.sql(tree, resolver.reading)
    actions: list[str] = []

    def work() -> int:
        actions.extend(str(row[0]) for row in execution.run.execute(checked + " RETURNING merge_action"))
        return len(actions)

    versions.changed(execution, table, work)
    counts = Counts(actions.count("INSERT"), actions.count("UPDATE"), actions.count("DELETE"))
    names = {"INSERT": "inserted", "UPDATE": "updated", "DELETE": "deleted"}
    shown = [names[kind] for kind in names if kind in kinds]
    return results.dml(counts, shown)


def _action(when: Any) -> str:
    then = when.args["then"]
    if isinstance(then, exp.Insert):
        return "INSERT"
    if isinstance(then, exp.Update):
        return "UPDATE"
    return "DELETE"


def _bare_when(when: Any, table: Table) -> None:
    then = when.args["then"]
    if isinstance(then, exp.Insert):
        coercion.insert_row(then, table)
    if isinstance(then, exp.Update):
        coercion.assign(then.expressions, table)
        _bare_columns(then.expressions)


def _truncate(execution: Execution, tree: Any) -> Result:
    for node in tree.expressions:
        name = execution.session.table_name(parts_of(node), "TRUNCATE")
        rights = execution.rights()
        table = execution.account.catalog.table(name)
        if table is None or not rights.sees_table(table):
            if tree.args.get("exists"):
                continue
            raise failures.missing(str(name), "Table")
        if not (rights.may(table, "TRUNCATE") or rights.may(table, "DELETE")):
            raise failures.insufficient("table", table.name.name)
        _empty(execution, table)
    return results.status("Statement executed successfully.")


def _empty(execution: Execution, table: Table) -> None:
    text = f'DELETE FROM "{table.physical}"'
    versions.changed(execution, table, lambda: int(execution.run.execute(text)[0][0]))


_RUNNERS: dict[type, Callable[[Execution, Any], Result]] = {
    exp.Insert: _insert,
    exp.Update: _update,
    exp.Delete: _delete,
    exp.Merge: _merge,
    exp.TruncateTable: _truncate,
}
KINDS = tuple(_RUNNERS)
