"""Functions in FROM: table functions, INFORMATION_SCHEMA's own, and RESULT_SCAN, each put in place as a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from skipass.sandbox import failures, tablefunctions
from skipass.sandbox.trees import call_of

if TYPE_CHECKING:
    from skipass.sandbox.resolve import Resolver


def function(resolver: Resolver, node: Any, call: Any, known: frozenset[str]) -> None:
    """Put a called table in place of its call."""
    resolver.query(call, known)
    made = tablefunctions.source(call)
    if made is not None:
        _put(node, made, node.args.get("alias"))
        return
    path, inner = call_of(call)
    if not path and inner.name.upper() == "RESULT_SCAN":
        _scan(resolver, node, inner)
        return
    if path[-1:] != ["INFORMATION_SCHEMA"] or len(path) > 2:
        raise failures.unknown_function(inner.name.upper())
    database = path[0] if len(path) == 2 else resolver.session.current_database("SELECT")
    if not resolver.rights.sees_database(database):
        raise failures.missing(database, "Database", table=False)
    sql = resolver.virtual(database, inner.name.upper() + "()", inner.expressions, resolver.rights)
    if sql is None:
        raise failures.unknown_function(inner.name.upper())
    _made_up(resolver, node, sql, inner.name.upper())


def lateral(resolver: Resolver, node: Any, scope: frozenset[str]) -> None:
    """Resolve what stands behind LATERAL."""
    if isinstance(node.this, exp.Subquery):
        resolver.query(node, scope)
        return
    resolver.query(node.this, scope)
    made = tablefunctions.source(node.this)
    if made is None:
        raise failures.unknown_function(str(node.this.name or node.this.key).upper())
    _put(node, made, node.args.get("alias"))


def _put(node: Any, made: Any, alias: Any) -> None:
    """Put a table function's subquery in place, laterally where something stands before it."""
    holder = node.parent
    if alias is None:
        alias = exp.TableAlias(this=exp.to_identifier(f"F{id(made)}", quoted=True))
    joined = isinstance(holder, exp.Join)
    columns, generator = made.meta.get("sf_columns"), made.meta.get("sf_generator")
    new = exp.Lateral(this=made, alias=alias) if joined else made
    if not joined:
        made.set("alias", alias)
    new.meta["sf_columns"], new.meta["sf_generator"] = columns, generator
    if joined and holder.args.get("on") is None and not holder.args.get("using"):
        if holder.side:
            holder.set("on", exp.true())
        else:
            holder.set("kind", "CROSS")
    for key in ("joins", "sample"):
        if node.args.get(key):
            new.set(key, node.args[key])
    node.replace(new)


def _scan(resolver: Resolver, node: Any, function: Any) -> None:
    wanted = function.expressions[0] if function.expressions else exp.Null()
    sql, columns = resolver.results(wanted.name if isinstance(wanted, exp.Literal) else "")
    table = _made_up(resolver, node, sql, "RESULT_SCAN")
    table.meta["sf_columns"] = columns


def _made_up(resolver: Resolver, node: Any, sql: str, name: str) -> Any:
    given = node.args.get("alias")
    alias = given or exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    table = exp.Table(this=exp.to_identifier(resolver.virtual_name(sql), quoted=True), alias=alias)
    for key in ("joins", "sample"):
        if node.args.get(key):
            table.set(key, node.args[key])
    node.replace(table)
    return table
