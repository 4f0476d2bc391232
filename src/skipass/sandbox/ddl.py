"""CREATE, ALTER and DROP of tables and views; their columns and keys are kept in the catalogue, their rows in DuckDB.

NOT NULL is the one constraint that is enforced, as in the account it stands for.
Source: https://docs.snowflake.com/en/sql-reference/constraints-overview.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlglot import exp

from skipass.sandbox import alter, dropped, failures, lexer, results, tabledefs, undrop
from skipass.sandbox.catalog import Grant, Table, on_table
from skipass.sandbox.columns import Column
from skipass.sandbox.execution import Execution, described
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.results import Result
from skipass.sandbox.sqltypes import from_duck
from skipass.sandbox.trees import parts_of


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
    grants = {} if old is None else _remove(execution, old)
    _keep(execution, table)
    if "COPY GRANTS" in _properties(tree):
        kept = {grant: at for grant, at in grants.items() if grant.privilege != "OWNERSHIP"}
        execution.account.catalog.grants |= kept
    return results.status(f"{kind.capitalize()} {name.name} successfully created.")


def _keep(execution: Execution, table: Table) -> None:
    catalog = execution.account.catalog
    schema = catalog.schema(table.name.parent)
    if schema is None:
        raise failures.missing(str(table.name.parent), "Schema", table=False)
    schema.tables[table.name.name] = table
    if table.temporary:
        execution.temporary.append(table)
    containers = ((table.name.database,), (table.name.database, table.name.schema))
    for future in list(catalog.future):
        if future.kind == table.kind and future.container in containers:
            catalog.grants[Grant(future.privilege, on_table(table), future.role)] = execution.session.now


def _create_table(execution: Execution, tree: Any, name: TableName, _: str) -> Table:
    words = _properties(tree)
    physical = execution.account.catalog.next_physical()
    table = Table(name, execution.session.now, execution.session.role, [], physical)
    table.transient, table.temporary = "TRANSIENT" in words, "TEMPORARY" in words
    table.comment, table.cluster_by = words.get("COMMENT", ""), words.get("CLUSTER", "")
    table.retention_days = int(words.get("RETENTION", 1))
    source = tree.expression
    model = _model(execution, tree)
    if isinstance(tree.this, exp.Schema):
        table.columns, table.constraints = tabledefs.columns(execution, tree.this)
    elif model is not None:
        table.columns, table.constraints = list(model.columns), list(model.constraints)
        table.masks, table.row_policy = dict(model.masks), model.row_policy
    if source is not None:
        _fill_from_query(execution, table, source)
    else:
        execution.run.execute(tabledefs.create_sql(execution, table))
    if model is not None and tree.args.get("clone") is not None:
        execution.run.execute(f'INSERT INTO "{physical}" SELECT * FROM "{model.physical}"')
    return table


def _properties(tree: Any) -> dict[str, str]:
    properties = tree.args.get("properties")
    found: dict[str, str] = {}
    for one in properties.expressions if properties is not None else []:
        if isinstance(one, exp.TransientProperty):
            found["TRANSIENT"] = ""
        elif isinstance(one, exp.TemporaryProperty):
            found["TEMPORARY"] = ""
        elif isinstance(one, exp.SecureProperty):
            found["SECURE"] = ""
        elif isinstance(one, exp.SchemaCommentProperty):
            found["COMMENT"] = one.this.name
        elif isinstance(one, exp.Property) and one.name.upper() == "DATA_RETENTION_TIME_IN_DAYS":
            found["RETENTION"] = str(tabledefs.retention_days(one.args["value"]))
        elif isinstance(one, exp.ClusterProperty):
            found["CLUSTER"] = ", ".join(part.sql(dialect="snowflake") for part in one.expressions)
        elif isinstance(one, exp.CopyGrantsProperty):
            found["COPY GRANTS"] = ""
        elif not isinstance(one, exp.LikeProperty):
            raise failures.unsupported(type(one).__name__.removesuffix("Property").upper())
    return found


def _model(execution: Execution, tree: Any) -> Table | None:
    properties = tree.args.get("properties")
    likes = list(properties.find_all(exp.LikeProperty)) if properties is not None else []
    clone = tree.args.get("clone")
    node = clone.this if clone is not None else (likes[0].this if likes else None)
    if node is None:
        return None
    resolver = execution.resolver()
    table = resolver.rights.table(execution.session.table_name(parts_of(node), "CREATE TABLE"), "SELECT")
    moment = resolver.moment_of(node)
    return table if moment is None or table.view is not None else resolver.past.state(table, moment)


def _fill_from_query(execution: Execution, table: Table, source: Any) -> None:
    execution.need_warehouse()
    resolver = execution.resolver()
    resolver.query(source)
    sql = execution.sql(source, resolver.reading)
    if not table.columns:
        found = execution.run.described(sql)
        table.columns = [Column(name, from_duck(kind)) for name, kind in found]
    execution.run.execute(tabledefs.create_sql(execution, table))
    execution.run.execute(f'INSERT INTO "{table.physical}" {sql}')


def _create_view(execution: Execution, tree: Any, name: TableName, text: str) -> Table:
    source = tree.expression
    if source is None:
        raise failures.syntax(1, 0, "<EOF>")
    if execution.bindings:
        raise failures.unsupported("bindings in a view")
    resolver = execution.resolver()
    # A view finds its tables from its own schema, now as later.
    own = replace(execution.session, database=name.database, schema=name.schema)
    replace(resolver, session=own).query(source)
    sql = execution.sql(source, resolver.reading)
    given = [one.name for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    found = described(execution, sql)
    names = given or [column.name for column in found]
    kinds = [from_duck(kind) for _, kind in execution.run.described(sql)]
    columns = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    physical = execution.account.catalog.next_physical()
    words = _properties(tree)
    table = Table(name, execution.session.now, execution.session.role, columns, physical, view=_query_text(text))
    table.comment, table.secure = words.get("COMMENT", ""), "SECURE" in words
    return table


def _query_text(text: str) -> str:
    """Return a view's query as it was written: what it asks of its reader's session is answered when it is read."""
    depth = 0
    for token in lexer.tokenize(text):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.upper == "AS":
            return text[token.end :].strip().rstrip(";").rstrip()
    raise failures.syntax(1, 0, "<EOF>")


def _remove(execution: Execution, table: Table) -> dict[Grant, datetime]:
    """Drop a table or view and return the privileges that went with it."""
    grants = dropped.drop_table(execution.account.catalog, table, execution.session.now)
    undrop.purge(execution)
    return grants


def drop_temporary(execution: Execution) -> None:
    """Drop the temporary tables of a request for good; its session ends with it."""
    catalog = execution.account.catalog
    for table in execution.temporary:
        schema = catalog.schema(table.name.parent)
        with execution.account.lock, execution.run.transaction():
            if schema is not None and schema.tables.get(table.name.name) is table:
                del schema.tables[table.name.name]
                catalog.forget(on_table(table))
            catalog.gone = [one for one in catalog.gone if one.table is not table]
            undrop.discard(execution, [table])


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


def _comment(execution: Execution, tree: Any, _: str) -> Result:
    kind = str(tree.args.get("kind")).upper()
    if kind == "COLUMN":
        return _comment_column(execution, tree)
    if kind not in ("TABLE", "VIEW"):
        raise failures.unsupported(f"COMMENT ON {kind}")
    name = execution.session.table_name(parts_of(tree.this), "COMMENT")
    execution.rights().owned_table(name).comment = tree.expression.name
    return results.status("Statement executed successfully.")


def _comment_column(execution: Execution, tree: Any) -> Result:
    path = (tree.this.args.get(key) for key in ("catalog", "db", "table", "this"))
    parts = [one.name for one in path if one is not None]
    table = execution.rights().owned_table(execution.session.table_name(parts[:-1], "COMMENT"))
    column = tabledefs.stored(table, parts[-1])
    table.columns[table.columns.index(column)] = replace(column, comment=tree.expression.name)
    return results.status("Statement executed successfully.")


_RUNNERS: dict[type, Callable[[Execution, Any, str], Result]] = {
    exp.Create: _create,
    exp.Drop: _drop,
    exp.Alter: alter.run,
    exp.Comment: _comment,
}
KINDS = tuple(_RUNNERS)
