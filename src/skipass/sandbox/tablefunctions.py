"""FLATTEN, SPLIT_TO_TABLE and GENERATOR as subqueries that DuckDB can join laterally.

Each takes the parsed call and returns a source with Snowflake's column names; it knows nothing of roles or storage.
Source: https://docs.snowflake.com/en/sql-reference/functions/flatten and .../generator, .../split_to_table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp

from skipass.sandbox import failures

MAX_ROWS = 10_000_000
SEQUENCE = "__SEQ"
_FLATTENED = {
    "SEQ": "NUMBER(18,0)",
    "KEY": "VARCHAR(16777216)",
    "PATH": "VARCHAR(16777216)",
    "INDEX": "NUMBER(18,0)",
    "VALUE": "VARIANT",
    "THIS": "VARIANT",
}
_SPLIT = {"SEQ": "NUMBER(18,0)", "INDEX": "NUMBER(18,0)", "VALUE": "VARCHAR(16777216)"}
_EMPTY = """SELECT 1, NULL, NULL, NULL, NULL, b.j FROM (SELECT INPUT AS j) AS b
    WHERE b.j IS NULL OR json_type(b.j) NOT IN (KINDS) OR CAST(b.j AS VARCHAR) IN ('[]', '{}')"""
_EACH = """SELECT 1 AS "SEQ", CASE WHEN t.fullkey LIKE '%]' THEN NULL ELSE t.key END AS "KEY",
    ltrim('PREFIX' || substr(t.fullkey, 2), '.') AS "PATH",
    CASE WHEN t.fullkey LIKE '%]' THEN TRY_CAST(regexp_extract(t.fullkey, '([0-9]+).$', 1) AS BIGINT) END AS "INDEX",
    t.value AS "VALUE", json_extract(b.j, t.path) AS "THIS"
    FROM (SELECT INPUT AS j) AS b, WALK(b.j) AS t(key, value, type, atom, id, parent, fullkey, path)
    WHERE json_type(b.j) IN (KINDS) AND t.fullkey <> '$'"""
_PIECES = """SELECT 1 AS "SEQ", generate_subscripts(string_split(INPUT, SEPARATOR), 1) AS "INDEX",
    unnest(string_split(INPUT, SEPARATOR)) AS "VALUE" """


def source(call: Any) -> Any | None:
    """Return the subquery for a known table function, or None; `sf_columns` in its meta names its columns."""
    maker = _MAKERS.get(type(call))
    return maker(call) if maker is not None else None


def _template(text: str, **parts: Any) -> Any:
    tree: Any = sqlglot.parse_one(text, read="duckdb")
    for node in tree.walk():
        node.meta["sf_raw"] = True  # said in DuckDB's terms already
    for column in list(tree.find_all(exp.Column)):
        if column.name in parts and not column.table:
            column.replace(parts[column.name].copy())
    return tree


def _subquery(tree: Any, columns: dict[str, str]) -> Any:
    node = exp.Subquery(this=tree)
    node.meta["sf_columns"] = columns
    return node


def _arguments(call: Any, names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index, argument in enumerate([call.this, *call.expressions]):
        named = isinstance(argument, (exp.Kwarg, exp.PropertyEQ))
        name = argument.this.name.upper() if named else names[index] if index < len(names) else ""
        if name not in names:
            raise failures.compilation("001008", "22023", f"invalid argument name '{name}'")
        found[name] = argument.expression if named else argument
    return found


def _flatten(call: Any) -> Any:
    given = _arguments(call, ("INPUT", "PATH", "OUTER", "RECURSIVE", "MODE"))
    if "INPUT" not in given:
        raise failures.compilation("000938", "22023", "not enough arguments for function [FLATTEN], got 0")
    value = given["INPUT"]
    path = given["PATH"].name if "PATH" in given else ""
    if path:
        value = exp.Anonymous(this="sf_get_path", expressions=[value, exp.Literal.string(path)])
    mode = given["MODE"].name.upper() if "MODE" in given else "BOTH"
    kinds = {"BOTH": "'ARRAY', 'OBJECT'", "ARRAY": "'ARRAY'", "OBJECT": "'OBJECT'"}.get(mode)
    if kinds is None:
        raise failures.compilation("001008", "22023", f"invalid value [{mode}] for parameter 'MODE'")
    walk = "json_tree" if _true(given.get("RECURSIVE")) else "json_each"
    prefix = path.replace("'", "''")
    text = _EACH.replace("WALK", walk).replace("KINDS", kinds).replace("PREFIX", prefix)
    tree = _template(text, INPUT=value)
    if _true(given.get("OUTER")):
        tree = exp.union(tree, _template(_EMPTY.replace("KINDS", kinds), INPUT=value), distinct=False)
    return _subquery(tree, _FLATTENED)


def _true(node: Any) -> bool:
    return isinstance(node, exp.Boolean) and bool(node.this)


def _split(call: Any) -> Any:
    return _subquery(_template(_PIECES, INPUT=call.this, SEPARATOR=call.expression), _SPLIT)


def _generator(call: Any) -> Any:
    count = call.args.get("rowcount")
    if count is None:
        raise failures.unsupported("GENERATOR without ROWCOUNT")
    if not (isinstance(count, exp.Literal) and count.is_int and 0 <= int(count.this) <= MAX_ROWS):
        raise failures.compilation("001008", "22023", f"invalid value [{count.name}] for parameter 'ROWCOUNT'")
    node = _subquery(_template(f'SELECT range AS "{SEQUENCE}" FROM range({int(count.this)})'), {})
    node.meta["sf_generator"] = True
    return node


_MAKERS: dict[type, Callable[[Any], Any]] = {
    exp.Explode: _flatten,
    exp.SplitToTable: _split,
    exp.Generator: _generator,
}
