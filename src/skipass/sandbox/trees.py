"""Names in a parsed statement: stored spelling, dotted paths of tables and of calls. Knows no catalogue."""

from __future__ import annotations

from typing import Any

from sqlglot import exp


def normalise(tree: Any) -> Any:
    """Return the tree with every identifier quoted under its stored name: unquoted ones in upper case."""
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.args.get("quoted"):
            identifier.set("this", identifier.name.upper())
            identifier.set("quoted", True)
    return tree


def parts_of(node: Any) -> list[str]:
    """Return the stored name parts of a normalised table node; the empty part of `db..t` is PUBLIC."""
    database, schema = node.args.get("catalog"), node.args.get("db")
    parts = [node.this.name]
    if schema is not None or database is not None:
        name = schema.name if isinstance(schema, exp.Identifier) else ""
        parts.insert(0, name or "PUBLIC")
    if isinstance(database, exp.Identifier) and database.name:
        parts.insert(0, database.name)
    return parts


def call_of(node: Any) -> tuple[list[str], Any]:
    """Return the dotted path before a call, and the call."""
    path: list[str] = []
    while isinstance(node, exp.Dot):
        path = [*_dotted(node.this), *path]
        node = node.expression
    return path, node


def _dotted(node: Any) -> list[str]:
    if isinstance(node, exp.Dot):
        return [*_dotted(node.this), *_dotted(node.expression)]
    return [node.name]
