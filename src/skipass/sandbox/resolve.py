"""Gives every name in a query its object, checks the role's privilege on it, and points it at the stored rows.

The account's own reading of a statement: what it collects is compared with DuckDB's plan afterwards, so nothing here
may trust DuckDB to bind names. A view is put in place as a subquery that is read with its owner's rights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.names import TableName
from skipass.sandbox.privileges import Rights
from skipass.sandbox.session import Session

MAX_VIEW_DEPTH = 20
Virtual = Callable[[str, str, list[Any], Rights], str | None]
Parse = Callable[[str], Any]


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
    depth: int = 0

    def query(self, node: Any, known: frozenset[str] = frozenset()) -> None:
        """Resolve all tables below a node, which must have been normalised; `known` are the CTEs in scope."""
        scope = self._ctes(node, known)
        for child in list(node.iter_expressions()):
            if isinstance(child, exp.With):
                continue
            if isinstance(child, exp.Table):
                self._table(child, scope)
            elif isinstance(child, exp.TableFromRows):
                self._function(child, child.this)
            elif isinstance(child, (exp.Lateral, exp.Unnest)):
                raise failures.unsupported("LATERAL")
            else:
                if isinstance(child, exp.Column):
                    _shorten(child)
                self.query(child, scope)

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
        if node.args.get("when") is not None or node.args.get("changes") is not None:
            raise failures.unsupported("time travel")
        if isinstance(node.this, (exp.Anonymous, exp.Func, exp.Dot)):
            self._function(node, node.this)
            return
        if not isinstance(node.this, exp.Identifier):
            raise failures.unsupported(f"table {node.sql(dialect='snowflake')}")
        parts = parts_of(node)
        if not (len(parts) == 1 and parts[0] in known):
            self._named(node, self.session.table_name(parts, "SELECT"))

    def _named(self, node: Any, name: TableName) -> None:
        if name.schema == "INFORMATION_SCHEMA":
            sql = None
            if self.rights.sees_database(name.database):
                sql = self.virtual(name.database, name.name, [], self.rights)
            if sql is None:
                raise failures.missing(str(name))
            self._point(node, self._virtual_name(sql), name.name)
            return
        table = self.rights.table(name, "SELECT")
        if table.view is None:
            self.point(node, table)
        else:
            self._view(node, table)

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

    def _view(self, node: Any, table: Table) -> None:
        if self.depth >= MAX_VIEW_DEPTH:
            raise failures.compilation("002003", "42S02", "View expansion is too deep.")
        body = normalise(self.parse(table.view or ""))
        session = Session(
            self.session.user, table.owner, None, table.name.database, table.name.schema, self.session.now
        )
        rights = Rights(self.catalog, table.owner)
        inner = Resolver(self.catalog, session, rights, self.virtual, self.parse, self.reading, self.depth + 1)
        holder = exp.Subquery(this=body)
        inner.query(holder)
        names = [exp.to_identifier(column.name, quoted=True) for column in table.columns]
        alias = node.alias or table.name.name
        given = node.args.get("alias")
        columns = given.columns if given is not None and given.columns else names
        holder.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=columns))
        joins = node.args.get("joins")
        if joins:
            holder.set("joins", joins)
        node.replace(holder)

    def _function(self, node: Any, call: Any) -> None:
        path, function = _call(call)
        if path[-1:] != ["INFORMATION_SCHEMA"] or len(path) > 2:
            raise failures.unknown_function(function.name.upper())
        database = path[0] if len(path) == 2 else self.session.current_database("SELECT")
        if not self.rights.sees_database(database):
            raise failures.missing(database, "Database", table=False)
        sql = self.virtual(database, function.name.upper() + "()", function.expressions, self.rights)
        if sql is None:
            raise failures.unknown_function(function.name.upper())
        given = node.args.get("alias")
        alias = given or exp.TableAlias(this=exp.to_identifier(function.name.upper(), quoted=True))
        table = exp.Table(this=exp.to_identifier(self._virtual_name(sql), quoted=True), alias=alias)
        for key in ("joins", "sample"):
            if node.args.get(key):
                table.set(key, node.args[key])
        node.replace(table)

    def _virtual_name(self, sql: str) -> str:
        name = f"v{len(self.reading.virtual)}"
        self.reading.virtual[name] = sql
        return name


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _call(node: Any) -> tuple[list[str], Any]:
    path: list[str] = []
    while isinstance(node, exp.Dot):
        path = [*_dotted(node.this), *path]
        node = node.expression
    return path, node


def _dotted(node: Any) -> list[str]:
    if isinstance(node, exp.Dot):
        return [*_dotted(node.this), *_dotted(node.expression)]
    return [node.name]


def _shorten(column: Any) -> None:
    column.set("db", None)
    column.set("catalog", None)


def parts_of(node: Any) -> list[str]:
    """Return the stored name parts of a normalised table node; the empty part of `db..t` is PUBLIC."""
    database, schema = node.args.get("catalog"), node.args.get("db")
    parts = [node.this.name]
    if schema is not None or database is not None:
        name = schema.name if isinstance(schema, exp.Identifier) else ""
        parts.insert(0, name or "PUBLIC")
    if isinstance(database, exp.Identifier) and database.name:
        parts.insert(0, database.name)
    return parts


def normalise(tree: Any) -> Any:
    """Return the tree with every identifier quoted under its stored name: unquoted ones in upper case."""
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.args.get("quoted"):
            identifier.set("this", identifier.name.upper())
            identifier.set("quoted", True)
    return tree
