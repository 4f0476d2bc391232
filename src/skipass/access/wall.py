"""The second wall: what a Snowflake role may do beyond a scope, read from its grants. Pure; reads no statement.

Anything that is not known to stay inside the scope is wider than it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skipass.nouns.scope import Access, Scope, name_parts

EVERYBODYS = "PUBLIC"
"""The role that every session has beside its own.

Source: https://docs.snowflake.com/en/user-guide/security-access-control-overview (system-defined roles).
"""
_READS = frozenset({"SELECT", "REFERENCES"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE"})
_READABLE = frozenset(
    {"TABLE", "VIEW", "MATERIALIZED_VIEW", "DYNAMIC_TABLE", "EXTERNAL_TABLE", "ICEBERG_TABLE", "EVENT_TABLE"}
)
_CHANGEABLE = frozenset({"TABLE", "ICEBERG_TABLE"})


@dataclass(frozen=True, slots=True)
class Granted:
    """One row of SHOW GRANTS TO ROLE: `on` is the object's kind, `role` the role that has it."""

    privilege: str
    on: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Wider:
    """A group of grants beyond a scope, and the statement that would take the first of them away."""

    what: str
    fix: str


def inherited(grants: Iterable[Granted]) -> list[str]:
    """Return the roles that come with a role by these grants."""
    return [one.name for one in grants if (one.on, one.privilege) == ("ROLE", "USAGE")]


def wider(grants: Iterable[Granted], scope: Scope) -> Sequence[Wider]:
    """Return what the grants allow beyond a scope, grouped by privilege, kind, schema and role."""
    beyond = [one for one in grants if not _inside(one, scope)]
    groups = Counter(_group(one) for one in beyond)
    first: dict[tuple[str, str, str, str], Granted] = {}
    for one in beyond:
        first.setdefault(_group(one), one)
    return [Wider(_said(group, count, first[group]), _fix(first[group])) for group, count in groups.items()]


def dotted(*parts: str) -> str:
    """Return a name as SQL writes it; only the parts that need quotes get them."""
    plain = all(part.isascii() and part.isidentifier() and part.upper() == part for part in parts)
    return ".".join(parts) if plain else ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _inside(one: Granted, scope: Scope) -> bool:
    parts = name_parts(one.name)
    schemas = {name_parts(name) for name in scope.schemas}
    match one.on:
        case "ROLE":
            return one.privilege == "USAGE"  # what comes with it is looked at by itself
        case "WAREHOUSE":
            return one.privilege == "USAGE" and scope.warehouse in (None, *parts)
        case "DATABASE":
            return one.privilege == "USAGE" and parts[:1] in {name[:1] for name in schemas}
        case "SCHEMA":
            return one.privilege == "USAGE" and parts in schemas
        case "FUNCTION":
            return one.privilege == "USAGE" and _called(one.name) in {name_parts(name) for name in scope.functions}
        case _:
            return _object_inside(one, parts, schemas, scope)


def _object_inside(one: Granted, parts: tuple[str, ...], schemas: set[tuple[str, ...]], scope: Scope) -> bool:
    tables = {name_parts(name) for name in scope.tables}
    if parts[:2] not in schemas or (tables and parts not in tables):
        return False
    reads = one.on in _READABLE and one.privilege in _READS
    changes = one.on in _CHANGEABLE and one.privilege in _CHANGES
    return reads or (changes and scope.access is Access.WRITE)


def _called(name: str) -> tuple[str, ...]:
    """Return the name of a function without its arguments, which SHOW writes behind it, all in one pair of quotes."""
    parts = name_parts(name)
    return (*parts[:-1], parts[-1].partition("(")[0]) if parts else parts


def _group(one: Granted) -> tuple[str, str, str, str]:
    parts = name_parts(one.name)
    return one.privilege, one.on, ".".join(parts[:2]) if len(parts) > 2 else one.name, one.role


def _said(group: tuple[str, str, str, str], count: int, first: Granted) -> str:
    privilege, kind, place, role = group
    noun = kind.replace("_", " ").lower()
    what = f"{privilege} on {noun} {first.name}" if count == 1 else f"{privilege} on {count} {noun}s of {place}"
    return f"{what} by {role}"


def _fix(one: Granted) -> str:
    if one.on == "DATABASE_ROLE":
        return f"REVOKE DATABASE ROLE {one.name} FROM ROLE {one.role};"
    if one.on == "ACCOUNT":
        return f"REVOKE {one.privilege} ON ACCOUNT FROM ROLE {one.role};"
    return f"REVOKE {one.privilege} ON {one.on.replace('_', ' ')} {one.name} FROM ROLE {one.role};"
