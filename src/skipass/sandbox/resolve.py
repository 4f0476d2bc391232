"""Gives every name in a query its object, checks the role's privilege on it, and points it at the stored rows.

The account's own reading of a statement: what it collects is compared with DuckDB's plan afterwards, so nothing here
may trust DuckDB to bind names. A view is put in place as a subquery that is read with its owner's rights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures, owncalls, policyreads, tablecalls
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.history import Moment, Past
from skipass.sandbox.names import TableName
from skipass.sandbox.privileges import Rights
from skipass.sandbox.session import Session
from skipass.sandbox.trees import normalise, parts_of

MAX_VIEW_DEPTH = 20
Virtual = Callable[[str, str, list[Any], Rights], str | None]
Parse = Callable[[str], Any]
Results = Callable[[str], tuple[str, dict[str, str]]]


@dataclass(slots=True)
class Reading:
    """What a statement touches: stored tables by physical name, and made-up tables by name with their SQL."""

    physical: dict[str, Table] = field(default_factory=dict)
    virtual: dict[str, str] = field(default_factory=dict)

    def prefix(self) -> str:
        """Return the WITH clause that the made-up tables need, or nothing."""
        if not self.virtual:
            return ""
        return "WITH " + ", ".join(f'"{name}" AS ({sql})' for name, sql in self.virtual.items()) + " "


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves names under one role; `virtual` answers INFORMATION_SCHEMA, `parse` reads a view's text."""

    catalog: Catalog
    session: Session
    rights: Rights
    virtual: Virtual
    parse: Parse
    reading: Reading
    results: Results
    past: Past
    moment: Moment | None = None
    depth: int = 0

    def query(self, node: Any, known: frozenset[str] = frozenset()) -> None:
        """Resolve all tables below a node, which must have been normalised; `known` are the CTEs in scope."""
        _refuse(node)
        scope = self._ctes(node, known)
        for child in list(node.iter_expressions()):
            if isinstance(child, exp.With):
                continue
            if isinstance(child, exp.Table):
                self._table(child, scope)
            elif isinstance(child, exp.TableFromRows):
                tablecalls.function(self, child, child.this, scope)
            elif isinstance(child, exp.Lateral):
                tablecalls.lateral(self, child, scope)
            elif isinstance(child, exp.Unnest):
                raise failures.unsupported("UNNEST")
            elif isinstance(child, exp.Column):
                self._column(child)
            else:
                self._inner(child, scope)

    def _inner(self, node: Any, scope: frozenset[str]) -> None:
        if isinstance(node, exp.Values) and isinstance(node.parent, (exp.From, exp.Join)):
            _name_values(node)
        self.query(node, scope)
        call = owncalls.called(node)
        if call is not None:
            owncalls.expand(self, node, call)

    def _column(self, node: Any) -> None:
        """A column, or the next value of a sequence, which looks like one."""
        if node.name == "NEXTVAL" and node.table:
            parts = [one.name for one in (node.args.get("catalog"), node.args.get("db"), node.args["table"]) if one]
            physical = self.next_value(self.session.table_name(parts, "NEXTVAL"))
            node.replace(exp.Anonymous(this="nextval", expressions=[exp.Literal.string(physical)]))
            return
        _shorten(node)

    def _ctes(self, node: Any, known: frozenset[str]) -> frozenset[str]:
        clause = node.args.get("with_")
        if clause is None:
            return known
        for cte in clause.expressions:
            inner = known | {cte.alias} if clause.args.get("recursive") else known
            self.query(cte, inner)
            known |= {cte.alias}
        return known

    def _table(self, node: Any, known: frozenset[str]) -> None:
        for key in ("joins", "pivots", "sample"):
            for part in _many(node.args.get(key)):
                self.query(part, known)
        if node.args.get("changes") is not None:
            raise failures.unsupported("CHANGES")
        if isinstance(node.this, (exp.Anonymous, exp.Func, exp.Dot)):
            tablecalls.function(self, node, node.this, known)
            return
        if not isinstance(node.this, exp.Identifier):
            raise failures.missing(node.sql(dialect="snowflake"), "Stage")  # no stage here holds a file
        parts = parts_of(node)
        if not (len(parts) == 1 and parts[0] in known):
            self._named(node, self.session.table_name(parts, "SELECT"))
        if node.args.get("when") is not None:
            raise failures.unsupported("time travel to what is no table")

    def _named(self, node: Any, name: TableName) -> None:
        if name.schema == "INFORMATION_SCHEMA":
            sql = None
            if self.rights.sees_database(name.database):
                sql = self.virtual(name.database, name.name, [], self.rights)
            if sql is None:
                raise failures.missing(str(name))
            self._point(node, self.virtual_name(sql), name.name)
            return
        table = self.rights.table(name, "SELECT")
        moment = self.moment_of(node)
        if table.view is not None:
            self._view(node, table, moment)
            return
        then = table if moment is None else self.past.state(table, moment)
        if policyreads.guards(then):
            self._replace(node, exp.Subquery(this=policyreads.protected(self, then)), then)
        else:
            self.point(node, then)

    def moment_of(self, node: Any) -> Moment | None:
        """Return the moment that a table's own clause asks for, else that of the view around it; None is now."""
        clause = node.args.get("when")
        node.set("when", None)
        return self.moment if clause is None else self.past.read(clause)

    def point(self, node: Any, table: Table) -> None:
        """Make a table node read the stored rows under the alias or the name the text used."""
        self.reading.physical[table.physical] = table
        self._point(node, table.physical, table.name.name)

    def _point(self, node: Any, physical: str, name: str) -> None:
        if not node.alias:
            alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
            node.set("alias", alias)
        node.set("this", exp.to_identifier(physical, quoted=True))
        node.set("db", None)
        node.set("catalog", None)

    def _view(self, node: Any, table: Table, moment: Moment | None) -> None:
        if self.depth >= MAX_VIEW_DEPTH:
            raise failures.compilation("002003", "42S02", "View expansion is too deep.")
        body = normalise(self.parse(table.view or ""))
        session = Session(
            self.session.user, table.owner, None, table.name.database, table.name.schema, self.session.now
        )
        rights = Rights(self.catalog, table.owner)
        inner = replace(self, session=session, rights=rights, moment=moment, depth=self.depth + 1)
        holder = exp.Subquery(this=body)
        inner.query(holder)
        self._replace(node, holder, table)

    def _replace(self, node: Any, holder: Any, table: Table) -> None:
        """Put a subquery in the place of a table, under the alias or the name the text used."""
        names = [exp.to_identifier(column.name, quoted=True) for column in table.columns]
        alias = node.alias or table.name.name
        given = node.args.get("alias")
        columns = given.columns if given is not None and given.columns else names
        holder.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=columns))
        for key in ("joins", "sample"):
            if node.args.get(key):
                holder.set(key, node.args[key])
        if node.args.get("pivots"):
            raise failures.unsupported("PIVOT of what is no plain table")
        node.replace(holder)

    def next_value(self, name: TableName) -> str:
        """Return the stored name of a sequence that the role may use."""
        found = self.rights.schema_object(name, "SEQUENCE", "USAGE")
        return found.details["physical"]

    def virtual_name(self, sql: str) -> str:
        """Keep the SQL of a made-up table and return its name."""
        name = f"v{len(self.reading.virtual)}"
        self.reading.virtual[name] = sql
        return name


_SELECT_PARTS = {"into": "SELECT INTO", "connect": "CONNECT BY", "match": "MATCH_RECOGNIZE", "locks": "FOR UPDATE"}


def _refuse(node: Any) -> None:
    """Some parts of a SELECT would mean something else to DuckDB, or nothing."""
    if isinstance(node, exp.MatchRecognize):
        raise failures.unsupported("MATCH_RECOGNIZE")
    if isinstance(node, exp.Select):
        for key, name in _SELECT_PARTS.items():
            if node.args.get(key):
                raise failures.unsupported(name)
        node.set("hint", None)


def _name_values(node: Any) -> None:
    """The columns of VALUES are COLUMN1, COLUMN2 … unless the text names them."""
    alias = node.args.get("alias")
    first = node.expressions[0] if node.expressions else None
    if (alias is not None and alias.columns) or not isinstance(first, exp.Tuple):
        return
    names = [exp.to_identifier(f"COLUMN{index}", quoted=True) for index in range(1, len(first.expressions) + 1)]
    name = alias.this if alias is not None else exp.to_identifier("VALUES", quoted=True)
    node.set("alias", exp.TableAlias(this=name, columns=names))


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _shorten(column: Any) -> None:
    column.set("db", None)
    column.set("catalog", None)
