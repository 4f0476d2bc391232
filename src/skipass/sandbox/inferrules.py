"""The rules by which an expression's type follows from its parts, one for each kind of expression.

A rule may ask for the types of other expressions; where a name comes from is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from skipass.sandbox.failures import Failure
from skipass.sandbox.kinds import (
    COUNT,
    FLOAT,
    LOCAL,
    PLAIN,
    TEXT,
    UNKNOWN,
    ZONED,
    division_scale,
    is_json,
    number,
    scale_of,
    unify,
)
from skipass.sandbox.sqltypes import from_duck, spelling

if TYPE_CHECKING:
    from skipass.sandbox.infer import Types


def _literal(_: Types, node: Any) -> str:
    if node.is_string:
        return TEXT
    text = str(node.this)
    if not re.fullmatch(r"\d*\.?\d*", text):
        return FLOAT
    return number(len(text.partition(".")[2]), max(len(text.replace(".", "").lstrip("0")), 1))


def _parameter(_: Types, node: Any) -> str:
    """Inside a lambda a bare name is an element of an array."""
    function = node.find_ancestor(exp.Lambda)
    if function is None or isinstance(node.parent, exp.Column):
        return UNKNOWN
    return "VARIANT" if any(one.name == node.name for one in function.expressions) else UNKNOWN


def _inner(types: Types, node: Any) -> str:
    return types.of(node.this)


def _both(types: Types, node: Any) -> str:
    left, right = types.of(node.this), types.of(node.expression)
    if is_json(left) or is_json(right):
        return FLOAT
    if left == "DATE":
        days = scale_of(right) == 0
        return number(0) if right == "DATE" and isinstance(node, exp.Sub) else "DATE" if days else UNKNOWN
    return unify([left, right])


def _product(types: Types, node: Any) -> str:
    left, right = types.of(node.this), types.of(node.expression)
    one, two = scale_of(left), scale_of(right)
    if one is None or two is None:
        return FLOAT if FLOAT in (left, right) or is_json(left) or is_json(right) else UNKNOWN
    return number(min(one + two, max(one, two, 12)))


def _quotient(types: Types, node: Any) -> str:
    left, right = types.of(node.this), types.of(node.expression)
    one, two = scale_of(left), scale_of(right)
    if one is None or two is None:
        return FLOAT if FLOAT in (left, right) or is_json(left) or is_json(right) else UNKNOWN
    return number(division_scale(one))


def _average(types: Types, node: Any) -> str:
    inner = types.of(node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this)
    scale = scale_of(inner)
    if scale is None:
        return FLOAT if inner == FLOAT or is_json(inner) else UNKNOWN
    return number(division_scale(scale))


def _total(types: Types, node: Any) -> str:
    inner = types.of(node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this)
    scale = scale_of(inner)
    if scale is not None:
        return number(scale)
    return FLOAT if is_json(inner) else inner


def _within_group(types: Types, node: Any) -> str:
    if isinstance(node.this, (exp.PercentileCont, exp.PercentileDisc)):
        ordered = node.expression.expressions[0].this
        return types.of(ordered)
    return types.of(node.this)


def _rounded(types: Types, node: Any) -> str:
    inner, places = types.of(node.this), node.args.get("decimals")
    scale = scale_of(inner)
    if scale is None:
        return inner
    if places is None:
        return number(0)
    return number(min(scale, int(places.this))) if isinstance(places, exp.Literal) and places.is_int else UNKNOWN


def _cast(_: Types, node: Any) -> str:
    try:
        return spelling(node.to)
    except (Failure, ValueError):
        return from_duck(node.to.sql(dialect="duckdb"))


def _chosen(types: Types, node: Any) -> str:
    if isinstance(node, exp.Case):
        parts = [one.args["true"] for one in node.args["ifs"]] + [node.args.get("default")]
    elif isinstance(node, exp.If):
        parts = [node.args.get("true"), node.args.get("false")]
    else:
        parts = [node.this, *node.expressions]
    return unify([types.of(part) for part in parts if part is not None and not isinstance(part, exp.Null)])


def _scalar(types: Types, node: Any) -> str:
    columns = list(types.output(node.this).values())
    return columns[0] if len(columns) == 1 else UNKNOWN


_DATE_UNITS = {
    "DAY",
    "WEEK",
    "MONTH",
    "QUARTER",
    "YEAR",
    "D",
    "MM",
    "Y",
    "YY",
    "YYYY",
    "MON",
    "DAYS",
    "MONTHS",
    "YEARS",
}


def unit_of(node: Any) -> str:
    """Return the unit of a date function in upper case."""
    unit = node.args.get("unit")
    return str(unit.name if unit is not None else "DAY").upper()


def _dated(types: Types, node: Any) -> str:
    inner = types.of(node.this)
    if (
        inner == "DATE"
        and not isinstance(node, exp.TimestampTrunc | exp.DateTrunc)
        and unit_of(node) not in _DATE_UNITS
    ):
        return "TIMESTAMP_NTZ(9)"
    return inner


def _converted(_: Types, node: Any) -> str:
    return ZONED if node.args.get("source_tz") is None else PLAIN


def _read(_: Types, node: Any) -> str:
    kind = node.args.get("target_type")
    return spelling(kind) if kind is not None else UNKNOWN


_CALLED = {
    "TO_TIMESTAMP_TZ": ZONED,
    "TO_TIMESTAMP_LTZ": LOCAL,
    "TRY_TO_TIMESTAMP": PLAIN,
    "TRY_TO_TIMESTAMP_NTZ": PLAIN,
}
_CALLED |= {"TRY_TO_TIMESTAMP_TZ": ZONED, "TRY_TO_TIMESTAMP_LTZ": LOCAL}


def _called(_: Types, node: Any) -> str:
    return _CALLED.get(str(node.this).upper(), UNKNOWN)


def _always(kind: str) -> Callable[[Types, Any], str]:
    return lambda _types, _node: kind


RULES: dict[type, Callable[[Types, Any], str]] = {
    exp.Literal: _literal,
    exp.Column: lambda types, node: types.column(node),
    exp.Identifier: _parameter,
    exp.Boolean: _always("BOOLEAN"),
    exp.Add: _both,
    exp.Sub: _both,
    exp.Mod: _both,
    exp.Mul: _product,
    exp.Div: _quotient,
    exp.Avg: _average,
    exp.Sum: _total,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Case: _chosen,
    exp.If: _chosen,
    exp.Coalesce: _chosen,
    exp.Greatest: _chosen,
    exp.Least: _chosen,
    exp.Round: _rounded,
    exp.Trunc: _rounded,
    exp.Ceil: _rounded,
    exp.Floor: _rounded,
    exp.WithinGroup: _within_group,
    exp.Subquery: _scalar,
    exp.DateAdd: _dated,
    exp.DateSub: _dated,
    exp.DateTrunc: _dated,
    exp.TimestampTrunc: _dated,
    exp.AddMonths: _inner,
    exp.TsOrDsToDate: _always("DATE"),
    exp.CurrentDate: _always("DATE"),
    exp.ConvertTimezone: _converted,
    exp.StrToTime: _read,
    exp.TimestampTzFromParts: _always(ZONED),
    exp.Anonymous: _called,
    exp.LastDay: _always("DATE"),
    **dict.fromkeys(
        (
            exp.Alias, exp.Paren, exp.Neg, exp.Abs, exp.Min, exp.Max, exp.AnyValue, exp.Window, exp.Filter, exp.Lag,
            exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Nullif, exp.IgnoreNulls, exp.ArgMax, exp.ArgMin,
            exp.Median,
        ),
        _inner,
    ),
    **dict.fromkeys(
        (exp.Count, exp.CountIf, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Length, exp.ApproxDistinct),
        _always(COUNT),
    ),
    **dict.fromkeys(
        (exp.Upper, exp.Lower, exp.Concat, exp.DPipe, exp.Trim, exp.Substring, exp.GroupConcat, exp.SplitPart,
         exp.Replace, exp.JSONExtractScalar, exp.JSONFormat, exp.Left, exp.Right, exp.Initcap),
        _always(TEXT),
    ),
    **dict.fromkeys(
        (exp.JSONExtract, exp.Bracket, exp.ParseJSON, exp.GetExtract, exp.GetIgnoreCase, exp.ToVariant,
         exp.StripNullValue, exp.ArrayMax, exp.ArrayMin),
        _always("VARIANT"),
    ),
    **dict.fromkeys(
        (exp.Array, exp.ArrayAgg, exp.ArrayUniqueAgg, exp.ToArray, exp.Split, exp.StrtokToArray, exp.ArrayAppend,
         exp.ArrayPrepend, exp.ArrayConcat, exp.ArraySlice, exp.ArrayCompact, exp.ArrayDistinct, exp.ArraySort,
         exp.ArrayIntersect, exp.ArrayExcept, exp.ArrayInsert, exp.ArrayRemove, exp.ArrayRemoveAt, exp.ArrayReverse,
         exp.Flatten, exp.GenerateSeries, exp.JSONKeys, exp.RegexpExtractAll, exp.ArrayFilter, exp.Transform,
         exp.ArrayConstructCompact),
        _always("ARRAY"),
    ),
    **dict.fromkeys((exp.Struct, exp.JSONObject, exp.ObjectAgg, exp.ObjectInsert), _always("OBJECT")),
    **dict.fromkeys(
        (exp.Sqrt, exp.Pow, exp.Exp, exp.Ln, exp.Log, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance,
         exp.VariancePop, exp.Corr),
        _always(FLOAT),
    ),
    exp.ParseUrl: _always("OBJECT"),
    exp.Soundex: _always(TEXT),
}  # fmt: skip
