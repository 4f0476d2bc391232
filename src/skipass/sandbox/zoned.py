"""TIMESTAMP_TZ: an instant with an offset of its own, kept in DuckDB as both.

Compared as instants; read by functions on the value's own local clock; shown with its offset. Everything that is done
with such a value goes through here, because DuckDB has no type of that kind.
Source: https://docs.snowflake.com/en/sql-reference/data-types-datetime.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.kinds import ZONED, is_json
from skipass.sandbox.semistructured import macro
from skipass.sandbox.translation import Rule, Translation, branches

_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Between)
_INSTANTS = (*_COMPARED, exp.DateDiff, exp.TimestampDiff, exp.ApproxDistinct)
_SHOWN = (
    exp.DPipe, exp.Concat, exp.ToVariant, exp.GroupConcat, exp.PropertyEQ, exp.Array, exp.ArrayAgg, exp.ObjectAgg,
)  # fmt: skip
_KEPT = (exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.TimestampTrunc, exp.AddMonths)
_BRANCHED = (exp.Case, exp.If, exp.Coalesce)
# What hands a value on as it is, or has a rule of its own below.
_WHOLE = (
    *_BRANCHED, exp.Cast, exp.TryCast, exp.Min, exp.Max, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue, exp.NthValue, exp.Count, exp.Greatest, exp.Least, exp.Nullif, exp.ConvertTimezone,
    exp.And, exp.Or, exp.Distinct, exp.ToChar, exp.TimeToStr, exp.Dot,
)  # fmt: skip


def is_zoned(kind: str) -> bool:
    """Tell whether values of the type carry an offset."""
    return kind.startswith("TIMESTAMP_TZ")


def wall(value: Any) -> Any:
    """Return what a clock with the value's offset shows, without a zone."""
    return macro("sf_tz_wall", value)


def instant(value: Any) -> Any:
    """Return the instant of a value, without its offset."""
    return macro("struct_extract", value, "t")


def offset(value: Any) -> Any:
    """Return the offset of a value as `+0200`."""
    return macro("sf_offset", macro("struct_extract", value, "o"))


def unwrap(work: Translation, node: Any) -> Any | None:
    """Give a function or comparison what it needs of its zoned arguments; return the offset that the result keeps."""
    if isinstance(node, _WHOLE) or not isinstance(node, (exp.Func, exp.Binary, exp.Predicate)):
        return None
    if isinstance(node, exp.EQ) and isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
        return None  # SET, which was cast to the column's type
    take = instant if isinstance(node, _INSTANTS) else (_text if isinstance(node, _SHOWN) else wall)
    kept = None
    for child in list(node.iter_expressions()):
        if is_zoned(work.types.of(child)):
            kept = macro("struct_extract", child.copy(), "o")
            child.replace(take(child.copy()))
    return kept if isinstance(node, _KEPT) else None


def rewrapped(made: Any, minutes: Any) -> Any:
    """Return the local time that a function made of a zoned value as a zoned value again."""
    return macro("sf_tz_at", exp.cast(made, "TIMESTAMP", dialect="duckdb"), minutes)


def _text(value: Any) -> Any:
    return macro("sf_tz_show", value)


def zoned(value: Any, kind: str, *, lenient: bool = False) -> Any:
    """Return a value of any type as a zoned one; what has no offset takes the session's."""
    if is_zoned(kind):
        return value
    if kind.startswith("TIMESTAMP_LTZ"):
        return macro("sf_tz_ltz", value)
    if kind.startswith(("TIMESTAMP_NTZ", "DATE")):
        return macro("sf_tz_ltz", exp.cast(value, "TIMESTAMPTZ", dialect="duckdb"))
    text = value if kind.startswith("VARCHAR") else macro("sf_text", value)
    return macro("sf_try_tz_text" if lenient else "sf_tz_text", text)


def unzoned(value: Any, to: Any) -> Any:
    """Return a zoned value cast to another type."""
    kind = to.this
    if kind in (exp.DType.TIMESTAMPLTZ,):
        return instant(value)
    if kind in exp.DataType.TEXT_TYPES:
        return _text(value)
    if kind in (exp.DType.VARIANT, exp.DType.OBJECT, exp.DType.JSON):
        return macro("sf_variant", _text(value))
    return exp.Cast(this=wall(value), to=to)


def together(work: Translation, node: Any) -> Any:
    """Branches of which one is zoned are all zoned."""
    values = branches(node)
    kinds = [work.types.of(value) for _, _, value in values]
    if any(map(is_zoned, kinds)):
        for (holder, key, value), kind in zip(values, kinds, strict=True):
            if not is_zoned(kind) and not isinstance(value, exp.Null):
                holder.set(key, zoned(value.copy(), kind), value.index)
        node.meta["sf_type"] = ZONED
    return node


def _converted(work: Translation, node: Any) -> Any:
    """With a source zone the value is a local time there and stays one; without, it is an instant seen from a zone."""
    value, target, source = node.args["timestamp"], node.args["target_tz"], node.args.get("source_tz")
    kind = work.types.of(value)
    if source is not None:
        there = exp.cast(wall(value) if is_zoned(kind) else value, "TIMESTAMP", dialect="duckdb")
        return macro("timezone", target, macro("timezone", source, there))
    at = instant(value) if is_zoned(kind) else _local(value, kind)
    return macro("sf_tz_in", at, target)


def _local(value: Any, kind: str) -> Any:
    if kind.startswith("VARCHAR") or is_json(kind):
        return instant(zoned(value, kind))
    return exp.cast(value, "TIMESTAMPTZ", dialect="duckdb")


def _from_parts(_: Translation, node: Any) -> Any:
    parts = [node.args[key] for key in ("year", "month", "day", "hour", "min", "sec")]
    nano, zone = node.args.get("nano"), node.args.get("zone")
    made = macro("make_timestamp", *(exp.cast(one, "BIGINT") for one in parts[:5]), exp.cast(parts[5], "DOUBLE"))
    if nano is not None and nano.sql() != "0":
        raise failures.unsupported("nanoseconds in TIMESTAMP_TZ_FROM_PARTS")
    if zone is None:
        return macro("sf_tz_ltz", exp.cast(made, "TIMESTAMPTZ", dialect="duckdb"))
    return macro("sf_tz_in", macro("timezone", zone, made), zone.copy())


RULES: dict[type, Rule] = {exp.ConvertTimezone: _converted, exp.TimestampTzFromParts: _from_parts}
