"""CREATE, ALTER and DROP of tables and views; their columns and keys are kept in the catalogue, their rows in DuckDB.

NOT NULL is the one constraint that is enforced, as in the account it stands for.
Source: https://docs.snowflake.com/en/sql-reference/constraints-overview.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, results
from skipass.sandbox.catalog import Column, Grant, Table, on_table
from skipass.sandbox.execution import Execution, described, to_duck
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.resolve import parts_of
from skipass.sandbox.results import Result
from skipass.sandbox.sqltypes import duck, from_duck, spelling


def run(execution: Execution, text: str, source: Any) -> Result:
    """Run one statement on tables or views that was parsed into `source`."""
    tree = execution.prepared(source)
    if execution.run.writing:
        execution.run.commit()  # DDL ends an open transaction, as it does there
    with execution.account.lock, execution.run.transaction():
        return _RUNNERS[type(tree)](execution, tree, text)


def _create(execution: Execution, tree: Any, text: str) -> Result:
    kind = str(tree.args.get("kind")).upper()
    if kind not in ("TABLE", "VIEW"):
        raise failures.unsupported(f"CREATE {kind}")
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    name = execution.session.table_name(parts_of(node), f"CREATE {kind}")
    rights = execution.rights()
    rights.may_create(name.parent, kind)
    old = execution.account.catalog.table(name)
    if old is not None:
        if tree.args.get("exists"):
            return results.status(f"{shown(name.name)} already exists, statement succeeded.")
        if not tree.args.get("replace"):
            raise failures.exists(str(name))
        rights.owned_table(name)
    maker = _create_view if kind == "VIEW" else _create_table
    table = maker(execution, tree, name, text)
    if old is not None:
        _remove(execution, old)
    _keep(execution, table)
    return results.status(f"{kind.capitalize()} {name.name} successfully created.")


def _keep(execution: Execution, table: Table) -> None:
    catalog = execution.account.catalog
    schema = catalog.schema(table.name.parent)
    if schema is None:
        raise failures.missing(str(table.name.parent), "Schema", table=False)
    schema.tables[table.name.name] = table
    containers = ((table.name.database,), (table.name.database, table.name.schema))
    for future in list(catalog.future):
        if future.kind == table.kind and future.container in containers:
            catalog.grants[Grant(future.privilege, on_table(table), future.role)] = execution.session.now


def _create_table(execution: Execution, tree: Any, name: TableName, _: str) -> Table:
    _refuse_properties(tree)
    physical = execution.account.catalog.next_physical()
    table = Table(name, execution.session.now, execution.session.role, [], physical)
    source = tree.expression
    model = _model(execution, tree)
    if isinstance(tree.this, exp.Schema):
        table.columns, table.primary_key = _columns(tree.this)
    elif model is not None:
        table.columns, table.primary_key = list(model.columns), model.primary_key
    if source is not None:
        _fill_from_query(execution, table, source)
    else:
        execution.run.execute(_create_sql(execution, table))
    if model is not None and tree.args.get("clone") is not None:
        execution.run.execute(f'INSERT INTO "{physical}" SELECT * FROM "{model.physical}"')
    return table


def _refuse_properties(tree: Any) -> None:
    properties = tree.args.get("properties")
    for one in properties.expressions if properties is not None else []:
        if isinstance(one, exp.TemporaryProperty):
            raise failures.unsupported("temporary table")
        if not isinstance(one, (exp.LikeProperty, exp.SchemaCommentProperty, exp.TransientProperty)):
            raise failures.unsupported(type(one).__name__.removesuffix("Property").upper())


def _model(execution: Execution, tree: Any) -> Table | None:
    properties = tree.args.get("properties")
    likes = list(properties.find_all(exp.LikeProperty)) if properties is not None else []
    clone = tree.args.get("clone")
    node = clone.this if clone is not None else (likes[0].this if likes else None)
    if node is None:
        return None
    return execution.rights().table(execution.session.table_name(parts_of(node), "CREATE TABLE"), "SELECT")


def _fill_from_query(execution: Execution, table: Table, source: Any) -> None:
    execution.need_warehouse()
    resolver = execution.resolver()
    resolver.query(source)
    sql = execution.sql(source, resolver.reading)
    if not table.columns:
        found = execution.run.described(sql)
        table.columns = [Column(name, from_duck(kind)) for name, kind in found]
    execution.run.execute(_create_sql(execution, table))
    execution.run.execute(f'INSERT INTO "{table.physical}" {sql}')


def _columns(schema: Any) -> tuple[list[Column], tuple[str, ...]]:
    columns: list[Column] = []
    key: list[str] = []
    for one in schema.expressions:
        if isinstance(one, exp.ColumnDef):
            column, primary = _column(one)
            columns.append(column)
            key += [column.name] if primary else []
        elif isinstance(one, exp.PrimaryKey):
            key += [part.name for part in one.expressions]
        elif not isinstance(one, (exp.Constraint, exp.ForeignKey, exp.UniqueColumnConstraint)):
            raise failures.unsupported(f"column definition {one.sql(dialect='snowflake')}")
        for inner in one.find_all(exp.PrimaryKey) if isinstance(one, exp.Constraint) else ():
            key += [part.name for part in inner.expressions]
    return [replace(column, nullable=column.nullable and column.name not in key) for column in columns], tuple(key)


def _column(node: Any) -> tuple[Column, bool]:
    if node.args.get("kind") is None:
        raise failures.syntax(1, 0, node.name)
    nullable, default, comment, primary = True, None, None, False
    for constraint in node.args.get("constraints") or []:
        kind = constraint.kind
        if isinstance(kind, exp.NotNullColumnConstraint):
            nullable = bool(kind.args.get("allow_null"))
        elif isinstance(kind, exp.DefaultColumnConstraint):
            default = kind.this.sql(dialect="snowflake")
        elif isinstance(kind, exp.CommentColumnConstraint):
            comment = kind.name
        elif isinstance(kind, exp.PrimaryKeyColumnConstraint):
            primary = True
        elif not isinstance(kind, (exp.UniqueColumnConstraint, exp.Reference)):
            raise failures.unsupported(f"constraint {kind.sql(dialect='snowflake')}")
    return Column(node.name, spelling(node.kind), nullable, default, comment), primary


def _create_sql(execution: Execution, table: Table) -> str:
    parts = ", ".join(_column_sql(execution, column) for column in table.columns)
    return f'CREATE TABLE "{table.physical}" ({parts})'


def _column_sql(execution: Execution, column: Column) -> str:
    quoted = '"' + column.name.replace('"', '""') + '"'
    null = "" if column.nullable else " NOT NULL"
    if column.default is None:
        return f"{quoted} {duck(column.type)}{null}"
    default = execution.parse(f"SELECT {column.default}").expressions[0]
    return f"{quoted} {duck(column.type)}{null} DEFAULT {to_duck(default)}"


def _create_view(execution: Execution, tree: Any, name: TableName, _: str) -> Table:
    source = tree.expression
    if source is None:
        raise failures.syntax(1, 0, "<EOF>")
    text = source.sql(dialect="snowflake")
    resolver = execution.resolver()
    resolver.query(source)
    sql = execution.sql(source, resolver.reading)
    given = [one.name for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    found = described(execution, sql)
    names = given or [column.name for column in found]
    kinds = [from_duck(kind) for _, kind in execution.run.described(sql)]
    columns = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    physical = execution.account.catalog.next_physical()
    return Table(name, execution.session.now, execution.session.role, columns, physical, view=text)


def _remove(execution: Execution, table: Table) -> None:
    catalog = execution.account.catalog
    schema = catalog.schema(table.name.parent)
    if schema is not None:
        schema.tables.pop(table.name.name, None)
    catalog.forget(on_table(table))
    if table.view is None:
        execution.run.execute(f'DROP TABLE "{table.physical}"')


def _drop(execution: Execution, tree: Any, _: str) -> Result:
    kind = str(tree.args.get("kind")).upper()
    if kind not in ("TABLE", "VIEW"):
        raise failures.unsupported(f"DROP {kind}")
    node = (tree.args.get("tables") or [tree.this])[0]
    name = execution.session.table_name(parts_of(node), f"DROP {kind}")
    rights = execution.rights()
    table = execution.account.catalog.table(name)
    if table is None or not rights.sees_table(table):
        if tree.args.get("exists"):
            return results.status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise failures.missing(str(name), kind.capitalize())
    if table.kind != kind:
        raise failures.compilation("002203", "42601", f"Object found is of type '{table.kind}', not '{kind}'.")
    rights.owned_table(name)
    _remove(execution, table)
    return results.status(f"{name.name} successfully dropped.")


def _alter(execution: Execution, tree: Any, _: str) -> Result:
    if str(tree.args.get("kind")).upper() != "TABLE":
        raise failures.unsupported(f"ALTER {tree.args.get('kind')}")
    name = execution.session.table_name(parts_of(tree.this), "ALTER TABLE")
    table = execution.rights().owned_table(name)
    for action in tree.args["actions"]:
        _action(execution, table, action)
    return results.status("Statement executed successfully.")


def _action(execution: Execution, table: Table, action: Any) -> None:
    if isinstance(action, exp.ColumnDef):
        column, _ = _column(action)
        execution.run.execute(f'ALTER TABLE "{table.physical}" ADD COLUMN {_column_sql(execution, column)}')
        table.columns.append(column)
    elif isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
        for node in action.args.get("tables") or [action.this]:
            column = _stored(table, node.name)
            execution.run.execute(f'ALTER TABLE "{table.physical}" DROP COLUMN "{column.name}"')
            table.columns.remove(column)
    elif isinstance(action, exp.RenameColumn):
        column, new = _stored(table, action.this.name), action.args["to"].name
        execution.run.execute(f'ALTER TABLE "{table.physical}" RENAME COLUMN "{column.name}" TO "{new}"')
        table.columns[table.columns.index(column)] = replace(column, name=new)
    elif isinstance(action, exp.AlterRename):
        _rename(execution, table, action)
    else:
        raise failures.unsupported(f"ALTER TABLE {action.sql(dialect='snowflake')[:40]}")


def _stored(table: Table, name: str) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    raise failures.invalid_identifier(name)


def _rename(execution: Execution, table: Table, action: Any) -> None:
    catalog = execution.account.catalog
    new = execution.session.table_name(parts_of(action.this), "ALTER TABLE")
    execution.rights().may_create(new.parent, "TABLE")
    target = catalog.schema(new.parent)
    source = catalog.schema(table.name.parent)
    if target is None or source is None or new.name in target.tables:
        raise failures.exists(str(new))
    old_on = on_table(table)
    del source.tables[table.name.name]
    table.name = new
    target.tables[new.name] = table
    catalog.move(old_on, on_table(table))


def _comment(execution: Execution, tree: Any, _: str) -> Result:
    if str(tree.args.get("kind")).upper() not in ("TABLE", "VIEW"):
        raise failures.unsupported(f"COMMENT ON {tree.args.get('kind')}")
    name = execution.session.table_name(parts_of(tree.this), "COMMENT")
    execution.rights().owned_table(name).comment = tree.expression.name
    return results.status("Statement executed successfully.")


_RUNNERS: dict[type, Callable[[Execution, Any, str], Result]] = {
    exp.Create: _create,
    exp.Drop: _drop,
    exp.Alter: _alter,
    exp.Comment: _comment,
}
KINDS = tuple(_RUNNERS)
