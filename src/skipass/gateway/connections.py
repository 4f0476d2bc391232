"""Connections: registered, tested, disabled. A private key is sealed when it arrives and never comes back out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from skipass.access.policy import policy_from
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.servers import add_server
from skipass.gateway.system import System
from skipass.gateway.upstream import credential_place
from skipass.gateway.wall import Check, second_wall
from skipass.gateway.way_out import Out
from skipass.ids import new_id
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState, Switch
from skipass.nouns.principal import Principal, Role
from skipass.nouns.scope import Scope
from skipass.nouns.session import EndReason
from skipass.secret import Secret
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.auth.keys import fingerprint, load_private_key, public_der
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.vault.seal import seal


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What `connection add` registers; names of role, warehouse, database and schema are as Snowflake shows them.

    `host` overrides the host derived from `account` (port and path prefix allowed, http on loopback only).
    `private_key` is PEM or DER text, with its passphrase where it is encrypted.
    """

    name: str
    account: str
    login: str
    role: str
    private_key: Secret[str]
    passphrase: Secret[str] | None = None
    host: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    allowed_roles: Sequence[str] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    slug: str | None = None


class Connections:
    """The use cases of connections."""

    def __init__(self, deps: Deps, system: System) -> None:
        self._deps, self._system = deps, system

    async def add(self, principal: Principal, request: ConnectionRequest) -> Connection:
        """Return the new connection; also opens the MCP slug of its name (or `slug`) where that is free."""
        by = require(principal, Role.ADMIN)
        connection, credential, private = self._draft(principal.tenant_id, request)

        async def add(unit: UnitOfWork) -> Connection:
            await unit.insert(connection)
            await unit.insert(credential)
            facts = {"name": connection.name, "account": connection.account, "host": connection.host, "by": by}
            facts |= {"login": connection.login, "role": connection.role, "auth_method": connection.auth_method.value}
            unit.emit(Event(connection.tenant_id, "connection.created", connection.id, facts))
            told = {"connection_id": connection.id, "fingerprint": credential.fingerprint, "generation": 1}
            unit.emit(Event(connection.tenant_id, "credential.active", credential.id, told))
            await add_server(unit, connection, request.slug or connection.name, by)
            return connection

        del private
        return await self._deps.journal.write(add)

    def _draft(self, tenant_id: str, request: ConnectionRequest) -> tuple[Connection, Credential, None]:
        now = self._deps.journal.now()
        if (
            not request.name.replace("-", "").replace("_", "").isalnum()
            or not request.name.isascii()
            or len(request.name) > 40
        ):
            raise SkipassError("invalid_request", "A connection's name is 1 to 40 letters, digits, - and _.")
        for member in ("login", "role"):
            if not getattr(request, member).strip():
                raise SkipassError("missing_field", f"A connection needs {member}.")
        try:
            account = parse_account(request.account)
            target = target_of(account, request.host)
            self._deps.upstream.egress.check_literal(target.host, target.port or 443)
            passphrase = request.passphrase.reveal() if request.passphrase else None
            key = load_private_key(request.private_key.reveal(), passphrase)
        except SnowflakeConfigError as error:
            raise SkipassError("invalid_request", error.message, error.hint) from None
        connection = Connection(
            id=new_id("connection", now),
            tenant_id=tenant_id,
            name=request.name,
            account=request.account,
            host=target.base_url,
            auth_method=AuthMethod.KEY_PAIR,
            login=request.login,
            role=request.role,
            allowed_roles=tuple(request.allowed_roles),
            policy=policy_from(request.policy).as_dict(),
            created_at=now,
            warehouse=request.warehouse,
            database=request.database,
            schema=request.schema,
        )
        return connection, self._credential(connection, _pkcs8(key), fingerprint(public_der(key))), None

    def _credential(self, connection: Connection, private: bytes, print_: str) -> Credential:
        now = self._deps.journal.now()
        credential_id = new_id("key", now)
        unsealed = Credential(
            id=credential_id,
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            generation=1,
            state=CredentialState.ACTIVE,
            sealed=b"",
            fingerprint=print_,
            created_at=now,
        )
        return replace(unsealed, sealed=seal(self._deps.kek, private, credential_place(unsealed)))

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[Connection]:
        """Return the tenant's connections, without credentials, in order of name from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[Connection]:
            return await reader.find(Connection, order="name", limit=limit, tenant_id=tenant_id, name__gt=after)

        return await self._deps.journal.read(load)

    async def show(self, principal: Principal, name: str) -> tuple[Connection, Credential | None]:
        """Return one connection and its active credential (sealed), or raise `unknown_connection`."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)

        async def load(reader: Reader) -> tuple[Connection, Credential | None]:
            found = await reader.find(Connection, tenant_id=principal.tenant_id, name=name, limit=1)
            if not found:
                hint = "See skipass connection list."
                raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r}.", hint)
            where: dict[str, Any] = {"connection_id": found[0].id, "state": CredentialState.ACTIVE}
            active = await reader.find(Credential, limit=1, **where)
            return found[0], active[0] if active else None

        return await self._deps.journal.read(load)

    async def test(self, principal: Principal, name: str, scope: Scope | None = None) -> Sequence[Check]:
        """Return ordered checks against the account; what the gateway cannot see is said to be unseen, never ok.

        The last says what the role may do beyond `scope`, or beyond the connection's own schema.
        """
        by = require(principal, Role.ADMIN)
        connection, credential = await self.show(principal, name)
        checks = await self._checks(connection, credential, scope)

        async def record(unit: UnitOfWork) -> None:
            facts = {"by": by, "checks": [{"name": c.name, "ok": c.ok, "seen": c.seen} for c in checks]}
            unit.emit(Event(connection.tenant_id, "connection.tested", connection.id, facts))

        await self._deps.journal.write(record)
        return checks

    async def _checks(
        self, connection: Connection, credential: Credential | None, scope: Scope | None
    ) -> Sequence[Check]:
        if credential is None:
            return [Check("credential", False, "no active credential", "Add the connection again with a key.")]
        out = Out(connection, credential)
        checks = [Check("credential", True, credential.fingerprint)]
        try:
            answer = await self._system.ask("identity", out, warehouse=connection.warehouse)
        except SkipassError as error:
            return [*checks, Check("sign-in", False, error.message, error.hint)]
        row = answer.rows[0]
        checks.append(Check("sign-in", True, f"{row['LOGIN']} on {row['ACCOUNT']}"))
        checks.append(_role(connection, row))
        names = await self._system.warehouses(out, connection.role)
        return [*checks, _warehouse(connection, names), await second_wall(self._system, out, scope)]

    async def disable(self, principal: Principal, name: str) -> Connection:
        """Disable a connection: nothing on it is admitted any more."""
        by = require(principal, Role.ADMIN)
        connection, _ = await self.show(principal, name)

        async def disable(unit: UnitOfWork) -> Connection:
            await cut(unit, by, EndReason.ACCOUNT, connection_id=connection.id)
            unit.emit(Event(connection.tenant_id, "connection.disabled", connection.id, {"by": by}))
            return await unit.change(connection, state=Switch.DISABLED)

        return await self._deps.journal.write(disable)


def _role(connection: Connection, row: Mapping[str, str | None]) -> Check:
    secondary = row.get("SECONDARY_ROLES") or ""
    seen = f"{row['ROLE']}, secondary roles: {secondary or 'none'}"
    if row["ROLE"] != connection.role:
        return Check("role", False, seen, f"GRANT ROLE {connection.role} TO USER {connection.login};")
    if '"roles":""' not in secondary.replace(" ", "") and secondary:
        return Check("role", False, seen, f"ALTER USER {connection.login} SET DEFAULT_SECONDARY_ROLES = ();")
    return Check("role", True, seen)


def _warehouse(connection: Connection, names: Sequence[str]) -> Check:
    listed = ", ".join(names) or "none"
    if connection.warehouse is None:
        return Check(
            "warehouse", None, f"none named; usable: {listed}", "Name one in the connection or in each session."
        )
    fix = f"GRANT USAGE ON WAREHOUSE {connection.warehouse} TO ROLE {connection.role};"
    return Check("warehouse", connection.warehouse in names, f"usable: {listed}", fix)


def _pkcs8(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
