"""Tells the Snowflake type of an expression in a resolved statement, as far as its columns' types are known.

DuckDB divides and averages in binary floating point and keeps no VARIANT apart from text; where the account answers
otherwise, the translation has to know the operands. An unknown type is the empty string, never a guess.
Source: https://docs.snowflake.com/en/sql-reference/operators-arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from skipass.sandbox.failures import Failure
from skipass.sandbox.resolve import Reading
from skipass.sandbox.sqltypes import from_duck, spelling

Columns = dict[str, str]
UNKNOWN = ""
FLOAT = "FLOAT"
TEXT = "VARCHAR(16777216)"
COUNT = "NUMBER(18,0)"
_FIXED = re.compile(r"NUMBER\((\d+),(\d+)\)\Z")
_JSON = ("VARIANT", "OBJECT", "ARRAY")


def scale_of(spelled: str) -> int | None:
    """Return the scale of a NUMBER, or None for any other type."""
    match = _FIXED.match(spelled)
    return int(match.group(2)) if match else None


def is_json(spelled: str) -> bool:
    """Tell whether values of the type are JSON in DuckDB."""
    return spelled in _JSON


def number(scale: int, precision: int = 38) -> str:
    """Return the spelling of a NUMBER."""
    return f"NUMBER({precision},{scale})"


def division_scale(dividend: int) -> int:
    """Return the scale of a quotient or average whose dividend has this scale."""
    return max(dividend, min(dividend + 6, 12))


def unify(kinds: list[str]) -> str:
    """Return the type that holds values of all these types."""
    known = [kind for kind in kinds if kind]
    if not known or len(known) < len(kinds):
        return UNKNOWN
    if len(set(known)) == 1:
        return known[0]
    scales = [scale_of(kind) for kind in known]
    plain = [scale for scale in scales if scale is not None]
    if len(plain) == len(scales):
        return number(max(plain))
    if all(scale is not None or kind == FLOAT for scale, kind in zip(scales, known, strict=True)):
        return FLOAT
    return TEXT if all(kind.startswith("VARCHAR") for kind in known) else UNKNOWN


class Types:
    """Types of the expressions of one statement; each answer is kept on its node."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def of(self, node: Any) -> str:
        """Return the type of an expression, or the empty string."""
        if not isinstance(node, exp.Expression):
            return UNKNOWN
        kept = node.meta.get("sf_type")
        if kept is not None:
            return str(kept)
        node.meta["sf_type"] = UNKNOWN  # a cycle through a recursive name ends here
        found = self._of(node)
        node.meta["sf_type"] = found
        return found

    def _of(self, node: Any) -> str:
        rule = _RULES.get(type(node))
        if rule is not None:
            return rule(self, node)
        if isinstance(node, exp.Predicate):
            return "BOOLEAN"
        return UNKNOWN

    def column(self, node: Any) -> str:
        """Return the type of a column reference, looked up outwards through the selects around it."""
        select = node.find_ancestor(exp.Select)
        while select is not None:
            found = self._in_sources(self.sources(select), node)
            if found is not None:
                return found
            select = select.find_ancestor(exp.Select)
        matches = {
            column.type
            for table in self._reading.physical.values()
            for column in table.columns
            if column.name == node.name
        }
        return matches.pop() if len(matches) == 1 else UNKNOWN

    def _in_sources(self, sources: dict[str, Columns], node: Any) -> str | None:
        if node.table:
            columns = sources.get(node.table)
            return None if columns is None else columns.get(node.name, UNKNOWN)
        for columns in sources.values():
            if node.name in columns:
                return columns[node.name]
        return None

    def sources(self, select: Any) -> dict[str, Columns]:
        """Return what each source in FROM offers, by its alias."""
        clause = select.args.get("from_")
        nodes = [clause.this] if clause is not None else []
        nodes += [join.this for join in select.args.get("joins") or []]
        nodes += select.args.get("laterals") or []
        found: dict[str, Columns] = {}
        for node in nodes:
            found[node.alias_or_name or f"#{len(found)}"] = self.offered(node)
            for join in node.args.get("joins") or []:
                found[join.this.alias_or_name or f"#{len(found)}"] = self.offered(join.this)
        return found

    def offered(self, node: Any) -> Columns:
        """Return the columns of one source with their types."""
        columns = self._source(node)
        given = node.args.get("alias")
        names = [one.name for one in given.columns] if given is not None else []
        if names and len(names) == len(columns):
            return dict(zip(names, columns.values(), strict=True))
        return columns

    def _source(self, node: Any) -> Columns:
        if "sf_columns" in node.meta:
            return dict(node.meta["sf_columns"])
        if isinstance(node, exp.Table):
            table = self._reading.physical.get(node.name)
            if table is not None:
                return {column.name: column.type for column in table.columns}
            return self._cte(node)
        if isinstance(node, exp.Values):
            first = node.expressions[0] if node.expressions else None
            cells = first.expressions if isinstance(first, exp.Tuple) else []
            return {f"COLUMN{index}": self.of(cell) for index, cell in enumerate(cells, 1)}
        inner = node.this if isinstance(node, (exp.Subquery, exp.Lateral)) else None
        return self.output(inner) if inner is not None else {}

    def _cte(self, node: Any) -> Columns:
        holder = node.parent
        while holder is not None:
            clause = holder.args.get("with_")
            for cte in clause.expressions if clause is not None else []:
                if cte.alias == node.name:
                    return self.offered(cte) if "sf_open" not in cte.meta else {}
            holder = holder.parent
        return {}

    def output(self, query: Any) -> Columns:
        """Return the columns of a query in order, stars expanded."""
        if isinstance(query, exp.CTE):
            query.meta["sf_open"] = True
            try:
                return self.output(query.this)
            finally:
                query.meta.pop("sf_open")
        if isinstance(query, (exp.SetOperation, exp.Subquery)):
            return self.output(query.this)
        if not isinstance(query, exp.Select):
            return {}
        found: Columns = {}
        for projection in query.expressions:
            if projection.is_star:
                wanted = projection.table if isinstance(projection, exp.Column) else ""
                for alias, columns in self.sources(query).items():
                    found |= columns if wanted in ("", alias) else {}
            else:
                found[projection.alias_or_name or f"#{len(found)}"] = self.of(projection)
        return found


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


def _always(kind: str) -> Callable[[Types, Any], str]:
    return lambda _types, _node: kind


_RULES: dict[type, Callable[[Types, Any], str]] = {
    exp.Literal: _literal,
    exp.Column: Types.column,
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
}  # fmt: skip
