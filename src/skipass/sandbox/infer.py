"""Tells the Snowflake type of an expression in a resolved statement, as far as its columns' types are known.

DuckDB divides and averages in binary floating point and keeps no VARIANT apart from text; where the account answers
otherwise, the translation has to know the operands. An unknown type is the empty string, never a guess.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from skipass.sandbox.inferrules import RULES
from skipass.sandbox.kinds import UNKNOWN
from skipass.sandbox.resolve import Reading

Columns = dict[str, str]


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
        rule = RULES.get(type(node))
        if rule is not None:
            return rule(self, node)
        if isinstance(node, exp.Predicate):
            return "BOOLEAN"
        return UNKNOWN

    def column(self, node: Any) -> str:
        """Return the type of a column reference, looked up outwards through the selects around it."""
        select = node.find_ancestor(exp.Select)
        while select is not None:
            found = self._in_sources(self.sources(select), node) or self._in_aliases(select, node)
            if found:
                return found
            select = select.find_ancestor(exp.Select)
        matches = {
            column.type
            for table in self._reading.physical.values()
            for column in table.columns
            if column.name == node.name
        }
        return matches.pop() if len(matches) == 1 else UNKNOWN

    def _in_aliases(self, select: Any, node: Any) -> str | None:
        """An expression may use the name that its own select gave to another."""
        for one in select.expressions if not node.table else []:
            if isinstance(one, exp.Alias) and one.alias == node.name:
                return self.of(one.this)
        return None

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
