"""Scopes as the guard compares them: folded once, then asked what they hold. Knows no statement.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from skipass.access.sqlguard.names import parse_name, render
from skipass.errors import SkipassError
from skipass.nouns.scope import Access, Metadata, Scope

_LEVELS = (Metadata.SCHEMA, Metadata.DATABASE, Metadata.ACCOUNT)


def canonical_scope(scope: Scope) -> Scope:
    """Return the scope with every name folded as Snowflake folds it: `ops_db.ops` becomes `OPS_DB.OPS`.

    Quoted parts are kept exactly, in quotes only where they need them. Role and warehouse become the exact name without
    quotes, as the body of a SQL API request wants them: `agent_wh` is `AGENT_WH`, `"my wh"` is `my wh`. Tables lie in
    the schemas of the scope. Raises `SkipassError("invalid_scope")` that lists every malformed name.
    """
    faults: list[str] = []
    schemas = _folded(scope.schemas, 2, "schemas", faults)
    tables = _folded(scope.tables, 3, "tables", faults)
    functions = _folded(scope.functions, 3, "functions", faults)
    if not schemas and not faults:
        faults.append("schemas must name at least one DB.SCHEMA")
    inside = {parse_name(s) for s in schemas}
    faults += [f"tables: {t} lies in none of the schemas" for t in tables if (parse_name(t) or ())[:2] not in inside]
    role, warehouse = _single(scope.role, "role", faults), _single(scope.warehouse, "warehouse", faults)
    if faults:
        raise SkipassError("invalid_scope", "; ".join(faults), "Write names as DB.SCHEMA or DB.SCHEMA.NAME.")
    return replace(scope, schemas=schemas, tables=tables, functions=functions, role=role, warehouse=warehouse)


def _folded(names: tuple[str, ...], count: int, member: str, faults: list[str]) -> tuple[str, ...]:
    folded: list[str] = []
    for name in names:
        parts = parse_name(name)
        if parts is None or len(parts) != count or None in parts:
            faults.append(f"{member}: {name!r} is not a name of {count} parts")
        else:
            folded.append(render([p or "" for p in parts]))
    return tuple(dict.fromkeys(folded))


def _single(name: str | None, member: str, faults: list[str]) -> str | None:
    if name is None:
        return None
    parts = parse_name(name)
    if parts is not None and len(parts) == 1:
        return parts[0]
    # A name that was made exact before may hold what only a quoted name may hold.
    if '"' in name or "." in name or not name.strip() or not name.isprintable():
        faults.append(f"{member}: {name!r} is not a name of one part")
    return name


@dataclass(frozen=True, slots=True)
class Area:
    """A canonical scope as sets, with the question what one name would need."""

    scope: Scope
    schemas: frozenset[tuple[str, ...]]
    databases: frozenset[str]
    narrowed: frozenset[tuple[str, ...]]
    tables: frozenset[tuple[str, ...]]
    functions: frozenset[tuple[str, ...]]

    def holds(self, name: tuple[str, ...]) -> bool:
        """Tell whether an object lies in one of the scope's schemas and, where that is narrowed, in its tables."""
        schema = name[:2]
        return schema in self.schemas and (schema not in self.narrowed or name in self.tables)

    def looks(self, level: Metadata) -> bool:
        """Tell whether metadata of this level may be looked at."""
        return _LEVELS.index(self.scope.metadata) >= _LEVELS.index(level)


@lru_cache(maxsize=256)
def area_of(scope: Scope) -> Area:
    """Return the area of a scope; raises `invalid_scope` as `canonical_scope` does."""
    exact = canonical_scope(scope)
    schemas, tables, functions = (frozenset(_parts(n) for n in names) for names in _lists(exact))
    databases = frozenset(s[0] for s in schemas)
    return Area(exact, schemas, databases, frozenset(t[:2] for t in tables), tables, functions)


def _lists(scope: Scope) -> tuple[tuple[str, ...], ...]:
    return scope.schemas, scope.tables, scope.functions


def _parts(name: str) -> tuple[str, ...]:
    return tuple(p for p in parse_name(name) or () if p is not None)


@dataclass(slots=True)
class Wish:
    """The additions that would bring everything out of scope into it."""

    area: Area
    schemas: list[str]
    tables: list[str]
    functions: list[str]
    metadata: Metadata

    @classmethod
    def start(cls, area: Area) -> Wish:
        """Return a wish for nothing."""
        return cls(area, [], [], [], area.scope.metadata)

    def want_object(self, name: tuple[str, ...]) -> None:
        """Add what makes an object part of the scope."""
        if name[:2] not in self.area.schemas:
            self.schemas.append(render(name[:2]))
        else:
            self.tables.append(render(name))

    def want_metadata(self, level: Metadata) -> None:
        """Add a level of metadata."""
        self.metadata = max(self.metadata, level, key=_LEVELS.index)

    def as_dict(self) -> dict[str, Any]:
        """Return the scope with all additions, in its JSON shape."""
        scope = self.area.scope
        wider = replace(
            scope,
            schemas=_joined(scope.schemas, self.schemas),
            tables=_joined(scope.tables, self.tables),
            functions=_joined(scope.functions, self.functions),
            metadata=self.metadata,
            access=Access(scope.access),
        )
        return wider.as_dict()


def _joined(names: tuple[str, ...], more: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *more)))
