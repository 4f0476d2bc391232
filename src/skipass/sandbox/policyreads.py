"""How a read goes through the policies of a table: masked columns, and the rows that a row access policy lets pass.

A policy's body is read with its owner's rights and asks the session of whoever reads; nobody is exempt.
Source: https://docs.snowflake.com/en/user-guide/security-column-intro, .../security-row-intro.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from skipass.sandbox import failures, owncalls
from skipass.sandbox.catalog import Catalog, SchemaObject, Table
from skipass.sandbox.names import TableName
from skipass.sandbox.sqltypes import duck

if TYPE_CHECKING:
    from skipass.sandbox.resolve import Resolver

MASKING, ROWS = "MASKING POLICY", "ROW ACCESS POLICY"


def guards(table: Table) -> bool:
    """Tell whether reads of the table go through a policy."""
    return bool(table.masks) or table.row_policy is not None


def protected(resolver: Resolver, table: Table) -> Any:
    """Return a query that reads the table as its policies show it."""
    if resolver.depth >= owncalls.MAX_DEPTH:
        raise failures.compilation("002003", "42601", "Policy expansion is too deep.")
    source = exp.Table(this=exp.to_identifier(table.name.name, quoted=True))
    resolver.point(source, table)
    shown = [_shown(resolver, table, column.name, column.type) for column in table.columns]
    query = exp.select(*shown).from_(source)
    if table.row_policy is not None:
        policy, columns = table.row_policy
        query = query.where(exp.paren(_applied(resolver, _policy(resolver.catalog, policy, ROWS), table, columns)))
    return query


def _shown(resolver: Resolver, table: Table, name: str, kind: str) -> Any:
    alias = exp.to_identifier(name, quoted=True)
    policy = table.masks.get(name)
    if policy is None:
        return exp.column(alias, table=exp.to_identifier(table.name.name, quoted=True))
    value = _applied(resolver, _policy(resolver.catalog, policy, MASKING), table, (name,))
    return exp.alias_(exp.cast(value, duck(kind), dialect="duckdb"), alias)


def _policy(catalog: Catalog, name: TableName, kind: str) -> SchemaObject:
    schema = catalog.schema(name.parent)
    found = schema.objects.get((kind, name.name)) if schema is not None else None
    if found is None:
        raise failures.missing(str(name), kind.capitalize(), table=False)
    return found


def _applied(resolver: Resolver, policy: SchemaObject, table: Table, columns: tuple[str, ...]) -> Any:
    holder = exp.to_identifier(table.name.name, quoted=True)
    given = [exp.column(exp.to_identifier(name, quoted=True), table=holder.copy()) for name in columns]
    wanted: list[list[str]] = json.loads(policy.details["arguments"])
    values = {
        name: exp.cast(value, duck(kind), dialect="duckdb") for (name, kind), value in zip(wanted, given, strict=True)
    }
    return owncalls.body(resolver, policy, values)
