"""VARIANT, OBJECT and ARRAY beside values of other types: which of the two becomes the other, and where."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox import zoned
from skipass.sandbox.kinds import FLOAT, is_json
from skipass.sandbox.semistructured import macro
from skipass.sandbox.translation import Rule, Translation, branches


def _compared(work: Translation, node: Any) -> Any:
    left, right = work.types.of(node.this), work.types.of(node.expression)
    if is_json(left) and not is_json(right):
        node.set("this", work.like(node.this, right))
    elif is_json(right) and not is_json(left):
        node.set("expression", work.like(node.expression, left))
    return node


def _member(work: Translation, node: Any) -> Any:
    if work.json(node.this) and node.expressions:
        node.set("this", work.like(node.this, work.types.of(node.expressions[0])))
    return node


def _between(work: Translation, node: Any) -> Any:
    if work.json(node.this):
        node.set("this", work.like(node.this, work.types.of(node.args["low"])))
    return node


def _textual(work: Translation, node: Any) -> Any:
    for key in ("this", "expression"):
        value = node.args.get(key)
        if isinstance(value, exp.Expression) and work.json(value):
            node.set(key, macro("sf_text", value))
    if node.args.get("expressions"):
        node.set("expressions", [macro("sf_text", one) if work.json(one) else one for one in node.expressions])
    return node


def numeric(work: Translation, node: Any) -> Any:
    """Return the node with its JSON operands as numbers."""
    for key in ("this", "expression"):
        value = node.args.get(key)
        if isinstance(value, exp.Expression) and work.json(value):
            node.set(key, work.like(value, FLOAT))
    return node


def _alike(work: Translation, node: Any) -> Any:
    """Branches that mix VARIANT with anything else are VARIANT."""
    values = branches(node)
    if any(work.json(one) for _, _, one in values):
        for holder, key, value in values:
            if not work.json(value) and not isinstance(value, exp.Null):
                index = value.index
                holder.set(key, macro("sf_variant", value.copy()), index)
        node.meta["sf_type"] = "VARIANT"
        return node
    return zoned.together(work, node)


def _star_map(work: Translation, node: Any) -> Any:
    select = node.find_ancestor(exp.Select)
    names = [name for columns in work.types.sources(select).values() for name in columns]
    columns = [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
    pairs = [macro("sf_pair", name, column) for name, column in zip(names, columns, strict=True)]
    return macro("sf_object", exp.Array(expressions=pairs))


def _lambda_list(work: Translation, node: Any) -> Any:
    function = "list_filter" if isinstance(node, exp.ArrayFilter) else "list_transform"
    body = node.expression
    if function == "list_transform":
        body.set("this", macro("sf_variant", body.this))
    return macro("to_json", exp.Anonymous(this=function, expressions=[macro("sf_list", node.this), body]))


RULES: dict[type, Rule] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ), _compared),
    exp.In: _member,
    exp.Between: _between,
    **dict.fromkeys(
        (
            exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.SplitPart, exp.Like, exp.ILike, exp.RegexpLike,
            exp.Concat, exp.DPipe, exp.Length, exp.Replace, exp.Contains, exp.StartsWith, exp.EndsWith,
            exp.GroupConcat, exp.Left, exp.Right, exp.RegexpReplace, exp.Initcap,
        ),
        _textual,
    ),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Sum, exp.Abs, exp.Round, exp.Neg), numeric),
    **dict.fromkeys((exp.Coalesce, exp.Case, exp.If), _alike),
    exp.StarMap: _star_map,
    **dict.fromkeys((exp.ArrayFilter, exp.Transform), _lambda_list),
}  # fmt: skip
