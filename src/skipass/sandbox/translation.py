"""What the rules of a translation share: the types of one statement's expressions, and JSON values beside others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from skipass.sandbox.infer import Types
from skipass.sandbox.kinds import FLOAT, is_json, scale_of
from skipass.sandbox.semistructured import macro

Rule = Callable[["Translation", Any], Any]


class Translation:
    """The rules of one statement; `types` knows what its expressions are."""

    def __init__(self, types: Types) -> None:
        self.types = types

    def json(self, node: Any) -> bool:
        """Tell whether the expression is known to be VARIANT, OBJECT or ARRAY."""
        return is_json(self.types.of(node))

    def like(self, value: Any, other: str) -> Any:
        """Return a JSON value as the kind of value it is compared with."""
        if other.startswith("VARCHAR") or not other:
            return self.kept(macro("sf_text", value), "VARCHAR(16777216)")
        if scale_of(other) is not None or other == FLOAT:
            return self.kept(exp.cast(value, "DOUBLE", dialect="duckdb"), FLOAT)
        kind = {"BOOLEAN": "BOOLEAN", "DATE": "DATE"}.get(other, "TIMESTAMP")
        return exp.cast(value, kind, dialect="duckdb")

    def kept(self, node: Any, kind: str) -> Any:
        """Return the node with its type noted."""
        node.meta["sf_type"] = kind
        return node


def decimal(node: Any, scale: int) -> Any:
    """Return the expression as an exact number of that scale."""
    return exp.cast(node, f"DECIMAL(38, {scale})", dialect="duckdb")


def branches(node: Any) -> list[tuple[Any, str, Any]]:
    """Return the values that a CASE, IF or COALESCE may give, each with its holder and place."""
    if isinstance(node, exp.Coalesce):
        return [(node, "this", node.this), *((node, "expressions", one) for one in node.expressions)]
    holders = node.args.get("ifs") or [node]
    found = [(one, "true", one.args.get("true")) for one in holders]
    last = "default" if isinstance(node, exp.Case) else "false"
    found.append((node, last, node.args.get(last)))
    return [(holder, key, value) for holder, key, value in found if value is not None]
