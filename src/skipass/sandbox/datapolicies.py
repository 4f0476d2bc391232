"""Masking and row access policies: CREATE, DROP, and setting them on tables. What they do to a read is elsewhere.

A role needs to own a policy, or to hold APPLY on it, to set it on a table that it owns.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-masking-policy, .../create-row-access-policy.
"""

from __future__ import annotations

import json
from itertools import pairwise

from skipass.sandbox import failures, results, signatures, tabledefs
from skipass.sandbox.catalog import Catalog, SchemaObject, Table, on_object
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import TableName
from skipass.sandbox.policyreads import MASKING, ROWS
from skipass.sandbox.results import Result


def concerns(reader: Reader) -> bool:
    """Tell whether a statement makes, drops, sets or takes away one of these policies."""
    verb = reader.peek()
    if verb in ("CREATE", "DROP"):
        at = 3 if (reader.peek(1), reader.peek(2)) == ("OR", "REPLACE") else 1
        return (reader.peek(at), reader.peek(at + 1)) in (("MASKING", "POLICY"), ("ROW", "ACCESS"))
    if verb != "ALTER" or reader.peek(1) not in ("TABLE", "VIEW"):
        return False
    words = [reader.peek(ahead) for ahead in range(3, 24)]
    return any(pair in (("MASKING", "POLICY"), ("ROW", "ACCESS")) for pair in pairwise(words))


def run(execution: Execution, reader: Reader) -> Result:
    """Carry out one such statement."""
    verb = reader.choose("CREATE", "DROP", "ALTER")
    if verb == "CREATE":
        return _create(execution, reader)
    return _drop(execution, reader) if verb == "DROP" else _alter(execution, reader)


def _kind(reader: Reader) -> str:
    if reader.accept("MASKING", "POLICY"):
        return MASKING
    reader.take("ROW", "ACCESS", "POLICY")
    return ROWS


def _create(execution: Execution, reader: Reader) -> Result:
    replace = reader.accept("OR", "REPLACE")
    kind = _kind(reader)
    lenient = reader.if_not_exists()
    name = execution.session.table_name(reader.path(), f"CREATE {kind}")
    catalog, rights = execution.account.catalog, execution.rights()
    rights.may_create(name.parent, kind)
    schema = catalog.schema(name.parent)
    if schema is None:
        raise failures.missing(str(name.parent), "Schema", table=False)
    old = schema.objects.get((kind, name.name))
    if old is not None and lenient:
        return results.status(f"{name.name} already exists, statement succeeded.")
    if old is not None and not replace:
        raise failures.exists(str(name))
    if old is not None:
        rights.schema_object(name, kind, "OWNERSHIP")
        _refuse_used(catalog, name)
    schema.objects[(kind, name.name)] = _read(execution, reader, kind, name)
    return results.status(f"{kind.capitalize()} '{name.name}' successfully created.")


def _read(execution: Execution, reader: Reader, kind: str, name: TableName) -> SchemaObject:
    reader.take("AS")
    arguments = [(parameter, signatures.spelled(text)) for parameter, text in signatures.arguments(reader)]
    reader.take("RETURNS")
    returns = signatures.spelled(signatures.type_name(reader))
    if not arguments or returns != ("BOOLEAN" if kind == ROWS else arguments[0][1]):
        raise failures.compilation("001044", "42601", f"Invalid signature of {kind.lower()} '{name.name}'")
    if kind == MASKING and len(arguments) != 1:
        raise failures.unsupported("conditional masking")
    reader.take("->")
    text = reader.rest()
    execution.parse(f"SELECT {text}")
    session = execution.session
    details = {"arguments": json.dumps(arguments), "returns": returns}
    return SchemaObject(kind, name, session.now, session.role, text, "", details)


def _drop(execution: Execution, reader: Reader) -> Result:
    kind = _kind(reader)
    lenient = reader.if_exists()
    name = execution.session.table_name(reader.path(), f"DROP {kind}")
    reader.finish()
    catalog = execution.account.catalog
    try:
        one = execution.rights().schema_object(name, kind, "OWNERSHIP")
    except failures.Failure as failure:
        if lenient and failure.code == "002003":
            return results.status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise
    _refuse_used(catalog, name)
    schema = catalog.schema(name.parent)
    if schema is not None:
        del schema.objects[(kind, name.name)]
    catalog.forget(on_object(one))
    return results.status(f"{name.name} successfully dropped.")


def _refuse_used(catalog: Catalog, name: TableName) -> None:
    tables = catalog.tables() + [table for one in catalog.gone for table in one.tables()]
    if any(name in _policies(table) for table in tables):
        text = f"Policy {name.name} cannot be dropped/replaced as it is associated with one or more entities."
        raise failures.Failure("003539", "42601", text)


def _policies(table: Table) -> set[TableName]:
    rows = {table.row_policy[0]} if table.row_policy is not None else set()
    return rows | set(table.masks.values())


def _alter(execution: Execution, reader: Reader) -> Result:
    kind = reader.choose("TABLE", "VIEW")
    if kind == "VIEW":
        raise failures.unsupported("policy on a view")
    lenient = reader.if_exists()
    name = execution.session.table_name(reader.path(), "ALTER TABLE")
    try:
        table = execution.rights().owned_table(name)
    except failures.Failure as failure:
        if lenient and failure.code == "002003":
            return results.status("Statement executed successfully.")
        raise
    verb = reader.choose("MODIFY", "ALTER", "ADD", "DROP")
    if verb in ("MODIFY", "ALTER"):
        _mask(execution, reader, table)
    elif verb == "ADD":
        _add_rows(execution, reader, table)
    elif verb == "DROP":
        _drop_rows(execution, reader, table)
    else:
        raise reader.unexpected()
    return results.status("Statement executed successfully.")


def _applicable(execution: Execution, reader: Reader, kind: str) -> SchemaObject:
    name = execution.session.table_name(reader.path(), "ALTER TABLE")
    return execution.rights().schema_object(name, kind, "APPLY")


def _mask(execution: Execution, reader: Reader, table: Table) -> None:
    reader.accept("COLUMN")
    column = tabledefs.stored(table, reader.identifier())
    if reader.accept("UNSET", "MASKING", "POLICY"):
        reader.finish()
        if column.name in table.masks:
            execution.rights().schema_object(table.masks[column.name], MASKING, "APPLY")
            del table.masks[column.name]
        return
    reader.take("SET", "MASKING", "POLICY")
    policy = _applicable(execution, reader, MASKING)
    force = reader.accept("FORCE")
    reader.finish()
    _fitting(policy, [column.type])
    if column.name in table.masks and not force:
        raise failures.compilation("003001", "42601", f"Column '{column.name}' already has a masking policy.")
    table.masks[column.name] = policy.name


def _add_rows(execution: Execution, reader: Reader, table: Table) -> None:
    reader.take("ROW", "ACCESS", "POLICY")
    policy = _applicable(execution, reader, ROWS)
    reader.take("ON", "(")
    columns = [tabledefs.stored(table, reader.identifier())]
    while reader.accept(","):
        columns.append(tabledefs.stored(table, reader.identifier()))
    reader.take(")")
    reader.finish()
    _fitting(policy, [column.type for column in columns])
    if table.row_policy is not None:
        raise failures.compilation("003001", "42601", f"Table '{table.name.name}' already has a row access policy.")
    table.row_policy = (policy.name, tuple(column.name for column in columns))


def _drop_rows(execution: Execution, reader: Reader, table: Table) -> None:
    everything = reader.accept("ALL", "ROW", "ACCESS", "POLICIES")
    if not everything:
        reader.take("ROW", "ACCESS", "POLICY")
        policy = _applicable(execution, reader, ROWS)
        if table.row_policy is None or table.row_policy[0] != policy.name:
            raise failures.missing(str(policy.name), ROWS.capitalize(), table=False)
    reader.finish()
    if table.row_policy is not None:
        execution.rights().schema_object(table.row_policy[0], ROWS, "APPLY")
        table.row_policy = None


def _fitting(policy: SchemaObject, types: list[str]) -> None:
    """The kinds of the arguments must be those of the columns; lengths need not."""
    wanted = [kind.partition("(")[0] for _, kind in json.loads(policy.details["arguments"])]
    if wanted != [kind.partition("(")[0] for kind in types]:
        raise failures.compilation("001044", "42601", f"Invalid argument types for policy '{policy.name.name}'")
