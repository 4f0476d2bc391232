"""Connections: registered, tested, disabled. A secret is sealed when it arrives and never comes back out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.access.wall import dotted
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import ConnectionRequest, Draft, draft, outline
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.reach import Check
from skipass.gateway.registrations import add_credential, add_registration
from skipass.gateway.servers import add_server
from skipass.gateway.system import System
from skipass.gateway.wall import second_wall
from skipass.gateway.way_out import Out, Ways, ways_out
from skipass.nouns.account import Registration
from skipass.nouns.connection import Connection, Credential, CredentialState, Switch
from skipass.nouns.principal import Principal, Role
from skipass.nouns.scope import Scope
from skipass.nouns.session import EndReason


@dataclass(frozen=True, slots=True)
class Added:
    """A new connection, its client at an authorization server if it has one, and what people should know of it."""

    connection: Connection
    registration: Registration | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A connection, its one active credential (sealed) where it has one for everybody, and its registrations."""

    connection: Connection
    credential: Credential | None
    registrations: Sequence[Registration] = ()


_GIVE = "Give it one: skipass connection credential {} --private-key FILE or --token-env VARIABLE"


class Connections:
    """The use cases of connections."""

    def __init__(self, deps: Deps, system: System) -> None:
        self._deps, self._system = deps, system

    async def add(self, principal: Principal, request: ConnectionRequest) -> Added:
        """Return the new connection; also opens the MCP slug of its name (or `slug`) where that is free."""
        by = require(principal, Role.ADMIN)
        made = await draft(self._deps, principal.tenant_id, request)
        connection = made.connection

        async def add(unit: UnitOfWork) -> Added:
            await insert_connection(unit, made, by)
            await add_server(unit, connection, request.slug or connection.name, by)
            return Added(connection, made.registration, made.remarks)

        return await self._deps.journal.write(add)

    async def check(self, principal: Principal, request: ConnectionRequest) -> Added:
        """Return what `add` would make of a request, or raise what it would; nothing is stored."""
        require(principal, Role.ADMIN)
        made = await draft(self._deps, principal.tenant_id, request)
        await self._check_free(principal, made.connection)
        return Added(made.connection, made.registration, made.remarks)

    async def outline(self, principal: Principal, request: ConnectionRequest) -> Connection:
        """Return what a connection would be, before its secrets are there; raises of the rest what `check` does."""
        require(principal, Role.ADMIN)
        found = outline(self._deps, principal.tenant_id, request)
        await self._check_free(principal, found)
        return found

    async def _check_free(self, principal: Principal, connection: Connection) -> None:
        taken = await self.list(principal, after="", limit=100_000)
        if any(one.name == connection.name for one in taken):
            raise SkipassError("conflict", f"There is a connection {connection.name!r}.", "Take another name.")

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[Connection]:
        """Return the tenant's connections, without credentials, in order of name from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[Connection]:
            return await reader.find(Connection, order="name", limit=limit, tenant_id=tenant_id, name__gt=after)

        return await self._deps.journal.read(load)

    async def show(self, principal: Principal, name: str) -> Known:
        """Return one connection with its active credential (sealed), or raise `unknown_connection`."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)

        async def load(reader: Reader) -> Known:
            found = await reader.find(Connection, tenant_id=principal.tenant_id, name=name, limit=1)
            if not found:
                hint = "See skipass connection list."
                raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r}.", hint)
            where: dict[str, Any] = {"connection_id": found[0].id, "state": CredentialState.ACTIVE, "user_id": None}
            active = await reader.find(Credential, limit=1, **where)
            clients = await reader.find(Registration, connection_id=found[0].id, state=Switch.ENABLED)
            return Known(found[0], active[0] if active else None, clients)

        return await self._deps.journal.read(load)

    async def test(self, principal: Principal, name: str, scope: Scope | None = None) -> Sequence[Check]:
        """Return ordered checks against the account; what the gateway cannot see is said to be unseen, never ok.

        The last says what the role may do beyond `scope`, or beyond the connection's own schema.
        """
        by = require(principal, Role.ADMIN)
        known = await self.show(principal, name)
        connection = known.connection
        checks = await self._checks(connection, await self.way(principal, known), scope)

        async def record(unit: UnitOfWork) -> None:
            facts = {"by": by, "checks": [{"name": c.name, "ok": c.ok, "seen": c.seen} for c in checks]}
            unit.emit(Event(connection.tenant_id, "connection.tested", connection.id, facts))

        await self._deps.journal.write(record)
        return checks

    async def way(self, principal: Principal, known: Known) -> Out | None:
        """Return the way of the credential that serves everybody, else that of the admin's own account."""
        if known.credential is not None and not known.connection.per_user:
            return Out(known.connection, known.credential)
        whose = {"tenant_id": principal.tenant_id, "user_id": principal.user_id or ""}
        connection = known.connection

        async def load(reader: Reader) -> Ways:
            return await ways_out(reader, connection=connection, **whose)

        ways = await self._deps.journal.read(load)
        return ways.any(connection.role) if ways.credentials else None

    async def _checks(self, connection: Connection, out: Out | None, scope: Scope | None) -> Sequence[Check]:
        if out is None and connection.per_user:
            fix = f"Connect an account of your own: skipass account link {connection.name}"
            return [Check("credential", None, "each user has an own account here, and yours is not linked", fix)]
        if out is None:
            return [Check("credential", False, "no active credential", _GIVE.format(connection.name))]
        checks = [Check("credential", True, out.credential.fingerprint)]
        try:
            answer = await self._system.ask("identity", out, role=out.role, warehouse=connection.warehouse)
        except SkipassError as error:
            return [*checks, Check("sign-in", False, error.message, error.hint)]
        row = answer.rows[0]
        checks.append(Check("sign-in", True, f"{row['LOGIN']} on {row['ACCOUNT']}"))
        role = out.role or connection.role
        checks.append(_role(connection, role, row))
        names = await self._system.warehouses(out, role)
        return [*checks, _warehouse(connection, role, names), *await second_wall(self._system, out, scope)]

    async def disable(self, principal: Principal, name: str) -> Connection:
        """Disable a connection: nothing on it is admitted any more."""
        by = require(principal, Role.ADMIN)
        connection = (await self.show(principal, name)).connection

        async def disable(unit: UnitOfWork) -> Connection:
            await cut(unit, by, EndReason.ACCOUNT, connection_id=connection.id)
            unit.emit(Event(connection.tenant_id, "connection.disabled", connection.id, {"by": by}))
            return await unit.change(connection, state=Switch.DISABLED)

        return await self._deps.journal.write(disable)


async def insert_connection(unit: UnitOfWork, made: Draft, by: str) -> Connection:
    """Insert the rows of a drafted connection and return it; no slug is opened."""
    connection = made.connection
    await unit.insert(connection)
    facts = {"name": connection.name, "account": connection.account, "host": connection.host, "by": by}
    facts |= {"login": connection.login, "role": connection.role, "auth_method": connection.auth_method.value}
    unit.emit(Event(connection.tenant_id, "connection.created", connection.id, facts))
    if made.credential is not None:
        await add_credential(unit, made.credential)
    if made.registration is not None:
        await add_registration(unit, made.registration, by)
    return connection


def _role(connection: Connection, role: str, row: Mapping[str, str | None]) -> Check:
    login = dotted(connection.login or row["LOGIN"] or "")
    secondary = row.get("SECONDARY_ROLES") or ""
    seen = f"{row['ROLE']}, secondary roles: {secondary or 'none'}"
    if row["ROLE"] != role:
        return Check("role", False, seen, f"GRANT ROLE {dotted(role)} TO USER {login};")
    if '"roles":""' not in secondary.replace(" ", "") and secondary:
        return Check("role", False, seen, f"ALTER USER {login} SET DEFAULT_SECONDARY_ROLES = ();")
    if role != connection.role:
        fix = f"skipass account link {connection.name} --role {dotted(connection.role)}"
        return Check("role", None, f"{seen}; your account is not linked for {connection.role}", fix)
    return Check("role", True, seen)


def _warehouse(connection: Connection, role: str, names: Sequence[str]) -> Check:
    listed = ", ".join(names) or "none"
    if connection.warehouse is None:
        return Check(
            "warehouse", None, f"none named; usable: {listed}", "Name one in the connection or in each session."
        )
    fix = f"GRANT USAGE ON WAREHOUSE {dotted(connection.warehouse)} TO ROLE {dotted(role)};"
    return Check("warehouse", connection.warehouse in names, f"usable: {listed}", fix)
