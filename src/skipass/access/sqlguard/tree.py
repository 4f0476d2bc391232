"""Reads a query or DML statement through the parser: tables, CTEs by their visibility, changed objects.

The parser is believed only as far as the tokens agree: its tokens must lie on ours, every name of its tree is read back
from our tokens at its position, and every name after FROM, JOIN, INTO, UPDATE and USING must be one the tree knows.
A node that is not in the list of understood ones makes the statement `unparseable`. Must not know a scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from skipass.access.sqlguard.calls import Sweep
from skipass.access.sqlguard.catalog import filtered_schemas
from skipass.access.sqlguard.constants import stage, text_name, text_of
from skipass.access.sqlguard.crosscheck import crosscheck, stray_head
from skipass.access.sqlguard.findings import Findings, Role
from skipass.access.sqlguard.functions import BUILTIN, SYNTAX, TYPES
from skipass.access.sqlguard.lexer import Lex, Token
from skipass.access.sqlguard.names import Chain, chain_ending, fold
from skipass.access.sqlguard.nodes import (
    CHANGES,
    PLAIN,
    QUERIES,
    UNDERSTOOD,
    is_call,
    looks_at_target,
    named_elsewhere,
    unknown_parts,
)
from skipass.access.sqlguard.reader import Source, parse
from skipass.access.sqlguard.standins import stand_ins
from skipass.nouns.verdict import StatementKind

_Visible = frozenset[str]


@dataclass(slots=True)
class Reading:
    """The reading of one query or DML statement, tokens `first` to `end`; `stage` counts earlier `->>` stages."""

    source: Source
    found: Findings
    first: int
    end: int
    stage: int = 0
    _base: int = 0
    _by_start: dict[int, int] = field(default_factory=dict)
    _stands_for: dict[int, Token | None] = field(default_factory=dict)
    _tables: set[int] = field(default_factory=set)
    _targets: dict[int, bool] = field(default_factory=dict)
    # What stands before a bracket as the name of a table, alias or column is no call.
    _names: set[int] = field(default_factory=set)
    _called: list[str] = field(default_factory=list)
    _queries: int = 0
    _locked: bool = False

    def run(self) -> None:
        """Note everything the statement names; a text that cannot be read leaves an `unparseable` reason."""
        tokens = self.source.tokens
        if self.first >= self.end:
            return self.found.puzzle("statement", "A query is expected here.")
        self.found.parsed.append((self.first, self.end))
        if stray := stray_head(self.source, self.first, self.end):
            return self.found.puzzle(stray, "A statement of another kind stands inside a query.")
        self._base = tokens[self.first].start
        self._by_start = {tokens[i].start: i for i in range(self.first, self.end)}
        root = self._parse()
        if root is None:
            return None
        self._root(root)
        names = frozenset(self._names.union(self._stands_for))
        sweep = Sweep(tokens, self.found, self.first, self.end, names)
        sweep.run()
        disagree = crosscheck(self.source, self.first, self.end, self._queries, self._tables)
        for piece, message in (*disagree, *self._misused(sweep)):
            self.found.puzzle(piece, message)
        for start in self._stands_for:
            piece = self.source.clean[start : start + 20]
            self.found.refuse(piece, "IDENTIFIER is understood in place of a table only.")
        if self._locked:
            self._lock()
        return None

    def _start(self, identifier: exp.Expr) -> int:
        """Return where an identifier of the tree stands in the text, -1 when the parser made it up."""
        start = identifier.meta.get("start")
        return start + self._base if isinstance(start, int) else -1

    def _parse(self) -> exp.Expr | None:
        groups = stand_ins(self.source, self.found, self.first, self.end)
        tokens = self.source.tokens
        self._stands_for = {tokens[g.first].start: g.content for g in groups}
        root = parse(self.source, self.first, self.end, [(g.first, g.last) for g in groups])
        if root is None:
            self.found.puzzle("statement", "This is not a statement that Snowflake's grammar, as known here, allows.")
        return root

    def _root(self, root: exp.Expr) -> None:
        if isinstance(root, CHANGES):
            self._change(root)
        elif not isinstance(root, QUERIES):
            self.found.puzzle(root.key.upper(), "This is not a statement that is understood.")
        self._walk(root)

    def _change(self, root: exp.Expr) -> None:
        if root.args.get("with_"):
            self.found.puzzle("WITH", "Snowflake has no WITH in front of a change.")
        if isinstance(root, (exp.Insert, exp.MultitableInserts)) and self.source.at(("SET",), self.first, self.end):
            self.found.puzzle("SET", "INSERT has no SET.")
        inserts = root.expressions if isinstance(root, exp.MultitableInserts) else [root]
        for change in inserts:
            inner = change.this if isinstance(change, exp.ConditionalInsert) else change
            target = inner.this.this if isinstance(inner.this, exp.Schema) else inner.this
            if isinstance(target, exp.Table):
                self._targets[id(target)] = looks_at_target(inner)
            else:
                self.found.puzzle("target", "What is changed is not a table name.")

    def _walk(self, root: exp.Expr) -> None:
        pending: list[tuple[exp.Expr, _Visible]] = [(root, frozenset())]
        while pending:
            node, visible = pending.pop()
            if type(node) in PLAIN:
                pending += [(child, visible) for child in node.iter_expressions()]
                continue
            if not isinstance(node, UNDERSTOOD) and not (node is root and isinstance(node, CHANGES)):
                self._unknown(node)
            if isinstance(node, exp.Into):
                continue
            self._note(node, visible)
            with_ = node.args.get("with_")
            if isinstance(with_, exp.With):
                visible = self._ctes(with_, visible, pending)
            pending += [(child, visible) for child in node.iter_expressions() if child is not with_]

    def _note(self, node: exp.Expr, visible: _Visible) -> None:
        """Note what a node says beside what it holds."""
        self._whole(node)
        if isinstance(node, (exp.Table, exp.Alias, exp.Schema)):
            self._names.update(self._start(i) for i in node.iter_expressions() if isinstance(i, exp.Identifier))
        if isinstance(node, exp.Table):
            self._table(node, visible)
        elif isinstance(node, exp.TableAlias):
            self._alias(node)
        elif isinstance(node, exp.TableFromRows) and not is_call(node.this):
            self.found.puzzle("TABLE", "TABLE takes a function, or a name in a constant.")
        elif isinstance(node, exp.Select):
            self._queries += 1
        elif isinstance(node, exp.Anonymous):
            self._called.append(str(node.this).upper())
        elif isinstance(node, exp.Lock):
            self._locked = True

    def _whole(self, node: exp.Expr) -> None:
        for part in unknown_parts(node):
            self.found.puzzle(part, "This part of the statement is not understood.")

    def _unknown(self, node: exp.Expr) -> None:
        branch = isinstance(node.parent, (exp.ConditionalInsert, exp.MultitableInserts, exp.When))
        if not (branch and isinstance(node, (exp.Insert, exp.Update))):
            self.found.puzzle(node.key.upper(), "This part of the statement is not understood.")

    def _ctes(self, with_: exp.With, visible: _Visible, pending: list[tuple[exp.Expr, _Visible]]) -> _Visible:
        self._whole(with_)
        for cte in with_.expressions:
            self._whole(cte)
            alias = cte.args.get("alias")
            if isinstance(alias, exp.TableAlias):
                self._alias(alias)
            token = self._named_by(alias.this) if isinstance(alias, exp.TableAlias) else None
            if token is None:
                self.found.puzzle("WITH", "A common table expression has no readable name.")
                continue
            name = fold(token)
            body: exp.Expr = cte.this
            if not isinstance(body, QUERIES):
                self.found.puzzle(name, "A common table expression is a query.")
            # Only the later branches of a UNION ALL may refer to the expression itself; elsewhere the name is a table.
            while isinstance(body, exp.Union) and not body.args.get("distinct") and not body.args.get("with_"):
                pending.append((body.expression, visible | {name}))
                body = body.this
            pending.append((body, visible))
            visible = visible | {name}
        return visible

    def _named_by(self, identifier: object) -> Token | None:
        """Return the token that is this identifier of the tree, or None when no name stands there."""
        index = self._by_start.get(self._start(identifier)) if isinstance(identifier, exp.Identifier) else None
        token = self.source.tokens[index] if index is not None else None
        return token if token is not None and token.kind in (Lex.WORD, Lex.QUOTED) else None

    def _alias(self, alias: exp.TableAlias) -> None:
        """Refuse `t f('x')`: an alias and its columns are names; only FLATTEN has columns that are not in the text."""
        self._names.update(self._start(i) for i in alias.iter_expressions() if isinstance(i, exp.Identifier))
        for part in (alias.this, *alias.columns):
            name = part.this if isinstance(part, exp.ColumnDef) else part
            made_up = isinstance(alias.parent, exp.Lateral) and isinstance(name, exp.Identifier) and not name.meta
            if part is not None and not made_up and self._named_by(name) is None:
                self.found.puzzle("alias", "An alias, or a column of one, is not a name.")

    def _table(self, table: exp.Table, visible: _Visible) -> None:
        name = table.this
        if isinstance(name, exp.Identifier):
            self._named(table, name, visible)
        elif isinstance(name, exp.Literal) and name.is_string:
            self._quoted_location(str(name.this))
        elif isinstance(name, exp.Parameter) and self._earlier_stage(name):
            return
        elif isinstance(name, (exp.Parameter, exp.Placeholder)):
            role = Role.WRITE if id(table) in self._targets else Role.READ
            self.found.special("<DYNAMIC>", role, self._here(), "The name is not known from the text.")
        elif not named_elsewhere(name):
            self.found.puzzle("table", "This is not a table reference that is understood.")

    def _here(self) -> int:
        return self.source.tokens[self.first].start

    def _earlier_stage(self, name: exp.Parameter) -> bool:
        return (
            isinstance(name.this, exp.Literal)
            and str(name.this.this).isdigit()
            and 0 < int(name.this.this) <= self.stage
        )

    def _named(self, table: exp.Table, name: exp.Identifier, visible: _Visible) -> None:
        start = self._start(name)
        roles = self._roles(table)
        if start in self._stands_for:
            self._tables.add(start)
            return self._stand_in(start, roles, visible)
        chain = self._read_back(table, start)
        if chain is None:
            return self.found.puzzle(name.name, "The readers of this text disagree about a name.")
        self._tables.add(start)
        if len(chain.parts) == 1 and chain.parts[0] in visible and Role.WRITE not in roles:
            return None
        schemas = filtered_schemas(table) if "INFORMATION_SCHEMA" in chain.parts else ()
        self.found.chain(chain, *roles, schemas=schemas)
        return None

    def _roles(self, table: exp.Table) -> list[Role]:
        if id(table) not in self._targets:
            return [Role.READ]
        return [Role.TARGET, Role.WRITE] if self._targets[id(table)] else [Role.WRITE]

    def _read_back(self, table: exp.Table, start: int) -> Chain | None:
        index = self._by_start.get(start)
        chain = chain_ending(self.source.tokens, index, len(self.source.tokens)) if index is not None else None
        expected = 3 if table.args.get("catalog") else 2 if table.args.get("db") else 1
        if chain is None or len(chain.parts) != expected or chain.last != index:
            return None
        after = self.source.tokens[chain.last + 1].word if chain.last + 1 < self.end else ""
        return None if after in (".", "!") else chain

    def _stand_in(self, start: int, roles: list[Role], visible: _Visible) -> None:
        content = self._stands_for.pop(start)
        if content is None:
            for role in roles:
                self.found.special("<DYNAMIC>", role, start, "The name is not known from the text.")
            return
        resolved = text_name(self.found, content, *roles)
        if resolved is not None and text_of(content) is not None and resolved[2] in visible:
            self.found.refuse(content.text, "The name could be a common table expression or a table.", "unparseable")

    def _quoted_location(self, location: str) -> None:
        if location.startswith("@"):
            before = len(self.found.inserts)
            stage(self.found, location, Role.READ, self._here())
            del self.found.inserts[before:]
            self.found.refuse(location, "Name the stage without quotes.", "unparseable")
        elif "://" in location:
            self.found.special(location, Role.READ, self._here(), "The location lies outside Snowflake.")
        else:
            self.found.puzzle(location, "A string is not a table name.")

    def _misused(self, sweep: Sweep) -> Iterator[tuple[str, str]]:
        """Yield the words of the language that the tree takes for functions."""
        for name in self._called:
            if name not in BUILTIN and (name in sweep.syntax_calls or name in TYPES | SYNTAX):
                yield name, "This word is used as a function."

    def _lock(self) -> None:
        """A query with FOR UPDATE locks what it reads: it is a change."""
        if self.found.kind is StatementKind.READ:
            self.found.kind = StatementKind.WRITE
        self.found.also_written()
