"""Casts, conversion functions, and dates that stay dates."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, formats, zoned
from skipass.sandbox.inferrules import unit_of
from skipass.sandbox.kinds import is_json, scale_of
from skipass.sandbox.semistructured import BY_NAME, macro
from skipass.sandbox.translation import Rule, Translation

_DAY_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "WEEKISO"}
CASTS = {
    "TO_TIMESTAMP_TZ": (exp.DType.TIMESTAMPTZ, exp.Cast),
    "TO_TIMESTAMP_LTZ": (exp.DType.TIMESTAMPLTZ, exp.Cast),
    "TRY_TO_TIMESTAMP": (exp.DType.TIMESTAMP, exp.TryCast),
    "TRY_TO_TIMESTAMP_NTZ": (exp.DType.TIMESTAMP, exp.TryCast),
    "TRY_TO_TIMESTAMP_TZ": (exp.DType.TIMESTAMPTZ, exp.TryCast),
    "TRY_TO_TIMESTAMP_LTZ": (exp.DType.TIMESTAMPLTZ, exp.TryCast),
}


def _dated(work: Translation, node: Any) -> Any:
    """A whole number of days added to a DATE, or a DATE cut to one, is a DATE."""
    if work.types.of(node.this) == "DATE" and unit_of(node) in _DAY_UNITS:
        return exp.cast(node, "DATE")
    return node


def _cast(work: Translation, node: Any) -> Any:
    kind, value = node.to.this, node.this
    source = work.types.of(value)
    if kind == exp.DType.TIMESTAMPTZ:
        return zoned.zoned(value, source, lenient=isinstance(node, exp.TryCast))
    if zoned.is_zoned(source):
        return zoned.unzoned(value, node.to)
    if kind == exp.DType.TIMESTAMPLTZ and source.startswith("VARCHAR"):
        node.set("this", macro("sf_zoned", value))
        return node
    if kind in (exp.DType.VARIANT, exp.DType.OBJECT, exp.DType.JSON):
        return macro("sf_variant", value)
    if kind == exp.DType.ARRAY and not node.to.expressions:
        return macro("sf_to_array", value)
    if kind in exp.DataType.TEXT_TYPES and (is_json(source) or not source):
        return macro("sf_text", value)
    if kind in exp.DataType.TEXT_TYPES and source.startswith("TIMESTAMP_NTZ"):
        return macro("sf_ntz_text", value)
    if kind in exp.DataType.TEXT_TYPES and source.startswith("TIMESTAMP_LTZ"):
        return macro("sf_ltz_text", value)
    if kind == exp.DType.TIME and source.startswith("TIMESTAMP_LTZ"):
        node.set("this", exp.cast(value, "TIMESTAMP", dialect="duckdb"))
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
    kind = work.types.of(node.this)
    value = zoned.wall(node.this.copy()) if zoned.is_zoned(kind) else node.this
    return formats.rendered(value, kind, pattern.name, _zone(node.this, kind))


def _time_to_str(work: Translation, node: Any) -> Any:
    """TO_CHAR of a value whose type the parser knows: its pattern is DuckDB's already, but for the zone."""
    kind, pattern = work.types.of(node.this), node.args["format"]
    if not isinstance(pattern, exp.Literal) or not kind.startswith("TIMESTAMP"):
        return node
    value = zoned.wall(node.this.copy()) if zoned.is_zoned(kind) else node.this
    return formats.stamped(value, pattern.name, _zone(node.this, kind))


def _zone(value: Any, kind: str) -> Any:
    if zoned.is_zoned(kind):
        return zoned.offset(value.copy())
    return macro("sf_zone", value.copy()) if kind.startswith("TIMESTAMP_LTZ") else exp.Literal.string("Z")


def _str_to_time(_: Translation, node: Any) -> Any:
    kind = node.args.get("target_type")
    if kind is None or kind.this not in (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ):
        return node
    pattern = node.args.get("format")
    if not isinstance(pattern, exp.Literal) or "z" in pattern.name.lower():
        raise failures.unsupported("time zone in a format that is read")
    local = exp.cast(node.copy(), "TIMESTAMPTZ", dialect="duckdb")
    return local if kind.this == exp.DType.TIMESTAMPLTZ else macro("sf_tz_ltz", local)


def _named(work: Translation, node: Any) -> Any:
    name = str(node.this).upper()
    if name in BY_NAME:
        return BY_NAME[name](node)
    if name in CASTS:
        kind, cast = CASTS[name]
        if len(node.expressions) != 1:
            raise failures.unsupported(f"format of {name}")
        return _cast(work, cast(this=node.expressions[0], to=exp.DataType(this=kind)))
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
    exp.TimeToStr: _time_to_str,
    exp.StrToTime: _str_to_time,
    exp.Anonymous: _type_name,
}
