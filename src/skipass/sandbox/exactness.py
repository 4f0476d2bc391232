"""Arithmetic and aggregates that are exact where DuckDB would answer in binary floating point, or with NULL.

Source: https://docs.snowflake.com/en/sql-reference/operators-arithmetic.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox.kinds import division_scale, scale_of
from skipass.sandbox.semistructured import macro
from skipass.sandbox.translation import Rule, Translation, decimal
from skipass.sandbox.variants import numeric

_AROUND = (exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls)
_BITS = (exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg)


def _divided(work: Translation, node: Any) -> Any:
    """Exact operands give an exact quotient, rounded to the account's scale."""
    numeric(work, node)
    scale = scale_of(work.types.of(node))
    divisor = _nonzero(node.expression)
    if scale is None:
        return exp.Div(this=node.this, expression=divisor, typed=False, safe=False)
    return decimal(exp.Div(this=exp.cast(node.this, "DOUBLE"), expression=divisor, typed=False, safe=False), scale)


def _remainder(work: Translation, node: Any) -> Any:
    numeric(work, node)
    node.set("expression", _nonzero(node.expression))
    return node


def _nonzero(divisor: Any) -> Any:
    """DuckDB answers NULL where the account refuses to divide by zero."""
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0:
        return divisor
    guard = exp.Anonymous(this="ERROR", expressions=[exp.Literal.string("Division by zero")])
    test = exp.EQ(this=exp.paren(divisor.copy()), expression=exp.Literal.number(0))
    return exp.paren(exp.Case(ifs=[exp.If(this=test, true=guard)], default=divisor.copy()))


def _aggregate(work: Translation, node: Any) -> Any:
    """An average or percentile of exact values is exact; the cast goes around OVER, FILTER and WITHIN GROUP."""
    inner = node
    while isinstance(inner, _AROUND):
        inner = inner.this
    if isinstance(node, (exp.PercentileCont, exp.Median, exp.Avg, *_BITS)):
        _argument(work, node)
    if isinstance(node, exp.WithinGroup) and isinstance(inner, exp.PercentileCont):
        for ordered in node.expression.expressions:
            ordered.set("this", exp.cast(ordered.this, "DOUBLE"))
    if isinstance(node.parent, _AROUND) and node.arg_key == "this":
        return node
    return _outermost(work, node, inner)


def _argument(work: Translation, node: Any) -> None:
    value = node.this
    if isinstance(node, _BITS):
        node.set("this", exp.cast(value, "BIGINT"))
    elif isinstance(node, exp.Median) or work.json(value):
        node.set("this", exp.cast(value, "DOUBLE"))


def _outermost(work: Translation, node: Any, inner: Any) -> Any:
    if isinstance(inner, (exp.ArrayAgg, exp.ArrayUniqueAgg)):
        if isinstance(inner, exp.ArrayUniqueAgg):
            inner = node = exp.ArrayAgg(this=exp.Distinct(expressions=[inner.this]), nulls_excluded=True)
        return macro("sf_agg_list", node)
    if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "RATIO_TO_REPORT":
        return _ratio(work, node, inner)
    if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "CONDITIONAL_CHANGE_EVENT":
        inner.replace(exp.Anonymous(this="list", expressions=inner.expressions))
        return macro("sf_changes", node.copy())
    scale = scale_of(work.types.of(inner if not isinstance(inner, exp.PercentileCont) else node))
    if scale is None or not isinstance(inner, (exp.Avg, exp.Median, exp.PercentileCont)):
        return node
    return decimal(node, scale if isinstance(inner, exp.Avg) else scale + 3)


def _ratio(work: Translation, node: Any, inner: Any) -> Any:
    value = inner.expressions[0]
    scale = scale_of(work.types.of(value))
    inner.replace(exp.Sum(this=value.copy()))
    total = exp.func("NULLIF", node, exp.Literal.number(0))
    share = exp.Div(this=exp.cast(value.copy(), "DOUBLE"), expression=total, typed=False)
    return share if scale is None else decimal(share, division_scale(scale))


def _exclusive_or(_: Translation, node: Any) -> Any:
    return exp.paren(exp.NEQ(this=macro("sf_bool", node.this), expression=macro("sf_bool", node.expression)))


def _width_bucket(_: Translation, node: Any) -> Any:
    return macro("sf_width_bucket", *(node.args[key] for key in ("this", "min_value", "max_value", "num_buckets")))


def _months_between(_: Translation, node: Any) -> Any:
    return decimal(node.copy(), 6) if not isinstance(node.parent, exp.Cast) else node


RULES: dict[type, Rule] = {
    exp.Div: _divided,
    exp.Mod: _remainder,
    **dict.fromkeys(
        (exp.Avg, exp.Median, exp.PercentileCont, exp.ArrayAgg, exp.ArrayUniqueAgg, *_AROUND, *_BITS), _aggregate
    ),
    exp.Xor: _exclusive_or,
    exp.WidthBucket: _width_bucket,
    exp.MonthsBetween: _months_between,
}
