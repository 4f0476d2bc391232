"""The doctor's round: which connection, seen by whom, and every check in its order; on record before and after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.connections import Connections, Known
from skipass.gateway.deps import Deps
from skipass.gateway.doctor import claims, client, host, integration, managed, sign_in, slugs
from skipass.gateway.doctor.findings import Check, Finding, State, looks
from skipass.gateway.doctor.patient import Patient
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.account import Registration
from skipass.nouns.connection import Connection, McpServer, Switch
from skipass.nouns.principal import Principal, Role
from skipass.snowflake.identifiers import body_field
from skipass.snowflake.mcp.address import parse_server_url
from skipass.snowflake.mcp.messages import ServerName
from skipass.snowflake.setup_sql import integration_name

CHECKS: tuple[Check[Patient], ...] = (
    *host.CHECKS,
    *client.CHECKS,
    *integration.CHECKS,
    *client.ASKING,
    sign_in.CREDENTIAL,
    *claims.CHECKS,
    *sign_in.CHECKS,
    *managed.CHECKS,
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is to be looked at. Without connection and slug it is every enabled connection.

    `managed` is a Snowflake-managed MCP server, DATABASE.SCHEMA.NAME; `admin` a connection whose role sees integrations
    and users; `integration` its name in Snowflake, where that is not ours; `described` its properties as pasted.
    """

    connection: str | None = None
    slug: str | None = None
    managed: str | None = None
    admin: str | None = None
    integration: str | None = None
    described: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found about one connection."""

    connection: Connection
    findings: Sequence[Finding]

    @property
    def is_well(self) -> bool:
        """Whether no check failed; what could not be seen counts for neither side."""
        return all(one.state is not State.FAILED for one in self.findings)


class Doctor:
    """Examines connections for an admin, by the admin's own accounts and never by anybody else's."""

    def __init__(self, deps: Deps, system: System, connections: Connections) -> None:
        self._deps, self._system, self._connections = deps, system, connections

    async def examine(self, principal: Principal, complaint: Complaint) -> list[Examined]:
        """Return what was found; raises `unknown_connection` or `not_found` for a name that is none."""
        by = require(principal, Role.ADMIN)
        server = _server_name(complaint.managed)
        admin = await self._admin(principal, complaint.admin)
        names, said = await self._names(principal, complaint)
        if complaint.slug is not None and server is None:
            server = await self._behind(principal, complaint.slug)
        return [await self._one(principal, by, name, complaint, admin, server, said) for name in names]

    async def watch(self, principal: Principal, name: str) -> AsyncIterator[Finding]:
        """Yield what is found about one connection, each check as it is done; raises as `examine` does, before any.

        What was found is on record once the last of it was asked for.
        """
        by = require(principal, Role.ADMIN)
        known = await self._connections.show(principal, name)
        async for finding in self._looks(principal, by, known, Complaint(connection=name)):
            yield finding

    async def _names(self, principal: Principal, complaint: Complaint) -> tuple[list[str], list[Finding]]:
        if complaint.slug is not None:
            name, found = await self._slug(principal, complaint.slug)
            return [name], found
        if complaint.connection is not None:
            return [complaint.connection], []
        every = await self._connections.list(principal)
        return [one.name for one in every if one.state is Switch.ENABLED], []

    async def _slug(self, principal: Principal, slug: str) -> tuple[str, list[Finding]]:
        """Return the connection behind a slug, and what is found about the slug itself."""

        async def load(reader: Reader) -> tuple[str, list[Finding]]:
            server, connection = await _server(reader, principal, slug)
            return connection.name, await slugs.look(reader, server, connection)

        return await self._deps.journal.read(load)

    async def _behind(self, principal: Principal, slug: str) -> ServerName | None:
        """Return the managed server that a slug relays to."""

        async def load(reader: Reader) -> str | None:
            return (await _server(reader, principal, slug))[0].upstream

        upstream = await self._deps.journal.read(load)
        return parse_server_url(upstream).server if upstream is not None else None

    async def _admin(self, principal: Principal, name: str | None) -> Out | None:
        if name is None:
            return None
        out = await self._connections.way(principal, await self._connections.show(principal, name))
        if out is None:
            hint = "Link your account on it, or add it with a key pair of its own."
            raise SkipassError("consent_required", f"{name[:80]} has no active credential for you.", hint)
        return out

    async def _one(
        self,
        principal: Principal,
        by: str,
        name: str,
        complaint: Complaint,
        admin: Out | None,
        server: ServerName | None,
        said: Sequence[Finding],
    ) -> Examined:
        known = await self._connections.show(principal, name)
        looks = self._looks(principal, by, known, complaint, admin, server, said)
        return Examined(known.connection, [one async for one in looks])

    async def _looks(
        self,
        principal: Principal,
        by: str,
        known: Known,
        complaint: Complaint,
        admin: Out | None = None,
        server: ServerName | None = None,
        said: Sequence[Finding] = (),
    ) -> AsyncIterator[Finding]:
        connection = known.connection
        asked = {"by": by, "admin_connection": complaint.admin, "mcp_server": complaint.managed}
        await self._record(connection, "connection.examined", asked)
        out = await self._connections.way(principal, known)
        patient = Patient(
            deps=self._deps,
            system=self._system,
            connection=connection,
            registration=_registration(known, out),
            out=out,
            integration=complaint.integration or integration_name(connection.name),
            admin=admin,
            described=complaint.described,
            server=server,
        )
        findings = list(said)
        for one in said:
            yield one
        async for finding in looks(CHECKS, patient):
            findings.append(finding)
            yield finding
        checks = [{"name": one.step, "ok": _OK[one.state], "seen": one.seen} for one in findings]
        await self._record(connection, "connection.tested", {"by": by, "checks": checks})

    async def _record(self, connection: Connection, kind: str, facts: Mapping[str, Any]) -> None:
        async def record(unit: UnitOfWork) -> None:
            unit.emit(Event(connection.tenant_id, kind, connection.id, dict(facts)))

        await self._deps.journal.write(record)


async def _server(reader: Reader, principal: Principal, slug: str) -> tuple[McpServer, Connection]:
    found = await reader.find(McpServer, tenant_id=principal.tenant_id, slug=slug, limit=1)
    behind = await reader.get(Connection, found[0].connection_id) if found else None
    if behind is None:
        raise SkipassError("not_found", f"There is no MCP server {slug[:80]!r}.", "See skipass mcp-server list.")
    return found[0], behind


_OK = {State.OK: True, State.FAILED: False, State.UNSEEN: None}


def _registration(known: Known, out: Out | None) -> Registration | None:
    """Return the client that the caller's account went through, else the first one."""
    used = out.account.registration_id if out and out.account else None
    first = known.registrations[0] if known.registrations else None
    return next((one for one in known.registrations if one.id == used), first)


def _server_name(text: str | None) -> ServerName | None:
    if text is None:
        return None
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise SkipassError("invalid_request", "The managed server is not DATABASE.SCHEMA.NAME.")
    database, schema, name = (_part(part) for part in parts)
    return ServerName(database, schema, name)


def _part(text: str) -> str:
    """Return one part as the address wants it: plain names in upper case, quoted ones with their quotes."""
    return text if text.startswith('"') else body_field(text)
