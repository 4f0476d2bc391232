"""Runs one statement: bounds, parse, names, privileges, the second check on DuckDB's plan, then the rows.

The order is the point. Nothing is parsed before its size and depth are known, nothing is run before the role's
privileges were checked on this account's own reading, and nothing is run whose bound plan scans a table that this
reading did not find.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError

from skipass.sandbox import binds, ddltext, failures, functions, history, lexer, resultscan, zones
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Table
from skipass.sandbox.cells import Formats, encoder, selected
from skipass.sandbox.columns import Version
from skipass.sandbox.engine import Run
from skipass.sandbox.oauth import system
from skipass.sandbox.partitions import Pages
from skipass.sandbox.privileges import Rights
from skipass.sandbox.resolve import Reading, Resolver
from skipass.sandbox.results import Result, ResultColumn, Row
from skipass.sandbox.session import Session
from skipass.sandbox.sqltypes import from_duck, result_column
from skipass.sandbox.statements import Output
from skipass.sandbox.translate import translate
from skipass.sandbox.trees import normalise

# The parser's own warnings quote the statement; they go nowhere, whatever a server does to the other loggers.
logging.getLogger("sqlglot").propagate = False
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


@dataclass(slots=True)
class Execution:
    """One request at work: the account, its session, its cursor, and how the caller wants rows."""

    account: Account
    session: Session
    run: Run
    handle: str
    formats: Formats
    row_cap: int = 0
    bindings: dict[str, exp.Expression] = field(default_factory=dict)
    temporary: list[Table] = field(default_factory=list)
    kept: list[tuple[Table, Version]] = field(default_factory=list)
    forgotten: list[tuple[Table, Version]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.session.zone != zones.UTC:
            self.run.use_zone(self.session.zone)

    def rights(self) -> Rights:
        """Return what the current role may do now."""
        return self.session.rights(self.account.catalog)

    def parse(self, text: str) -> Any:
        """Return the tree of one bounded statement, normalised, with bindings and functions put in."""
        tokens = lexer.tokenize(text)
        lexer.check_bounds(tokens)
        tree = binds.substitute(parsed(binds.numbered(text, tokens)), self.bindings)
        return self.prepared(tree)

    def prepared(self, tree: Any) -> Any:
        """Return a tree with stored identifiers and this account's own functions put in."""
        return normalise(functions.rewrite(tree, self.host()))

    def host(self) -> functions.Host:
        """Return what context functions may ask."""
        known = {
            **system.functions(self.account, self.session),
            "GET_DDL": lambda given: ddltext.get_ddl(self.account.catalog, self.session, given),
        }
        host = self.account.functions_host(self.session, self.handle, self.run.wait, known)
        return replace(host, is_function=self._is_function, active=lambda: self.rights().roles)

    def _is_function(self, path: list[str]) -> bool:
        """Tell whether a name is one of the customer's own functions; a database that is not current has none."""
        known = self.session.database is not None and self.session.schema is not None
        if len(path) > 3 or (len(path) < 3 and not known):
            return False
        name = self.session.table_name(path)
        schema = self.account.catalog.schema(name.parent)
        return schema is not None and ("FUNCTION", name.name) in schema.objects

    def _results(self, handle: str) -> tuple[str, dict[str, str]]:
        registry = self.account.registry
        oldest = self.account.now() - timedelta(seconds=self.account.switches.handle_age_s)
        found = registry.find(handle)
        kept = registry.get(handle, self.session.user.name, oldest)
        if found is not None and found.user == self.session.user.name and (kept is None or kept.evicted):
            raise failures.expired_result(handle)
        return resultscan.scanned(kept, handle)

    def resolver(self) -> Resolver:
        """Return a fresh resolver for the current role and current objects."""
        schema = self.account.information_schema(self.session)

        def view(text: str) -> Any:
            return functions.rewrite(parsed(text), self.host())

        rights = self.rights()
        return Resolver(
            self.account.catalog, self.session, rights, schema.sql, view, Reading(), self._results, self.past()
        )

    def past(self) -> history.Past:
        """Return how this statement looks back, its own transaction included."""
        now = self.account.now()

        def state(table: Table, moment: history.Moment) -> Table:
            return history.state(table, moment, now, [version for one, version in self.kept if one is table])

        return history.Past(lambda clause: history.read(clause, self.value, self.account.registry.find, now), state)

    def value(self, node: Any, shape: str) -> Any:
        """Return what a constant expression is worth, put in the one place of a DuckDB expression."""
        if node.find(exp.Column, exp.Query):
            raise failures.unsupported("clause that is not constant")
        tree = exp.select(node.copy())
        resolver = self.resolver()
        resolver.query(tree)
        return self.run.execute(f"SELECT {shape.format('v')} FROM ({self.sql(tree, resolver.reading)}) AS q(v)")[0][0]

    def sql(self, tree: Any, reading: Reading) -> str:
        """Return a resolved tree as DuckDB SQL that was checked against DuckDB's own plan."""
        return self.checked(self.translated(tree, reading), reading)

    def translated(self, tree: Any, reading: Reading) -> str:
        """Return a resolved tree as DuckDB SQL, unchecked."""
        return to_duck(translate(tree, reading))

    def checked(self, sql: str, reading: Reading) -> str:
        """Return the SQL with what it needs, once DuckDB's plan has scanned nothing that the reading lacks."""
        full = reading.prefix() + sql
        unread = self.run.scanned(full) - set(reading.physical)
        if unread:
            self.account.disagreements += 1
            raise failures.missing("?")
        return full

    def columns_of(self, text: str) -> list[str]:
        """Return the column names of a query that this session may run, without running it."""
        tree = self.parse(text)
        if not isinstance(tree, exp.Query):
            raise failures.unsupported("statement other than a query")
        resolver = self.resolver()
        resolver.query(tree)
        return [name for name, _ in self.run.described(self.sql(tree, resolver.reading))]

    def need_warehouse(self) -> None:
        """Raise 000606 unless a warehouse is current and usable; a suspended one resumes by itself if it may."""
        name = self.session.warehouse
        if not self.rights().usable_warehouse(name):
            raise failures.no_warehouse()
        warehouse = self.account.catalog.warehouses[name or ""]
        if warehouse.suspended:
            if warehouse.options.get("AUTO_RESUME", "TRUE").upper() == "FALSE":
                raise failures.no_warehouse()
            warehouse.suspended = False

    def output(self, sql: str, columns: list[ResultColumn]) -> Output:
        """Run a query whose columns are known and return its rows as cells, in partitions."""
        names = ", ".join(f"c{index}" for index in range(len(columns)))
        shown = ", ".join(selected(column.type, f"c{index}") for index, column in enumerate(columns))
        wrapped = f"SELECT {shown} FROM ({sql}) AS q({names})"
        if self.row_cap:
            wrapped += f" LIMIT {self.row_cap}"
        encoders = [encoder(column.type, self.formats) for column in columns]
        null = None if self.formats.nullable else "null"
        pages = Pages(self.account.switches)
        for rows in self.run.stream(wrapped):
            for row in rows:
                cells: Row = [
                    null if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)
                ]
                pages.add(cells)
        return pages.output(columns)

    def listed(self, result: Result) -> Output:
        """Return a result made in Python as an output."""
        pages = Pages(self.account.switches)
        null = None if self.formats.nullable else "null"
        rows = result.rows[: self.row_cap] if self.row_cap else result.rows
        for row in rows:
            pages.add([null if cell is None else cell for cell in row])
        output = pages.output(result.columns)
        output.stats = result.stats
        return output


def parsed(text: str) -> Any:
    """Return the tree of exactly one statement; 001003 with line and position if it cannot be read."""
    try:
        trees = [tree for tree in sqlglot.parse(text, read="snowflake") if tree is not None]
    except SqlglotError as error:
        raise _syntax(error, text) from None
    except RecursionError:
        raise failures.unsupported("nesting this deep") from None
    if len(trees) != 1:
        raise failures.statement_count(len(trees), 1)
    if isinstance(trees[0], exp.Command):
        raise failures.unsupported(str(trees[0].this).upper())
    return trees[0]


def to_duck(tree: Any) -> str:
    """Return a tree as DuckDB SQL; 000002 for what cannot be said there, instead of something that differs."""
    try:
        text: str = tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.IMMEDIATE)
    except UnsupportedError as error:
        raise failures.unsupported(str(error).split(" when ")[0].rstrip(".")) from None
    return text


def exact_case(tree: Any, reading: Reading) -> None:
    """Raise 000904 for a column whose name differs from the stored one in case alone: DuckDB would not mind."""
    stored = {column.name for table in reading.physical.values() for column in table.columns}
    folded = {name.upper() for name in stored}
    named = stored | {alias.alias for alias in tree.find_all(exp.Alias, exp.CTE)}
    named |= {name.name for alias in tree.find_all(exp.TableAlias) for name in alias.columns}
    for column in tree.find_all(exp.Column):
        if column.name not in named and column.name.upper() in folded:
            raise failures.invalid_identifier(column.name)


_COUNTS = re.compile(
    r"provided arguments \((\d+)\) is greater than the maximum number of supported arguments \((\d+)\)"
)


def _syntax(error: SqlglotError, text: str) -> failures.Failure:
    errors = getattr(error, "errors", None) or [{}]
    first = errors[0]
    counts = _COUNTS.search(str(first.get("description") or ""))
    if counts is not None:
        return failures.too_many_arguments(int(counts.group(2)), int(counts.group(1)))
    highlight = str(first.get("highlight") or "<EOF>")
    line, column = int(first.get("line") or 1), int(first.get("col") or len(text))
    return failures.syntax(line, max(column - len(highlight), 0), highlight)


def described(execution: Execution, sql: str) -> list[ResultColumn]:
    """Return the columns of a query as DuckDB binds it, without origins."""
    return [result_column(name, from_duck(kind)) for name, kind in execution.run.described(sql)]
