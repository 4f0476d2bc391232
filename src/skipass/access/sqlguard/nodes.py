"""Which nodes of the parser's tree are understood, as data. A node of any other class refuses the statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from skipass.access.sqlguard.lexer import words

QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.MultitableInserts)

# Functions are understood as a class: the sweep reads their names from the text and looks each of them up.
UNDERSTOOD: tuple[type[exp.Expr], ...] = (
    *QUERIES,
    exp.Func,
    exp.Binary,
    exp.Unary,
    exp.Alias,
    exp.Aliases,
    exp.All,
    exp.Any,
    exp.AtTimeZone,
    exp.Between,
    exp.Boolean,
    exp.Bracket,
    exp.CTE,
    exp.Changes,
    exp.Collate,
    exp.Column,
    exp.ConditionalInsert,
    exp.Connect,
    exp.Cube,
    exp.DataType,
    exp.DataTypeParam,
    exp.Distinct,
    exp.Dot,
    exp.Escape,
    exp.Fetch,
    exp.From,
    exp.Group,
    exp.GroupingSets,
    exp.HavingMax,
    exp.HexString,
    exp.HistoricalData,
    exp.Identifier,
    exp.IgnoreNulls,
    exp.In,
    exp.Interval,
    exp.JSONPath,
    exp.JSONPathKey,
    exp.JSONPathRoot,
    exp.JSONPathSubscript,
    exp.Join,
    exp.Kwarg,
    exp.Lambda,
    exp.Lateral,
    exp.Limit,
    exp.LimitOptions,
    exp.Literal,
    exp.Lock,
    exp.MatchRecognize,
    exp.MatchRecognizeMeasure,
    exp.ModelAttribute,
    exp.National,
    exp.Null,
    exp.Offset,
    exp.Order,
    exp.Ordered,
    exp.Parameter,
    exp.Paren,
    exp.Pivot,
    exp.PivotAlias,
    exp.PivotAny,
    exp.Placeholder,
    exp.Prior,
    exp.PropertyEQ,
    exp.Qualify,
    exp.RawString,
    exp.RespectNulls,
    exp.Rollup,
    exp.Schema,
    exp.SemanticView,
    exp.Slice,
    exp.Star,
    exp.Table,
    exp.TableAlias,
    exp.TableFromRows,
    exp.TableSample,
    exp.Tuple,
    exp.Var,
    exp.When,
    exp.Whens,
    exp.Where,
    exp.Window,
    exp.WindowSpec,
    exp.With,
    exp.WithinGroup,
    exp.Having,
    exp.Cluster,
)

_QUERY_PARTS = words("""
    this expression expressions alias with_ from_ joins laterals where group having qualify order limit offset distinct
    connect match locks sample pivots by_name into""")
# The parts that are understood of the nodes that hold others; a part beside them refuses the statement.
_PARTS: tuple[tuple[type[exp.Expr], frozenset[str]], ...] = (
    (exp.Table, words("this db catalog alias joins pivots when changes sample format pattern laterals")),
    (exp.Query, _QUERY_PARTS),
    (exp.Insert, words("this expression overwrite with_")),
    (exp.Update, words("this expressions from_ where with_")),
    (exp.Delete, words("this using where with_")),
    (exp.Merge, words("this using on whens with_")),
    (exp.MultitableInserts, words("kind source expressions overwrite")),
    (exp.Join, words("this on using side kind method match_condition pivots")),
    (exp.With, words("expressions recursive")),
    (exp.CTE, words("this alias")),
)
# These may name something, or say more than their class does.
_TELLING = (
    *(exp.Alias, exp.Anonymous, exp.Into, exp.Lock, exp.Schema, exp.Select, exp.Table, exp.TableAlias),
    exp.TableFromRows,
)


def _parts_of(cls: type[exp.Expr]) -> frozenset[str] | None:
    return next((parts for known, parts in _PARTS if issubclass(cls, known)), None)


def _classes(root: type[exp.Expr]) -> Iterator[type[exp.Expr]]:
    yield root
    for cls in root.__subclasses__():
        yield from _classes(cls)


def _is_plain(cls: type[exp.Expr]) -> bool:
    holds_names = "with_" in cls.arg_types or issubclass(cls, _TELLING)
    return issubclass(cls, UNDERSTOOD) and not holds_names and _parts_of(cls) is None


# Nodes of these classes are understood wherever they stand, and only what they hold matters.
PLAIN = frozenset(cls for cls in _classes(exp.Expr) if _is_plain(cls))


def unknown_parts(node: exp.Expr) -> list[str]:
    """Return the names of the parts of this node that are filled and not understood."""
    known = _parts_of(type(node))
    return [] if known is None else [name for name, value in node.args.items() if value and name not in known]


def looks_at_target(change: exp.Expr) -> bool:
    """Tell whether a change also reads what it changes."""
    if isinstance(change, exp.Insert):
        return False
    if isinstance(change, exp.Merge) or any(change.args.get(k) for k in ("where", "from_", "using", "order", "limit")):
        return True
    values = (e.expression for e in change.expressions if isinstance(e, exp.EQ))
    return any(value.find(exp.Column) is not None for value in values)


def is_call(node: Any) -> bool:
    """Tell whether the node is a call, of a qualified name or under a window too."""
    inner = node.this if isinstance(node, exp.Window) else node
    return isinstance(inner.expression if isinstance(inner, exp.Dot) else inner, exp.Func)


def named_elsewhere(name: object) -> bool:
    """Tell whether the sweep, or an inner node, reads this table's name: stages, table functions, semantic views."""
    if isinstance(name, exp.Var):
        return str(name.this).startswith("@")
    if isinstance(name, exp.Dot):
        return isinstance(name.expression, exp.Func)
    return isinstance(name, (exp.Func, exp.SemanticView))
