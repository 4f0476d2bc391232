"""Casts, conversion functions, and dates that stay dates."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, formats
from skipass.sandbox.inferrules import unit_of
from skipass.sandbox.kinds import is_json, scale_of
from skipass.sandbox.semistructured import BY_NAME, macro
from skipass.sandbox.translation import Rule, Translation

_DAY_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "WEEKISO"}
CASTS = {
    "TO_TIMESTAMP_TZ": ("TIMESTAMPTZ", False),
    "TO_TIMESTAMP_LTZ": ("TIMESTAMPTZ", False),
    "TRY_TO_TIMESTAMP": ("TIMESTAMP", True),
    "TRY_TO_TIMESTAMP_NTZ": ("TIMESTAMP", True),
    "TRY_TO_TIMESTAMP_TZ": ("TIMESTAMPTZ", True),
    "TRY_TO_TIMESTAMP_LTZ": ("TIMESTAMPTZ", True),
}


def _dated(work: Translation, node: Any) -> Any:
    """A whole number of days added to a DATE, or a DATE cut to one, is a DATE."""
    if work.types.of(node.this) == "DATE" and unit_of(node) in _DAY_UNITS:
        return exp.cast(node, "DATE")
    return node


def _cast(work: Translation, node: Any) -> Any:
    kind, value = node.to.this, node.this
    source = work.types.of(value)
    if kind in (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ) and source.startswith("VARCHAR"):
        node.set("this", macro("sf_zoned", value))
        return node
    if kind in (exp.DType.VARIANT, exp.DType.OBJECT, exp.DType.JSON):
        return macro("sf_variant", value)
    if kind == exp.DType.ARRAY and not node.to.expressions:
        return macro("sf_to_array", value)
    if kind in exp.DataType.TEXT_TYPES and (is_json(source) or not source):
        return macro("sf_text", value)
    if kind in exp.DataType.TEXT_TYPES and source.startswith("TIMESTAMP_NTZ"):
        return exp.Anonymous(this="strftime", expressions=[value, exp.Literal.string("%Y-%m-%d %H:%M:%S.%g")])
    return node


def _to_number(_: Translation, node: Any) -> Any:
    precision, scale = node.args.get("precision"), node.args.get("scale")
    value = node.this
    if node.args.get("format") is not None:
        value = exp.Anonymous(
            this="regexp_replace",
            expressions=[value, exp.Literal.string("[$, ]"), exp.Literal.string(""), exp.Literal.string("g")],
        )
    kind = f"DECIMAL({precision.name if precision else 38}, {scale.name if scale else 0})"
    if node.args.get("safe"):
        return exp.TryCast(this=value, to=exp.DataType.build(kind, dialect="duckdb"))
    return exp.cast(value, kind, dialect="duckdb")


def _to_char(work: Translation, node: Any) -> Any:
    pattern = node.args.get("format")
    if pattern is None:
        return macro("sf_text", node.this)
    if not isinstance(pattern, exp.Literal):
        raise failures.unsupported("format that is no literal")
    return formats.rendered(node.this, work.types.of(node.this), pattern.name)


def _named(_: Translation, node: Any) -> Any:
    name = str(node.this).upper()
    if name in BY_NAME:
        return BY_NAME[name](node)
    if name in CASTS:
        kind, safe = CASTS[name]
        to = exp.DataType.build(kind, dialect="duckdb")
        return exp.TryCast(this=node.expressions[0], to=to) if safe else exp.cast(node.expressions[0], to)
    if name == "HASH":
        half = exp.IntDiv(this=exp.Anonymous(this="hash", expressions=node.expressions), expression=exp.convert(2))
        return exp.cast(half, "BIGINT")
    return node


def _type_name(work: Translation, node: Any) -> Any:
    if str(node.this).upper() != "SYSTEM$TYPEOF":
        return _named(work, node)
    kind = work.types.of(node.expressions[0])
    if not kind:
        raise failures.unsupported("SYSTEM$TYPEOF of this expression")
    storage = "LOB" if kind.startswith("VARCHAR") else "SB16" if scale_of(kind) is not None else kind.partition("(")[0]
    return exp.Literal.string(f"{kind}[{storage}]")


RULES: dict[type, Rule] = {
    **dict.fromkeys((exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.TimestampTrunc), _dated),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.ToNumber: _to_number,
    exp.ToChar: _to_char,
    exp.Anonymous: _type_name,
}
