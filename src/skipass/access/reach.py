"""The other side of the second wall: what a role lacks to do what a scope is for. Pure; reads no statement.

Grants alone do not tell: a shared database shows none below itself, and a database role hides what is in it. So what
Snowflake lists to the role counts first, and its grants say only what is missing there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from skipass.access.wall import Granted, dotted
from skipass.nouns.scope import Access, Scope, name_parts

Parts = tuple[str, ...]
_READ = ("SELECT",)
_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_PLURAL = {"TABLE": "TABLES", "VIEW": "VIEWS"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One table or view that Snowflake lists to a role; `kind` is TABLE, VIEW or another."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Something the role may not do inside the scope, and the statement that would let it."""

    what: str
    fix: str


class Reach:
    """What a role has for a scope: its grants, those on what is made later, and what it is shown of each schema."""

    def __init__(self, scope: Scope, role: str, grants: Iterable[Granted], future: Iterable[Granted]) -> None:
        self._scope, self._to = scope, f"TO ROLE {dotted(role)};"
        self._needed = _WRITE if scope.access is Access.WRITE else _READ
        self._held: dict[tuple[str, Parts], set[str]] = {}
        for one in grants:
            kind = one.on if one.on in ("DATABASE", "SCHEMA", "DATABASE_ROLE") else "OBJECT"
            self._held.setdefault((kind, name_parts(one.name)), set()).add(one.privilege)
        self._later = {(one.privilege, one.on, name_parts(one.name.rpartition(".<")[0])) for one in future}

    def lacking(self, listed: Mapping[Parts, Collection[Listed] | None]) -> Sequence[Lacking]:
        """Return what is missing in each schema, where None stands for one that Snowflake does not show at all."""
        found: list[Lacking] = []
        for schema, objects in listed.items():
            found += self._closed(schema) if objects is None else self._unread(schema, objects)
        return list(dict.fromkeys(found))

    def not_later(self, schemas: Iterable[Parts]) -> Sequence[Lacking]:
        """Return what is not granted on tables and views made later, of schemas that the scope takes whole."""
        whole = [one for one in schemas if not self._named(one) and not self._hidden(one)]
        return [
            Lacking(f"{privileges} on {kinds.lower()} made later in {dotted(*schema)}", self._future(schema, kind))
            for schema in whole
            for kind, kinds in _PLURAL.items()
            if (privileges := ", ".join(self._absent(schema, kind)))
        ]

    def _closed(self, schema: Parts) -> Sequence[Lacking]:
        usage = (("DATABASE", schema[:1]), ("SCHEMA", schema))
        missing = [one for one in usage if not self._held.get(one, set()) & {"USAGE", "OWNERSHIP"}]
        if not missing:
            databases = f"SHOW SCHEMAS IN DATABASE {dotted(*schema[:1])};"
            return [Lacking(f"the schema {dotted(*schema)}, which is not there", databases)]
        return [
            Lacking(f"USAGE on {kind.lower()} {dotted(*name)}", f"GRANT USAGE ON {kind} {dotted(*name)} {self._to}")
            for kind, name in missing
        ]

    def _unread(self, schema: Parts, objects: Collection[Listed]) -> Sequence[Lacking]:
        if self._hidden(schema):
            return []
        if named := self._named(schema):
            return [one for name in named for one in self._unnamed(name, objects)]
        found = [one for kind in _PLURAL for one in self._ungranted(schema, kind, objects)]
        readable = any(key[0] == "OBJECT" and key[1][:2] == schema for key in self._held)
        if objects or readable or any(place in (schema, schema[:1]) for _, _, place in self._later):
            return found
        fix = f"GRANT SELECT ON ALL TABLES IN SCHEMA {dotted(*schema)} {self._to}"
        return [Lacking(f"SELECT on anything in {dotted(*schema)}", fix)]

    def _ungranted(self, schema: Parts, kind: str, objects: Collection[Listed]) -> Sequence[Lacking]:
        here = [one for one in objects if one.kind == kind]
        short = [one for one in here if self._missing((*schema, one.name), kind)]
        if not short:
            return []
        missing = ", ".join(dict.fromkeys(p for one in short for p in self._missing((*schema, one.name), kind)))
        what = f"{missing} on {len(short)} of {len(here)} {_PLURAL[kind].lower()} in {dotted(*schema)}"
        return [Lacking(what, f"GRANT {missing} ON ALL {_PLURAL[kind]} IN SCHEMA {dotted(*schema)} {self._to}")]

    def _unnamed(self, name: Parts, objects: Collection[Listed]) -> Sequence[Lacking]:
        kind = next((one.kind for one in objects if one.name == name[2]), "TABLE")
        missing = ", ".join(self._missing(name, kind))
        what = f"{missing} on {kind.lower()} {dotted(*name)}"
        return [Lacking(what, f"GRANT {missing} ON {kind} {dotted(*name)} {self._to}")] if missing else []

    def _missing(self, name: Parts, kind: str) -> Sequence[str]:
        held = self._held.get(("OBJECT", name), set())
        needed = self._needed if kind == "TABLE" else _READ
        return [] if "OWNERSHIP" in held else [one for one in needed if one not in held]

    def _absent(self, schema: Parts, kind: str) -> Sequence[str]:
        needed = self._needed if kind == "TABLE" else _READ
        have = {privilege for privilege, on, place in self._later if on == kind and place in (schema, schema[:1])}
        return [] if "OWNERSHIP" in have else [one for one in needed if one not in have]

    def _future(self, schema: Parts, kind: str) -> str:
        privileges = ", ".join(self._absent(schema, kind))
        return f"GRANT {privileges} ON FUTURE {_PLURAL[kind]} IN SCHEMA {dotted(*schema)} {self._to}"

    def _named(self, schema: Parts) -> Sequence[Parts]:
        names = (name_parts(one) for one in self._scope.tables)
        return [name for name in names if name[:2] == schema]

    def _hidden(self, schema: Parts) -> bool:
        """Whether access to the database comes in a way that shows no grant on what is in it."""
        by_role = any(kind == "DATABASE_ROLE" and name[:1] == schema[:1] for kind, name in self._held)
        below = any(kind == "SCHEMA" and name[:1] == schema[:1] for kind, name in self._held)
        return by_role or (("DATABASE", schema[:1]) in self._held and not below)
