"""Names the macro that stands for each semi-structured function, with its arguments in the macro's order.

Values are JSON in DuckDB; which arguments are arrays and which are values is decided here and nowhere else.
Source: https://docs.snowflake.com/en/sql-reference/functions-semistructured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

Builder = Callable[[Any], Any]


def macro(name: str, *arguments: Any) -> Any:
    """Return a call of one of DuckDB's macros; Python numbers and text become literals."""
    return exp.Anonymous(this=name, expressions=[exp.convert(one) for one in arguments])


def _plain(name: str, *keys: str) -> Builder:
    def build(node: Any) -> Any:
        return macro(name, *(node.args[key] for key in keys))

    return build


def _type_is(*kinds: str) -> Builder:
    def build(node: Any) -> Any:
        test = macro("sf_type", node.this if isinstance(node.this, exp.Expression) else node.expressions[0])
        return exp.In(this=test, expressions=[exp.Literal.string(kind) for kind in kinds])

    return build


def as_type(kind: str, *accepted: str) -> Builder:
    """Return a builder for AS_<type>: the value if it has the type, else NULL."""

    def build(node: Any) -> Any:
        value = node.expressions[0]
        test = exp.In(this=macro("sf_type", value.copy()), expressions=[exp.Literal.string(one) for one in accepted])
        shown = value if kind == "JSON" else exp.cast(macro("sf_text", value), kind, dialect="duckdb")
        return exp.Case(ifs=[exp.If(this=test, true=shown)])

    return build


def _pairs(node: Any) -> Any:
    pairs = [macro("sf_pair", one.this, one.expression) for one in node.expressions]
    return macro("sf_object", exp.Array(expressions=pairs))


def _pairs_kept(node: Any) -> Any:
    pairs = [macro("sf_pair_null", one.this, one.expression) for one in node.expressions]
    return macro("sf_object", exp.Array(expressions=pairs))


def _array(node: Any) -> Any:
    return macro("json_array", *(macro("sf_variant", one) for one in node.expressions))


def _compact(node: Any) -> Any:
    return macro("sf_array_compact", _array(node))


def _cat(node: Any) -> Any:
    return macro("sf_array_cat", node.this, node.expressions[0])


def _intersection(node: Any) -> Any:
    return macro("sf_array_intersection", *node.expressions)


def _range(node: Any) -> Any:
    return macro("sf_array_range", node.args["start"], node.args["end"], node.args.get("step") or 1)


def _bracket(node: Any) -> Any:
    return macro("sf_get", node.this, node.expressions[0])


def _sort(node: Any) -> Any:
    ascending = node.args.get("asc")
    ordered = macro("sf_array_sort", node.this)
    down = isinstance(ascending, exp.Boolean) and not ascending.this
    return macro("sf_array_reverse", ordered) if down else ordered


def _listed(name: str) -> Builder:
    return lambda node: macro(name, node.expressions[0], exp.Array(expressions=node.expressions[1:]))


def _url(node: Any) -> Any:
    """With 1 as its second argument an address that cannot be read is told, not refused."""
    lenient = node.args.get("permissive")
    return macro("sf_try_parse_url" if lenient is not None and lenient.name == "1" else "sf_parse_url", node.this)


def _as_json(node: Any) -> Any:
    return macro("to_json", node.copy())


BY_CLASS: dict[type, Builder] = {
    exp.Array: _array,
    exp.Struct: _pairs,
    exp.JSONObject: _pairs_kept,
    exp.Bracket: _bracket,
    exp.GetExtract: _plain("sf_get", "this", "expression"),
    exp.GetIgnoreCase: _plain("sf_get_ignore_case", "this", "expression"),
    exp.ArraySize: _plain("sf_array_size", "this"),
    exp.ArrayAppend: _plain("sf_array_append", "this", "expression"),
    exp.ArrayPrepend: _plain("sf_array_prepend", "this", "expression"),
    exp.ArrayConcat: _cat,
    exp.ArraySlice: _plain("sf_array_slice", "this", "start", "end"),
    exp.ArrayInsert: _plain("sf_array_insert", "this", "position", "expression"),
    exp.ArrayRemove: _plain("sf_array_remove", "this", "expression"),
    exp.ArrayRemoveAt: _plain("sf_array_remove_at", "this", "position"),
    exp.ArrayCompact: _plain("sf_array_compact", "this"),
    exp.ArrayConstructCompact: _compact,
    exp.ArrayContains: _plain("sf_array_contains", "expression", "this"),
    exp.ArrayPosition: _plain("sf_array_position", "expression", "this"),
    exp.ArrayDistinct: _plain("sf_array_distinct", "this"),
    exp.ArrayReverse: _plain("sf_array_reverse", "this"),
    exp.Flatten: _plain("sf_array_flatten", "this"),
    exp.ArraySort: _sort,
    exp.ArrayMin: _plain("sf_array_min", "this"),
    exp.ArrayMax: _plain("sf_array_max", "this"),
    exp.ArrayIntersect: _intersection,
    exp.ArrayExcept: _plain("sf_array_except", "this", "expression"),
    exp.ArrayOverlaps: _plain("sf_arrays_overlap", "this", "expression"),
    exp.ArrayToString: _plain("sf_array_to_string", "this", "expression"),
    exp.GenerateSeries: _range,
    exp.ToArray: _plain("sf_to_array", "this"),
    exp.ToVariant: _plain("sf_variant", "this"),
    exp.JSONKeys: _plain("sf_object_keys", "this"),
    exp.ObjectInsert: _plain("sf_object_insert", "this", "key", "value"),
    exp.ObjectAgg: _plain("json_group_object", "this", "expression"),
    exp.StripNullValue: _plain("sf_strip_null", "this"),
    exp.Soundex: _plain("sf_soundex", "this"),
    exp.ParseUrl: _url,
    exp.Typeof: _plain("sf_type", "this"),
    exp.IsArray: _type_is("ARRAY"),
    exp.IsNullValue: _type_is("NULL_VALUE"),
    exp.TryBase64DecodeString: _plain("sf_try_base64_text", "this"),
    exp.Split: _as_json,
    exp.StrtokToArray: _as_json,
    exp.RegexpExtractAll: _as_json,
}

BY_NAME: dict[str, Builder] = {
    "OBJECT_DELETE": _listed("sf_object_delete"),
    "OBJECT_PICK": _listed("sf_object_pick"),
    "TO_OBJECT": lambda node: macro("sf_variant", node.expressions[0]),
    "IS_OBJECT": _type_is("OBJECT"),
    "IS_VARCHAR": _type_is("VARCHAR"),
    "IS_CHAR": _type_is("VARCHAR"),
    "IS_INTEGER": _type_is("INTEGER"),
    "IS_BOOLEAN": _type_is("BOOLEAN"),
    "IS_DECIMAL": _type_is("INTEGER", "DECIMAL"),
    "IS_DOUBLE": _type_is("INTEGER", "DECIMAL"),
    "IS_REAL": _type_is("INTEGER", "DECIMAL"),
    "AS_VARCHAR": as_type("VARCHAR", "VARCHAR"),
    "AS_CHAR": as_type("VARCHAR", "VARCHAR"),
    "AS_INTEGER": as_type("BIGINT", "INTEGER"),
    "AS_DOUBLE": as_type("DOUBLE", "INTEGER", "DECIMAL"),
    "AS_BOOLEAN": as_type("BOOLEAN", "BOOLEAN"),
    "AS_OBJECT": as_type("JSON", "OBJECT"),
    "AS_ARRAY": as_type("JSON", "ARRAY"),
}
