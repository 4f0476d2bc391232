"""Column definitions and keys of CREATE TABLE and ALTER TABLE: from the parsed text to the catalogue and to DuckDB.

NOT NULL, lengths and precisions are enforced; keys are kept and shown only, as in the account this stands for.
Source: https://docs.snowflake.com/en/sql-reference/constraints-overview.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.catalog import Table
from skipass.sandbox.columns import Column, Constraint
from skipass.sandbox.execution import Execution, to_duck
from skipass.sandbox.names import quoted
from skipass.sandbox.resolve import Reading
from skipass.sandbox.results import MAX_TEXT
from skipass.sandbox.sqltypes import duck, spelling
from skipass.sandbox.translate import translate
from skipass.sandbox.trees import parts_of

_MAX_RETENTION_DAYS = 90


def columns(execution: Execution, schema: Any) -> tuple[list[Column], list[Constraint]]:
    """Return the columns and keys that the parentheses of CREATE TABLE define."""
    found: list[Column] = []
    keys: list[Constraint] = []
    for one in schema.expressions:
        if isinstance(one, exp.ColumnDef):
            made, own = column(execution, one)
            if any(made.name == other.name for other in found):
                raise failures.compilation("002025", "42S21", f"duplicate column name '{made.name}'")
            found.append(made)
            keys += own
        else:
            keys.append(constraint(execution, one))
    required = {name for key in keys if key.kind == "PRIMARY KEY" for name in key.columns}
    for key in keys:
        for name in key.columns:
            if all(name != one.name for one in found):
                raise failures.invalid_identifier(name)
    return [replace(one, nullable=one.nullable and one.name not in required) for one in found], keys


def column(execution: Execution, node: Any) -> tuple[Column, list[Constraint]]:
    """Return one column and the keys that stand behind it."""
    if node.args.get("kind") is None:
        raise failures.syntax(1, 0, node.name)
    made = Column(node.name, spelling(node.kind))
    keys: list[Constraint] = []
    for one in node.args.get("constraints") or []:
        kind = one.kind
        if isinstance(kind, _KEYS):
            keys.append(_key(execution, kind, one.name, (node.name,)))
        else:
            made = _attribute(execution, made, kind)
    return made, keys


_KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)


def _attribute(execution: Execution, made: Column, kind: Any) -> Column:
    if isinstance(kind, exp.NotNullColumnConstraint):
        return replace(made, nullable=bool(kind.args.get("allow_null")))
    if isinstance(kind, exp.DefaultColumnConstraint):
        return replace(made, default=kind.this.sql(dialect="snowflake"))
    if isinstance(kind, exp.CommentColumnConstraint):
        return replace(made, comment=kind.name)
    if isinstance(kind, (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)):
        start, step = (_whole(kind.args.get(name)) for name in ("start", "increment"))
        return replace(
            made, default=f"IDENTITY START {start} INCREMENT {step}", identity=new_sequence(execution, start, step)
        )
    raise failures.unsupported(f"constraint {kind.sql(dialect='snowflake')}")


def _whole(node: Any) -> int:
    try:
        return 1 if node is None else int(node.sql())
    except ValueError:
        raise failures.syntax(1, 0, node.sql()) from None


def new_sequence(execution: Execution, start: int, step: int) -> str:
    """Make a sequence in DuckDB and return its stored name."""
    physical = execution.account.catalog.next_physical().replace("t", "s")
    bounds = "MINVALUE -9223372036854775807 MAXVALUE 9223372036854775806"
    execution.run.execute(f'CREATE SEQUENCE "{physical}" {bounds} START WITH {start} INCREMENT BY {step}')
    return physical


def constraint(execution: Execution, node: Any) -> Constraint:
    """Return the key that a line of its own defines."""
    name, inner = "", node
    if isinstance(node, exp.Constraint):
        name, inner = node.name, node.expressions[0]
    return _key(execution, inner, name, ())


def _key(execution: Execution, node: Any, name: str, own: tuple[str, ...]) -> Constraint:
    name = name or f"SYS_CONSTRAINT_{uuid.uuid4()}"
    if isinstance(node, (exp.PrimaryKey, exp.PrimaryKeyColumnConstraint)):
        return Constraint("PRIMARY KEY", name, own or _names(node.expressions))
    if isinstance(node, exp.UniqueColumnConstraint):
        listed = node.this.expressions if isinstance(node.this, exp.Schema) else []
        return Constraint("UNIQUE", name, own or _names(listed))
    reference = node.args.get("reference") if isinstance(node, exp.ForeignKey) else node
    if not isinstance(reference, exp.Reference):
        raise failures.unsupported(f"constraint {node.sql(dialect='snowflake')[:40]}")
    return _foreign(execution, reference, name, own or _names(node.expressions))


def _foreign(execution: Execution, reference: Any, name: str, own: tuple[str, ...]) -> Constraint:
    schema = reference.this
    node = schema.this if isinstance(schema, exp.Schema) else schema
    target = execution.rights().table(execution.session.table_name(parts_of(node), "REFERENCES"), "REFERENCES")
    listed = _names(schema.expressions) if isinstance(schema, exp.Schema) else target.primary_key
    for one in listed:
        stored(target, one)
    return Constraint("FOREIGN KEY", name, own, target.name, listed)


def _names(nodes: list[Any]) -> tuple[str, ...]:
    return tuple(node.this.name if isinstance(node, exp.Ordered) else node.name for node in nodes)


def stored(table: Table, name: str) -> Column:
    """Return the column of that stored name; 000904 if there is none."""
    for one in table.columns:
        if one.name == name:
            return one
    raise failures.invalid_identifier(name)


def retention_days(value: Any) -> int:
    """Return how many days of its past a table keeps: 0 to 90."""
    if not value.name.isdigit() or int(value.name) > _MAX_RETENTION_DAYS:
        raise failures.compilation(
            "001008", "22023", f"invalid value [{value.sql()}] for parameter 'DATA_RETENTION_TIME_IN_DAYS'"
        )
    return int(value.name)


def create_sql(execution: Execution, table: Table) -> str:
    """Return the statement that makes the table's rows in DuckDB."""
    parts = ", ".join(column_sql(execution, one) for one in table.columns)
    return f'CREATE TABLE "{table.physical}" ({parts})'


def column_sql(execution: Execution, one: Column) -> str:
    """Return one column in DuckDB's terms, with the length that its text may have."""
    null = "" if one.nullable else " NOT NULL"
    text = f"{quoted(one.name)} {duck(one.type)}{null}"
    if one.identity is not None:
        text += f" DEFAULT nextval('{one.identity}')"
    elif one.default is not None:
        zoned = one.type.startswith("TIMESTAMP_TZ")
        text += f" DEFAULT {default_sql(execution, f'({one.default})::TIMESTAMP_TZ' if zoned else one.default)}"
    return text + length_check(one)


def length_check(one: Column) -> str:
    """Return the CHECK that keeps text within its length, or nothing for the longest."""
    length = one.type.removeprefix("VARCHAR(").removesuffix(")")
    if not one.type.startswith("VARCHAR(") or int(length) >= MAX_TEXT:
        return ""
    return f" CHECK (length({quoted(one.name)}) <= {length})"


def default_sql(execution: Execution, default: str) -> str:
    """Return a default in DuckDB's terms."""
    tree = execution.parse(f"SELECT {default}")
    resolver = execution.resolver()
    resolver.query(tree)
    return to_duck(translate(tree, Reading()).expressions[0])
