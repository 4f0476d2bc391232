"""The customer's own scalar functions: a call becomes the function's body, read with its owner's rights."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.privileges import Rights
from skipass.sandbox.session import Session
from skipass.sandbox.sqltypes import duck
from skipass.sandbox.trees import call_of, normalise

if TYPE_CHECKING:
    from skipass.sandbox.resolve import Resolver

MAX_DEPTH = 20


def called(node: Any) -> list[str] | None:
    """Return the name of the customer's own function that a node calls; others were refused or known before."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        path, function = call_of(node)
        return [*path, str(function.this).upper()]
    if isinstance(node, exp.Anonymous) and node.meta.get("sf_own") and not isinstance(node.parent, exp.Dot):
        return [str(node.this).upper()]
    return None


def expand(resolver: Resolver, node: Any, call: list[str]) -> None:
    """Put a SQL function's body in the place of its call; the body is read with its owner's rights."""
    if resolver.depth >= MAX_DEPTH:
        raise failures.compilation("002003", "42601", "Function expansion is too deep.")
    name = resolver.session.table_name(call, "SELECT")
    function = resolver.rights.schema_object(name, "FUNCTION", "USAGE")
    given = node.expressions if isinstance(node, exp.Anonymous) else node.expression.expressions
    wanted: list[list[str]] = json.loads(function.details["arguments"])
    if len(given) != len(wanted):
        raise failures.compilation("001044", "42601", f"Invalid argument types for function '{name.name}'")
    values = {
        parameter: exp.cast(value.copy(), duck(kind), dialect="duckdb")
        for (parameter, kind), value in zip(wanted, given, strict=True)
    }
    node.replace(exp.cast(body(resolver, function, values), duck(function.details["returns"]), dialect="duckdb"))


def body(resolver: Resolver, function: SchemaObject, values: dict[str, Any]) -> Any:
    """Return a function's or policy's body as a subquery, with its arguments put in."""
    tree = normalise(resolver.parse(f"SELECT {function.text}" if not _is_query(function.text) else function.text))
    at = function.name
    session = Session(resolver.session.user, function.owner, None, at.database, at.schema, resolver.session.now)
    rights = Rights(resolver.catalog, function.owner)
    holder = exp.Subquery(this=tree)
    replace(resolver, session=session, rights=rights, moment=None, depth=resolver.depth + 1).query(holder)
    for column in list(holder.find_all(exp.Column)):
        if column.name in values and not column.table:
            column.replace(exp.paren(values[column.name].copy()))
    return holder


def _is_query(text: str) -> bool:
    return text.lstrip().upper().startswith(("SELECT", "WITH", "("))
