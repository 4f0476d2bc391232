"""Asking Snowflake what a connection's role lacks for a scope, with the grant that would give each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from skipass.access.reach import Lacking, Listed, Parts, Reach
from skipass.access.wall import Granted, dotted
from skipass.errors import SkipassError
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.scope import Scope, name_parts

MOST_SCHEMAS = 20
MOST_SAID = 10
_NOT_THERE = frozenset({"002003", "002043", "003001"})


@dataclass(frozen=True, slots=True)
class Check:
    """One step of `connection test`: its name, whether it holds (None: cannot see), what was seen, what fixes it."""

    name: str
    ok: bool | None
    seen: str
    fix: str = ""


async def reach(system: System, out: Out, scope: Scope, grants: Sequence[Granted]) -> Check:
    """Return whether the role may do what the scope is for, in the first `MOST_SCHEMAS` of its schemas.

    What is missing on tables and views made later is said and not failed: there may be none.
    """
    role = out.role or out.connection.role
    schemas = [name_parts(one) for one in scope.schemas[:MOST_SCHEMAS]]
    try:
        listed = {schema: await _listed(system, out, schema) for schema in schemas}
        future = await _future(system, out, role)
    except SkipassError as error:
        return Check("reach", None, f"what the role is shown cannot be read: {error.message}", error.hint)
    known = Reach(scope, role, grants, future)
    named = ", ".join(dotted(*one) for one in schemas)
    if missing := known.lacking(listed):
        return Check("reach", False, f"{role} lacks {_said(missing)}", _fixes(missing))
    if later := known.not_later(schemas):
        doubt = f"{role} reads what is in {named}, but lacks {_said(later)}. Whether that is meant cannot be seen"
        return Check("reach", None, doubt, _fixes(later))
    return Check("reach", True, f"{role} has what it takes in {named}")


async def _listed(system: System, out: Out, schema: Parts) -> Collection[Listed] | None:
    names = {"database": schema[0], "schema": schema[1]}
    try:
        answer = await system.ask("objects", out, role=out.role, names=names)
    except SkipassError as error:
        if error.details.get("snowflake_code") in _NOT_THERE:
            return None
        raise
    return [Listed(row.get("NAME") or "", row.get("KIND") or "") for row in answer.rows]


async def _future(system: System, out: Out, role: str) -> Sequence[Granted]:
    answer = await system.ask("future", out, role=out.role, names={"role": role})
    return [
        Granted(row.get("PRIVILEGE") or "", row.get("GRANT_ON") or "", row.get("NAME") or "", role)
        for row in answer.rows
    ]


def _said(found: Sequence[Lacking]) -> str:
    more = f"; and {len(found) - MOST_SAID} more" if len(found) > MOST_SAID else ""
    return "; ".join(one.what for one in found[:MOST_SAID]) + more


def _fixes(found: Sequence[Lacking]) -> str:
    return " ".join(one.fix for one in found[:MOST_SAID])
