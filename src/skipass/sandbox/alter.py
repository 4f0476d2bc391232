"""ALTER TABLE and ALTER VIEW: columns, keys, names, comments.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, results, tabledefs, versions
from skipass.sandbox.catalog import Table, on_table
from skipass.sandbox.execution import Execution
from skipass.sandbox.names import quoted
from skipass.sandbox.results import Result
from skipass.sandbox.sqltypes import duck, spelling
from skipass.sandbox.tabledefs import stored
from skipass.sandbox.trees import parts_of


def run(execution: Execution, tree: Any, _: str) -> Result:
    """Carry out one ALTER on a table or view that the role owns."""
    kind = str(tree.args.get("kind")).upper()
    if kind not in ("TABLE", "VIEW"):
        raise failures.unsupported(f"ALTER {kind}")
    name = execution.session.table_name(parts_of(tree.this), f"ALTER {kind}")
    rights = execution.rights()
    found = execution.account.catalog.table(name)
    if tree.args.get("exists") and (found is None or not rights.sees_table(found)):
        return results.status("Statement executed successfully.")
    table = rights.owned_table(name)
    for action in tree.args["actions"]:
        change = _ACTIONS.get(type(action))
        if change is None or (table.view is not None and not isinstance(action, (exp.AlterRename, exp.AlterSet))):
            raise failures.unsupported(f"ALTER {kind} {action.sql(dialect='snowflake')[:40]}")
        change(execution, table, action)
    return results.status("Statement executed successfully.")


def _add(execution: Execution, table: Table, action: Any) -> None:
    column, keys = tabledefs.column(execution, action)
    if any(column.name == one.name for one in table.columns):
        raise failures.compilation("001430", "42601", f"column '{column.name}' already exists")
    bare = tabledefs.column_sql(execution, replace(column, nullable=True)).partition(" CHECK (")[0]
    text = f'ALTER TABLE "{table.physical}" ADD COLUMN {bare}'
    _reshaped(execution, table, lambda: execution.run.execute(text))
    table.columns.append(column)
    table.constraints += keys


def _drop(execution: Execution, table: Table, action: Any) -> None:
    kind = str(action.args.get("kind")).upper()
    if kind == "CONSTRAINT":
        names = [node.name for node in action.args.get("tables") or [action.this]]
        table.constraints = [one for one in table.constraints if one.name not in names]
        return
    if kind != "COLUMN":
        raise failures.unsupported(f"ALTER TABLE DROP {kind}")
    for node in action.args.get("tables") or [action.this]:
        if action.args.get("exists") and all(one.name != node.name for one in table.columns):
            continue
        column = stored(table, node.name)
        if column.name in table.masks or (table.row_policy is not None and column.name in table.row_policy[1]):
            raise failures.unsupported("DROP of a column under a policy")
        _rebuild(execution, table, [one for one in table.columns if one is not column])
        table.constraints = [one for one in table.constraints if column.name not in one.columns]


def _rename_column(execution: Execution, table: Table, action: Any) -> None:
    column, new = stored(table, action.this.name), action.args["to"].name
    if column.name in table.masks:
        table.masks[new] = table.masks.pop(column.name)
    if table.row_policy is not None:
        policy, names = table.row_policy
        table.row_policy = (policy, tuple(new if name == column.name else name for name in names))
    renamed = [replace(one, name=new) if one is column else one for one in table.columns]
    _rebuild(execution, table, renamed, {new: column.name})
    table.constraints = [
        replace(one, columns=tuple(new if name == column.name else name for name in one.columns))
        for one in table.constraints
    ]


def _reshaped(execution: Execution, table: Table, work: Callable[[], object]) -> None:
    """Change the columns; the table as it was stays within reach of Time Travel."""

    def counted() -> int:
        work()
        return 1

    versions.changed(execution, table, counted)


def _rebuild(execution: Execution, table: Table, columns: list[Any], old: dict[str, str] | None = None) -> None:
    """DuckDB changes no column that a length check names, so the rows move to a table of the new shape."""
    _reshaped(execution, table, lambda: _moved(execution, table, columns, old or {}))


def _moved(execution: Execution, table: Table, columns: list[Any], old: dict[str, str]) -> None:
    fresh = replace(table, columns=columns, physical=execution.account.catalog.next_physical())
    execution.run.execute(tabledefs.create_sql(execution, fresh))
    source = ", ".join(quoted(old.get(one.name, one.name)) for one in columns)
    execution.run.execute(f'INSERT INTO "{fresh.physical}" SELECT {source} FROM "{table.physical}"')
    execution.run.execute(f'DROP TABLE "{table.physical}"')
    table.columns, table.physical = columns, fresh.physical


def _alter_column(execution: Execution, table: Table, action: Any) -> None:
    column = stored(table, action.this.name)
    changed = column
    if action.args.get("allow_null") is not None:
        changed = replace(changed, nullable=bool(action.args["allow_null"]))
    if action.args.get("dtype") is not None:
        changed = replace(changed, type=spelling(action.args["dtype"]))
        if duck(changed.type).partition("(")[0] != duck(column.type).partition("(")[0]:
            text = f"cannot change column {column.name} from type {column.type} to {changed.type}"
            raise failures.compilation("002108", "22000", text)
    if action.args.get("comment") is not None:
        changed = replace(changed, comment=action.args["comment"].name)
    if action.args.get("default") is not None or action.args.get("drop"):
        default = action.args.get("default")
        changed = replace(changed, default=default.sql(dialect="snowflake") if default is not None else None)
    _rebuild(execution, table, [changed if one is column else one for one in table.columns])


def _add_constraint(execution: Execution, table: Table, action: Any) -> None:
    for node in action.expressions:
        made = tabledefs.constraint(execution, node)
        for name in made.columns:
            stored(table, name)
        if made.kind == "PRIMARY KEY" and table.primary_key:
            raise failures.compilation("002200", "42601", "primary key already exists")
        table.constraints.append(made)


def _command(_: Execution, table: Table, action: Any) -> None:
    """What the parser leaves as text: the one form of it that is understood."""
    text = f"{action.this} {action.expression}".upper().split()
    if text != ["DROP", "PRIMARY", "KEY"]:
        raise failures.unsupported("ALTER TABLE " + " ".join(text)[:40])
    table.constraints = [one for one in table.constraints if one.kind != "PRIMARY KEY"]


def _rename(execution: Execution, table: Table, action: Any) -> None:
    catalog = execution.account.catalog
    new = execution.session.table_name(parts_of(action.this), "ALTER TABLE")
    execution.rights().may_create(new.parent, table.kind)
    target, source = catalog.schema(new.parent), catalog.schema(table.name.parent)
    if target is None or source is None or new.name in target.tables:
        raise failures.exists(str(new))
    old = on_table(table)
    del source.tables[table.name.name]
    table.name = new
    target.tables[new.name] = table
    catalog.move(old, on_table(table))


def _swap(execution: Execution, table: Table, action: Any) -> None:
    name = execution.session.table_name(parts_of(action.this), "ALTER TABLE")
    other = execution.rights().owned_table(name)
    keys = ("columns", "physical", "constraints", "comment", "owner", "created")
    for key in (*keys, "retention_days", "versions", "kept_from", "masks", "row_policy"):
        mine, theirs = getattr(table, key), getattr(other, key)
        setattr(table, key, theirs)
        setattr(other, key, mine)


def _set(_: Execution, table: Table, action: Any) -> None:
    listed = [
        part for one in action.expressions for part in (one.expressions if isinstance(one, exp.Properties) else [one])
    ]
    for one in listed:
        name = one.this.name.upper() if isinstance(one, (exp.EQ, exp.Property)) else ""
        if isinstance(one, exp.SchemaCommentProperty):
            table.comment = one.this.name
        elif name == "COMMENT":
            table.comment = (one.expression if isinstance(one, exp.EQ) else one.args["value"]).name
        elif name == "DATA_RETENTION_TIME_IN_DAYS":
            table.retention_days = tabledefs.retention_days(
                one.expression if isinstance(one, exp.EQ) else one.args["value"]
            )
        elif name != "CHANGE_TRACKING":
            raise failures.unsupported(f"ALTER TABLE SET {one.sql(dialect='snowflake')[:40]}")


def _cluster(_: Execution, table: Table, action: Any) -> None:
    table.cluster_by = ", ".join(one.sql(dialect="snowflake") for one in action.expressions)


_ACTIONS: dict[type, Callable[[Execution, Table, Any], None]] = {
    exp.ColumnDef: _add,
    exp.Drop: _drop,
    exp.RenameColumn: _rename_column,
    exp.AlterColumn: _alter_column,
    exp.AddConstraint: _add_constraint,
    exp.AlterRename: _rename,
    exp.SwapTable: _swap,
    exp.AlterSet: _set,
    exp.ClusterProperty: _cluster,
    exp.Command: _command,
}
