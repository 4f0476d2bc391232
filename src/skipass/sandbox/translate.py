"""Turns a resolved Snowflake statement into one that means the same to DuckDB, where the generator alone would not.

Runs after names were resolved, because much of it depends on the types of columns: exact division, VARIANT beside
text, dates that stay dates. What it cannot say exactly it refuses. It checks no privilege.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, formats
from skipass.sandbox.infer import FLOAT, UNKNOWN, Types, division_scale, is_json, scale_of, unit_of
from skipass.sandbox.resolve import Reading
from skipass.sandbox.semistructured import BY_CLASS, BY_NAME, macro
from skipass.sandbox.tablefunctions import SEQUENCE

_AROUND = (exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls)
_DAY_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "WEEKISO"}
Rule = Callable[["Translation", Any], Any]


def translate(tree: Any, reading: Reading) -> Any:
    """Return the tree with every expression put in DuckDB's terms; 000002 for what has none."""
    _positions(tree, Types(reading))
    work = Translation(Types(reading))
    nodes = list(tree.walk(bfs=False))
    for node in nodes:
        work.types.of(node)
    for node in reversed(nodes):
        rule = None if node.meta.get("sf_raw") else _RULES.get(type(node)) or _macro_rule(node)
        if rule is None:
            continue
        parent, key, index = node.parent, node.arg_key, node.index
        made = rule(work, node)
        if made is node:
            continue
        made.meta["sf_type"] = node.meta.get("sf_type", UNKNOWN)
        if parent is None:
            tree = made
        else:
            parent.set(key, made, index)
    return tree


def _macro_rule(node: Any) -> Rule | None:
    named = isinstance(node, exp.Anonymous)
    builder = BY_NAME.get(str(node.this).upper()) if named else BY_CLASS.get(type(node))
    return None if builder is None else lambda _, one: builder(one)


def _positions(tree: Any, types: Types) -> None:
    for node in list(tree.find_all(exp.Parameter)):
        select = node.find_ancestor(exp.Select)
        sources = types.sources(select) if select is not None else {}
        names = [name for columns in sources.values() for name in columns]
        place = int(node.name) if node.name.isdigit() else 0
        if len(sources) != 1 or not 1 <= place <= len(names):
            raise failures.invalid_identifier(f"${node.name}")
        node.replace(exp.column(exp.to_identifier(names[place - 1], quoted=True)))


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


def _numeric(work: Translation, node: Any) -> Any:
    for key in ("this", "expression"):
        value = node.args.get(key)
        if isinstance(value, exp.Expression) and work.json(value):
            node.set(key, work.like(value, FLOAT))
    return node


def _alike(work: Translation, node: Any) -> Any:
    """Branches that mix VARIANT with anything else are VARIANT."""
    values = _branches(node)
    if any(work.json(one) for _, _, one in values):
        for holder, key, value in values:
            if not work.json(value) and not isinstance(value, exp.Null):
                index = value.index
                holder.set(key, macro("sf_variant", value.copy()), index)
        node.meta["sf_type"] = "VARIANT"
    return node


def _branches(node: Any) -> list[tuple[Any, str, Any]]:
    if isinstance(node, exp.Coalesce):
        return [(node, "this", node.this), *((node, "expressions", one) for one in node.expressions)]
    holders = node.args.get("ifs") or [node]
    found = [(one, "true", one.args.get("true")) for one in holders]
    last = "default" if isinstance(node, exp.Case) else "false"
    found.append((node, last, node.args.get(last)))
    return [(holder, key, value) for holder, key, value in found if value is not None]


def _divided(work: Translation, node: Any) -> Any:
    """Exact operands give an exact quotient, rounded to the account's scale."""
    _numeric(work, node)
    scale = scale_of(work.types.of(node))
    divisor = _nonzero(node.expression)
    if scale is None:
        return exp.Div(this=node.this, expression=divisor, typed=False, safe=False)
    return _decimal(exp.Div(this=exp.cast(node.this, "DOUBLE"), expression=divisor, typed=False, safe=False), scale)


def _remainder(work: Translation, node: Any) -> Any:
    _numeric(work, node)
    node.set("expression", _nonzero(node.expression))
    return node


def _nonzero(divisor: Any) -> Any:
    """DuckDB answers NULL where the account refuses to divide by zero."""
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0:
        return divisor
    guard = exp.Anonymous(this="ERROR", expressions=[exp.Literal.string("Division by zero")])
    test = exp.EQ(this=exp.paren(divisor.copy()), expression=exp.Literal.number(0))
    return exp.paren(exp.Case(ifs=[exp.If(this=test, true=guard)], default=divisor.copy()))


def _decimal(node: Any, scale: int) -> Any:
    return exp.cast(node, f"DECIMAL(38, {scale})", dialect="duckdb")


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
    scale = scale_of(work.types.of(inner if not isinstance(inner, exp.PercentileCont) else node))
    if scale is None or not isinstance(inner, (exp.Avg, exp.Median, exp.PercentileCont)):
        return node
    return _decimal(node, scale if isinstance(inner, exp.Avg) else scale + 3)


def _ratio(work: Translation, node: Any, inner: Any) -> Any:
    value = inner.expressions[0]
    scale = scale_of(work.types.of(value))
    inner.replace(exp.Sum(this=value.copy()))
    total = exp.func("NULLIF", node, exp.Literal.number(0))
    share = exp.Div(this=exp.cast(value.copy(), "DOUBLE"), expression=total, typed=False)
    return share if scale is None else _decimal(share, division_scale(scale))


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


def _sequence(_: Translation, node: Any) -> Any:
    select = node.find_ancestor(exp.Select)
    clause = select.args.get("from_") if select is not None else None
    if clause is not None and clause.this.meta.get("sf_generator"):
        return exp.column(exp.to_identifier(SEQUENCE, quoted=True))
    counted = exp.Window(this=exp.RowNumber())
    return exp.paren(exp.Sub(this=counted, expression=exp.Literal.number(1)))


def _exclusive_or(_: Translation, node: Any) -> Any:
    return exp.paren(exp.NEQ(this=macro("sf_bool", node.this), expression=macro("sf_bool", node.expression)))


def _star_map(work: Translation, node: Any) -> Any:
    select = node.find_ancestor(exp.Select)
    names = [name for columns in work.types.sources(select).values() for name in columns]
    columns = [exp.column(exp.to_identifier(name, quoted=True)) for name in names]
    pairs = [macro("sf_pair", name, column) for name, column in zip(names, columns, strict=True)]
    return macro("sf_object", exp.Array(expressions=pairs))


def _width_bucket(_: Translation, node: Any) -> Any:
    return macro("sf_width_bucket", *(node.args[key] for key in ("this", "min_value", "max_value", "num_buckets")))


def _months_between(_: Translation, node: Any) -> Any:
    return _decimal(node.copy(), 6) if not isinstance(node.parent, exp.Cast) else node


def _lambda_list(work: Translation, node: Any) -> Any:
    function = "list_filter" if isinstance(node, exp.ArrayFilter) else "list_transform"
    body = node.expression
    if function == "list_transform":
        body.set("this", macro("sf_variant", body.this))
    return macro("to_json", exp.Anonymous(this=function, expressions=[macro("sf_list", node.this), body]))


def _sampled(_: Translation, node: Any) -> Any:
    """A fixed number of rows is a reservoir; the account takes exactly as many."""
    if node.args.get("size") is not None:
        node.set("method", exp.var("RESERVOIR"))
    return node


def _named(_: Translation, node: Any) -> Any:
    name = str(node.this).upper()
    if name in BY_NAME:
        return BY_NAME[name](node)
    if name in _CASTS:
        kind, safe = _CASTS[name]
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


_CASTS = {
    "TO_TIMESTAMP_TZ": ("TIMESTAMPTZ", False),
    "TO_TIMESTAMP_LTZ": ("TIMESTAMPTZ", False),
    "TRY_TO_TIMESTAMP": ("TIMESTAMP", True),
    "TRY_TO_TIMESTAMP_NTZ": ("TIMESTAMP", True),
    "TRY_TO_TIMESTAMP_TZ": ("TIMESTAMPTZ", True),
    "TRY_TO_TIMESTAMP_LTZ": ("TIMESTAMPTZ", True),
}
_BITS = (exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg)
NAMES = frozenset({*BY_NAME, *_CASTS, "HASH", "RATIO_TO_REPORT", "SYSTEM$TYPEOF"})
_RULES: dict[type, Rule] = {
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
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Sum, exp.Abs, exp.Round, exp.Neg), _numeric),
    exp.Div: _divided,
    exp.Mod: _remainder,
    **dict.fromkeys((exp.Coalesce, exp.Case, exp.If), _alike),
    **dict.fromkeys(
        (exp.Avg, exp.Median, exp.PercentileCont, exp.ArrayAgg, exp.ArrayUniqueAgg, *_AROUND, *_BITS), _aggregate
    ),
    **dict.fromkeys((exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.TimestampTrunc), _dated),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.ToNumber: _to_number,
    exp.ToChar: _to_char,
    **dict.fromkeys((exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8), _sequence),
    exp.Xor: _exclusive_or,
    exp.StarMap: _star_map,
    exp.WidthBucket: _width_bucket,
    exp.MonthsBetween: _months_between,
    **dict.fromkeys((exp.ArrayFilter, exp.Transform), _lambda_list),
    exp.TableSample: _sampled,
    exp.Anonymous: _type_name,
}  # fmt: skip
