"""Reading the second wall: the grants of a connection's role, and of every role that comes with it, held to a scope."""

from __future__ import annotations

from collections.abc import Sequence

from skipass.access.wall import EVERYBODYS, Granted, dotted, inherited, wider
from skipass.errors import SkipassError
from skipass.gateway.reach import Check, reach
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.connection import Connection
from skipass.nouns.scope import Scope, scope_from

MOST_ROLES = 50
MOST_SAID = 10


async def second_wall(system: System, out: Out, scope: Scope | None) -> Sequence[Check]:
    """Return whether the role reaches all of `scope`, and whether Snowflake itself would keep it inside.

    Without a scope it is held to the connection's own: there a wider role may be meant, so it is said and not failed.
    """
    meant = scope or own_scope(out.connection)
    if meant is None:
        return [Check("grants", None, "there is no scope to hold the role to", "Name one: --schema DB.SCHEMA")]
    try:
        grants = await grants_of(system, out)
    except SkipassError as error:
        return [Check("grants", None, f"the role's grants cannot be read: {error.message}", error.hint)]
    return [await reach(system, out, meant, grants), _kept_in(out, grants, meant, asked=scope is not None)]


def _kept_in(out: Out, grants: Sequence[Granted], meant: Scope, *, asked: bool) -> Check:
    beyond = wider(grants, meant)
    named = ", ".join(meant.schemas)
    if not beyond:
        return Check("grants", True, f"{_role(out)} reaches {named} and nothing else")
    said = "; ".join(one.what for one in beyond[:MOST_SAID])
    more = f"; and {len(beyond) - MOST_SAID} more" if len(beyond) > MOST_SAID else ""
    doubt = "" if asked else ". Whether that is meant cannot be seen from here"
    fix = " ".join(one.fix for one in beyond[:MOST_SAID])
    return Check("grants", False if asked else None, f"wider than {named}: {said}{more}{doubt}", fix)


def own_scope(connection: Connection) -> Scope | None:
    """Return what a connection says it is for: its automatic scope, else its own schema, to read."""
    automatic = connection.policy.get("automatic")
    if isinstance(automatic, dict):
        return scope_from(automatic)
    if connection.database is None or connection.schema is None:
        return None
    return Scope((dotted(connection.database, connection.schema),), warehouse=connection.warehouse)


async def grants_of(system: System, out: Out) -> Sequence[Granted]:
    """Return the grants of the role, of every role it inherits, and of the one that everybody has."""
    waiting, seen, found = [_role(out), EVERYBODYS], set[str](), list[Granted]()
    while waiting:
        role = waiting.pop(0)
        if role in seen:
            continue
        if len(seen) == MOST_ROLES:
            raise SkipassError("not_allowed", f"More than {MOST_ROLES} roles come with it.")
        seen.add(role)
        answer = await system.ask("grants", out, role=out.role, names={"role": role})
        rows = [
            Granted(row.get("PRIVILEGE") or "", row.get("GRANTED_ON") or "", row.get("NAME") or "", role)
            for row in answer.rows
        ]
        found += rows
        waiting += inherited(rows)
    return found


def _role(out: Out) -> str:
    return out.role or out.connection.role
