"""Turns a resolved Snowflake statement into one that means the same to DuckDB, where the generator alone would not.

Runs after names were resolved, because much of it depends on the types of columns: exact division, VARIANT beside
text, dates that stay dates. What it cannot say exactly it refuses. It checks no privilege.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox import conversions, exactness, failures, variants, zoned
from skipass.sandbox.infer import Types
from skipass.sandbox.kinds import UNKNOWN
from skipass.sandbox.resolve import Reading
from skipass.sandbox.semistructured import BY_CLASS, BY_NAME
from skipass.sandbox.tablefunctions import SEQUENCE
from skipass.sandbox.translation import Rule, Translation

NAMES = frozenset(
    {*BY_NAME, *conversions.CASTS, "HASH", "RATIO_TO_REPORT", "CONDITIONAL_CHANGE_EVENT", "SYSTEM$TYPEOF"}
)


def translate(tree: Any, reading: Reading) -> Any:
    """Return the tree with every expression put in DuckDB's terms; 000002 for what has none."""
    _positions(tree, Types(reading))
    work = Translation(Types(reading))
    nodes = list(tree.walk(bfs=False))
    for node in nodes:
        work.types.of(node)
    for node in reversed(nodes):
        parent, key, index = node.parent, node.arg_key, node.index
        made = _made(work, node)
        if made is node:
            continue
        made.meta["sf_type"] = node.meta.get("sf_type", UNKNOWN)
        if parent is None:
            tree = made
        else:
            parent.set(key, made, index)
    return tree


def _made(work: Translation, node: Any) -> Any:
    if node.meta.get("sf_raw"):
        return node
    offset = zoned.unwrap(work, node)
    rule = _RULES.get(type(node)) or _macro_rule(node)
    made = node if rule is None else rule(work, node)
    return made if offset is None else zoned.rewrapped(made.copy(), offset)


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


def _sequence(_: Translation, node: Any) -> Any:
    select = node.find_ancestor(exp.Select)
    clause = select.args.get("from_") if select is not None else None
    if clause is not None and clause.this.meta.get("sf_generator"):
        return exp.column(exp.to_identifier(SEQUENCE, quoted=True))
    counted = exp.Window(this=exp.RowNumber())
    return exp.paren(exp.Sub(this=counted, expression=exp.Literal.number(1)))


def _sampled(_: Translation, node: Any) -> Any:
    """A fixed number of rows is a reservoir; the account takes exactly as many."""
    if node.args.get("size") is not None:
        node.set("method", exp.var("RESERVOIR"))
    return node


_RULES: dict[type, Rule] = {
    **variants.RULES,
    **exactness.RULES,
    **conversions.RULES,
    **zoned.RULES,
    **dict.fromkeys((exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8), _sequence),
    exp.TableSample: _sampled,
}
