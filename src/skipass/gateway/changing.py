"""Changing a connection: its defaults, its roles, its limits. What may not run any more ends in the same transaction.

Never changes which account a connection leads to or by what it signs in: another account is another connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from skipass.access.policy import policy_from
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.holding import withdraw_all
from skipass.gateway.leading import another_host
from skipass.gateway.moves import move
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.probe import SETTING as PROBE_MINUTES
from skipass.gateway.sessions import withdraw_request
from skipass.nouns.connection import AuthMethod, Connection, Switch
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState

FIELDS = ("host", "role", "allowed_roles", "warehouse", "database", "schema", "policy")
SETTINGS = ("login_claim", "verify_end_users", PROBE_MINUTES)
"""The settings of a connection; taken out again with None."""
_USUAL: Mapping[str, Any] = MappingProxyType({"verify_end_users": True})
_WAITING = (StatementState.HELD, StatementState.APPROVED)


class Changing:
    """The use cases that change a connection which is there."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def change(
        self, principal: Principal, name: str, changes: Mapping[str, Any], *, dry_run: bool = False
    ) -> Connection:
        """Return the connection with these members of `FIELDS` and `SETTINGS`; what is left out stays as it is.

        Sessions in a role that is no longer allowed end, and with another host or claim of the login all of them. What
        is the same already is no change. With `dry_run` it is what would be, and nothing is written.
        """
        by = require(principal, Role.ADMIN)

        async def put(unit: UnitOfWork) -> Connection:
            before = await _any(unit, principal.tenant_id, name)
            after, told = _changed(before, self._led(before, changes))
            if not told["after"]:
                return before
            await _end(unit, before, after, by)
            unit.emit(Event(before.tenant_id, "connection.changed", before.id, told | {"by": by}))
            new = {field: getattr(after, field) for field in (*FIELDS, "settings")}
            return await unit.change(before, **new)

        if dry_run:
            found = await self._deps.journal.read(lambda reader: _any(reader, principal.tenant_id, name))
            return _changed(found, self._led(found, changes))[0]
        return await self._deps.journal.write(put)

    def _led(self, before: Connection, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the changes with the host, where one is typed, as where it leads."""
        if "host" not in changes:
            return changes
        return {**changes, "host": another_host(self._deps, before, changes["host"])}

    async def enable(self, principal: Principal, name: str) -> Connection:
        """Let a disabled connection answer again; what ended when it was disabled stays ended."""
        by = require(principal, Role.ADMIN)

        async def put(unit: UnitOfWork) -> Connection:
            found = await _any(unit, principal.tenant_id, name)
            if found.state is Switch.ENABLED:
                return found
            unit.emit(Event(found.tenant_id, "connection.enabled", found.id, {"by": by}))
            return await unit.change(found, state=Switch.ENABLED)

        return await self._deps.journal.write(put)


def _changed(before: Connection, changes: Mapping[str, Any]) -> tuple[Connection, dict[str, dict[str, Any]]]:
    """Return the connection as it would be, and what differs, with how it was and how it is then."""
    fields = {name: value for name, value in changes.items() if name in FIELDS}
    if "policy" in fields:
        fields["policy"] = policy_from(fields["policy"]).as_dict()
    if "allowed_roles" in fields:
        fields["allowed_roles"] = tuple(dict.fromkeys(fields["allowed_roles"]))
    settings = dict(before.settings) | {name: value for name, value in changes.items() if name in SETTINGS}
    kept = {name: value for name, value in settings.items() if value != _USUAL.get(name)}
    after = replace(before, **fields, settings=kept)
    _check(after)
    was, now = _members(before), _members(after)
    differs = [name for name in now if was[name] != now[name]]
    return after, {"before": {name: was[name] for name in differs}, "after": {name: now[name] for name in differs}}


def _members(connection: Connection) -> dict[str, Any]:
    fields = {name: getattr(connection, name) for name in FIELDS}
    return fields | {name: connection.settings.get(name) for name in SETTINGS}


def _check(after: Connection) -> None:
    if not after.role.strip():
        raise SkipassError("missing_field", "A connection needs a role.")
    if after.settings.get("login_claim") and after.auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER:
        raise SkipassError("invalid_request", "login_claim goes with external_oauth_issuer.")
    if after.settings.get(PROBE_MINUTES) and not after.per_user:
        raise SkipassError("invalid_request", f"{PROBE_MINUTES} is about accounts of users, which it does not have.")


async def _end(unit: UnitOfWork, before: Connection, after: Connection, by: str) -> None:
    """End what the change leaves no ground for: sessions of other logins, or in roles that are gone."""
    if before.host != after.host or before.settings.get("login_claim") != after.settings.get("login_claim"):
        await cut(unit, by, EndReason.ACCOUNT, connection_id=before.id)
        return
    gone = {before.role, *before.allowed_roles} - {after.role, *after.allowed_roles}
    if gone:
        await unit.next_revocation()
        await _end_in(unit, before, tuple(sorted(gone)), by)


async def _end_in(unit: UnitOfWork, connection: Connection, roles: tuple[str, ...], by: str) -> None:
    whose: dict[str, Any] = {"connection_id": connection.id, "role": roles, "limit": 100_000}
    for session in await unit.find(AccessSession, state=SessionState.REQUESTED, **whose):
        await withdraw_request(unit, session, by)
    reason = EndReason.REVOKED
    for session in await unit.find(AccessSession, state=SessionState.OPEN, **whose):
        await move(unit, session, SessionState.CLOSING, {"reason": reason.value, "by": by}, end_reason=reason)
    held = await unit.find(Statement, connection_id=connection.id, state=_WAITING, limit=100_000)
    for session_id in sorted({statement.session_id for statement in held}):
        # A ticket outlives its session, and would run in the session's role.
        ended = await unit.get(AccessSession, session_id, role=roles)
        if ended is not None:
            await withdraw_all(unit, ended, reason.value)


async def _any(reader: Reader, tenant_id: str, name: str) -> Connection:
    """Return the tenant's connection of a name, enabled or not."""
    found = await reader.find(Connection, tenant_id=tenant_id, name=name, limit=1)
    if not found:
        hint = "See skipass connection list."
        raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r}.", hint)
    return found[0]
