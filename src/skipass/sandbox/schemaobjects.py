"""CREATE and DROP of sequences, stages (named only), SQL scalar functions and procedures.

A function keeps its text, which is read again with its owner's rights at every call; other languages are refused.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-sequence, .../create-stage, .../create-function.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from skipass.sandbox import failures, procedures, results, signatures, tabledefs
from skipass.sandbox.catalog import Grant, SchemaObject, on_object
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import TableName
from skipass.sandbox.results import Result

KINDS = ("SEQUENCE", "STAGE", "FUNCTION", "PROCEDURE")
_LABELS = {"SEQUENCE": "Sequence", "STAGE": "Stage area", "FUNCTION": "Function", "PROCEDURE": "Procedure"}


def run(execution: Execution, reader: Reader) -> Result:
    """Carry out one CREATE or DROP of these kinds."""
    verb = reader.choose("CREATE", "DROP")
    replace = reader.accept("OR", "REPLACE")
    reader.accept("SECURE")
    kind = reader.choose(*KINDS)
    if verb is None or kind is None:
        raise failures.unsupported("ALTER of this kind of object")
    if execution.run.writing:
        execution.run.commit()  # DDL ends an open transaction, as it does there
    with execution.run.transaction():
        if verb == "DROP":
            return _drop(execution, reader, kind)
        return _create(execution, reader, kind, replace=replace)


def _create(execution: Execution, reader: Reader, kind: str, *, replace: bool) -> Result:
    lenient = reader.if_not_exists()
    name = execution.session.table_name(reader.path(), f"CREATE {kind}")
    rights = execution.rights()
    rights.may_create(name.parent, kind)
    schema = execution.account.catalog.schema(name.parent)
    if schema is None:
        raise failures.missing(str(name.parent), "Schema", table=False)
    old = schema.objects.get((kind, name.name))
    if old is not None and not replace:
        if lenient:
            return results.status(f"{name.name} already exists, statement succeeded.")
        raise failures.exists(str(name))
    if old is not None:
        _remove(execution, rights.schema_object(name, kind, "OWNERSHIP"))
    made = _MAKERS[kind](execution, reader, name)
    schema.objects[(kind, name.name)] = made
    catalog = execution.account.catalog
    for future in list(catalog.future):
        inside = future.container in ((name.database,), (name.database, name.schema))
        if future.kind == kind and inside:
            catalog.grants[Grant(future.privilege, on_object(made), future.role)] = execution.session.now
    return results.status(f"{_LABELS[kind]} {name.name} successfully created.")


def _sequence(execution: Execution, reader: Reader, name: TableName) -> SchemaObject:
    given = {"START": 1, "INCREMENT": 1}
    comment = ""
    while not reader.done:
        word = reader.choose("START", "INCREMENT", "COMMENT", "WITH", "ORDER", "NOORDER", ",")
        if word is None:
            raise reader.unexpected()
        if word in given:
            reader.choose("WITH", "BY")
            reader.accept("=")
            given[word] = -reader.number() if reader.accept("-") else reader.number()
        elif word == "COMMENT":
            reader.take("=")
            comment = reader.string()
    if given["INCREMENT"] == 0:
        raise failures.compilation("001008", "22023", "invalid value [0] for parameter 'INCREMENT'")
    physical = tabledefs.new_sequence(execution, given["START"], given["INCREMENT"])
    details = {"physical": physical, "start": str(given["START"]), "increment": str(given["INCREMENT"])}
    return SchemaObject("SEQUENCE", name, execution.session.now, execution.session.role, "", comment, details)


def _stage(execution: Execution, reader: Reader, name: TableName) -> SchemaObject:
    options = reader.options()
    unknown = set(options) - {"COMMENT", "DIRECTORY", "ENCRYPTION", "FILE_FORMAT"}
    if unknown:
        raise failures.unsupported(f"stage property {sorted(unknown)[0]}")
    session = execution.session
    return SchemaObject("STAGE", name, session.now, session.role, "", options.get("COMMENT", ""))


def _function(execution: Execution, reader: Reader, name: TableName) -> SchemaObject:
    arguments = [(parameter, signatures.spelled(kind)) for parameter, kind in signatures.arguments(reader)]
    reader.take("RETURNS")
    returns = signatures.spelled(signatures.type_name(reader))
    comment = _clauses(reader)
    reader.take("AS")
    text = reader.string().strip().rstrip(";")
    reader.finish()
    session = execution.session
    details = {"arguments": json.dumps(arguments), "returns": returns}
    made = SchemaObject("FUNCTION", name, session.now, session.role, text, comment, details)
    execution.parse(text if text.upper().startswith(("SELECT", "WITH", "(")) else f"SELECT {text}")
    return made


def _clauses(reader: Reader) -> str:
    comment = ""
    while reader.peek() != "AS":
        if reader.accept("LANGUAGE"):
            language = reader.identifier()
            if language != "SQL":
                raise failures.unsupported(f"function in {language}")
        elif reader.accept("COMMENT"):
            reader.take("=")
            comment = reader.string()
        elif reader.choose("IMMUTABLE", "VOLATILE", "MEMOIZABLE", "NOT", "NULL", "STRICT") is None:
            raise reader.unexpected()
    return comment


_MAKERS: dict[str, Callable[[Execution, Reader, TableName], SchemaObject]] = {
    "SEQUENCE": _sequence,
    "STAGE": _stage,
    "FUNCTION": _function,
    "PROCEDURE": procedures.read,
}


def _drop(execution: Execution, reader: Reader, kind: str) -> Result:
    lenient = reader.if_exists()
    name = execution.session.table_name(reader.path(), f"DROP {kind}")
    if kind in ("FUNCTION", "PROCEDURE") and reader.accept("("):
        while not reader.accept(")"):
            reader.token()
    reader.finish()
    try:
        one = execution.rights().schema_object(name, kind, "OWNERSHIP")
    except failures.Failure as failure:
        if lenient and failure.code == "002003":
            return results.status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise
    _remove(execution, one)
    return results.status(f"{name.name} successfully dropped.")


def _remove(execution: Execution, one: SchemaObject) -> None:
    """A column's default may still draw from the sequence, so its numbers stay in DuckDB."""
    catalog = execution.account.catalog
    schema = catalog.schema(one.name.parent)
    if schema is not None:
        del schema.objects[(one.kind, one.name.name)]
    catalog.forget(on_object(one))
