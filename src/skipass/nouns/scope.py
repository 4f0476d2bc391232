"""Scope: what an access session may touch. One shape in requests, policy and `guard check`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from skipass.errors import SkipassError


class Access(StrEnum):
    """`read`: reads run, writes are held. `write`: DML runs, DDL is held."""

    READ = "read"
    WRITE = "write"


class Metadata(StrEnum):
    """How far SHOW, DESCRIBE and INFORMATION_SCHEMA may look."""

    SCHEMA = "schema"
    DATABASE = "database"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Scope:
    """The area of a session; every name is `DB.SCHEMA[.NAME]`, upper case unless quoted, as Snowflake resolves it."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    metadata: Metadata = Metadata.SCHEMA
    access: Access = Access.READ
    role: str | None = None
    warehouse: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape, empty members left out."""
        shape: dict[str, Any] = {"schemas": list(self.schemas)}
        if self.tables:
            shape["tables"] = list(self.tables)
        if self.functions:
            shape["functions"] = list(self.functions)
        shape |= {"metadata": self.metadata.value, "access": self.access.value}
        return shape | {k: v for k, v in (("role", self.role), ("warehouse", self.warehouse)) if v}


_MEMBERS = tuple(field.name for field in fields(Scope))


def scope_from(value: object, *, extra: tuple[str, ...] = ()) -> Scope:
    """Return the scope of a JSON object, or raise `invalid_scope` naming every fault.

    Names are taken as they are: folding `ops_db.ops` to `OPS_DB.OPS` is the statement guard's business
    (`skipass.access.sqlguard.canonical_scope`). Members in `extra` are allowed and ignored.
    """
    if not isinstance(value, Mapping):
        raise SkipassError("invalid_scope", "The scope must be a JSON object.", 'Example: {"schemas": ["DB.SCHEMA"]}')
    faults = [f"unknown member {k!r}" for k in value if k not in _MEMBERS and k not in extra]
    lists = {name: _names(value, name, faults) for name in ("schemas", "tables", "functions")}
    metadata = _choice(value, "metadata", [m.value for m in Metadata], faults)
    access = _choice(value, "access", [a.value for a in Access], faults)
    single = {name: _text(value, name, faults) for name in ("role", "warehouse")}
    if not lists["schemas"]:
        faults.append("schemas must name at least one DB.SCHEMA")
    if faults:
        raise SkipassError("invalid_scope", "; ".join(faults), 'Example: {"schemas": ["DB.SCHEMA"], "access": "read"}')
    return Scope(
        lists["schemas"],
        lists["tables"],
        lists["functions"],
        Metadata(metadata),
        Access(access),
        single["role"],
        single["warehouse"],
    )


def _names(value: Mapping[str, Any], member: str, faults: list[str]) -> tuple[str, ...]:
    names = value.get(member) or []
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        faults.append(f"{member} must be a list of names")
        return ()
    if len(names) > 200:
        faults.append(f"{member} holds more than 200 names")
    return tuple(dict.fromkeys(names))


def _choice(value: Mapping[str, Any], member: str, choices: list[str], faults: list[str]) -> str:
    chosen = value.get(member, choices[0])
    if chosen not in choices:
        faults.append(f"{member} must be one of {', '.join(choices)}")
        return choices[0]
    return str(chosen)


def _text(value: Mapping[str, Any], member: str, faults: list[str]) -> str | None:
    text = value.get(member)
    if text is None:
        return None
    if not isinstance(text, str) or not text.strip():
        faults.append(f"{member} must be a name")
        return None
    return text


def name_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a canonical name as Snowflake shows them: `OPS_DB."my ops"` gives `OPS_DB`, `my ops`."""
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', name)
    return tuple(quoted.replace('""', '"') if quoted else plain for quoted, plain in parts)
