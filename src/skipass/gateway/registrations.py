"""Registrations: the gateway's clients at authorization servers. A template connection has one for each account."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway import attempts
from skipass.gateway.client_drafting import ClientRequest, draft_registration, pasted_later, renewed
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import OAUTH
from skipass.gateway.moves import begin
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.keys import hashed
from skipass.ids import new_id
from skipass.nouns.account import LinkAttempt, LinkState, Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential, Switch
from skipass.nouns.principal import Principal, Role
from skipass.secret import Secret
from skipass.snowflake.account import Account, parse_account
from skipass.snowflake.errors import SnowflakeConfigError

SETUP_LIFE = timedelta(days=7)
SETUP = "set-up"
"""Stands in a link attempt for the account it is about: it is about a customer's whole Snowflake account."""


Also = Callable[[UnitOfWork], Awaitable[None]]
AlsoMade = Callable[[UnitOfWork, Registration], Awaitable[None]]


class Registrations:
    """The use cases of registrations."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def add(
        self, principal: Principal, connection_name: str, request: ClientRequest
    ) -> tuple[Registration, tuple[str, ...]]:
        """Return a template connection's client for one more account, and remarks; raises `conflict` if it has one."""
        by = require(principal, Role.ADMIN)
        tenant_id = principal.tenant_id
        connection = await self._deps.journal.read(lambda reader: named(reader, tenant_id, connection_name))
        return await self.add_by(connection, request, by)

    async def add_by(
        self, connection: Connection, request: ClientRequest, by: str, also: AlsoMade | None = None
    ) -> tuple[Registration, tuple[str, ...]]:
        """Do the same for whoever was found to be allowed it; `also` is done in the same transaction."""
        if not connection.template or connection.auth_method not in OAUTH:
            hint = "Only a template takes further accounts: skipass connection add NAME --template."
            raise SkipassError("invalid_request", f"{connection.name} is no template.", hint)
        made, remarks = await draft_registration(self._deps, connection, request)

        async def add(unit: UnitOfWork) -> tuple[Registration, tuple[str, ...]]:
            if also is not None:
                await also(unit, made)
            if await registration_for(unit, connection, parse_account(made.account)) is not None:
                hint = "Disable that one first: skipass connection unregister."
                raise SkipassError("conflict", f"{made.account} has a registration already.", hint)
            await add_registration(unit, made, by)
            return made, remarks

        return await self._deps.journal.write(add)

    async def set_client(
        self, principal: Principal, registration_id: str, request: ClientRequest
    ) -> tuple[Registration, tuple[str, ...]]:
        """Return a registration with this client, new or renewed, and remarks; its redirect URI stays the same."""
        by = require(principal, Role.ADMIN)
        mine: dict[str, Any] = {"tenant_id": principal.tenant_id, "state": Switch.ENABLED}

        async def known(reader: Reader) -> tuple[Registration, Connection]:
            found = await reader.get(Registration, registration_id, **mine)
            connection = await reader.get(Connection, found.connection_id) if found else None
            if found is None or connection is None:
                raise SkipassError("not_found", "There is no such registration.")
            return found, connection

        found, connection = await self._deps.journal.read(known)
        new, remarks = await self._with_client(connection, found, request)

        async def put(unit: UnitOfWork) -> tuple[Registration, tuple[str, ...]]:
            return await _put(unit, found, new, by), remarks

        return await self._deps.journal.write(put)

    async def put_client(
        self, connection: Connection, found: Registration, request: ClientRequest, by: str, also: Also
    ) -> Registration:
        """Return a registration with its first client; `also` is done in the same transaction.

        Raises `conflict` where the account has been registered with a client meanwhile.
        """
        new, _ = await self._with_client(connection, found, request)

        async def put(unit: UnitOfWork) -> Registration:
            await also(unit)
            if await registration_for(unit, connection, parse_account(found.account)) is not None:
                raise SkipassError("conflict", f"{found.account} has a registration already.")
            return await _put(unit, found, new, by)

        return await self._deps.journal.write(put)

    async def _with_client(
        self, connection: Connection, found: Registration, request: ClientRequest
    ) -> tuple[Registration, tuple[str, ...]]:
        if request.oauth_metadata is not None:
            return await pasted_later(self._deps, connection, found, request)
        if connection.auth_method is AuthMethod.EXTERNAL_OAUTH and not found.metadata:
            raise SkipassError("missing_field", "The first client of a provider comes with its oauth_metadata.")
        return renewed(self._deps, found, request), ()

    async def list(self, principal: Principal, connection_name: str) -> Sequence[Registration]:
        """Return a connection's registrations in order of account."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)

        async def load(reader: Reader) -> list[Registration]:
            connection = await named(reader, principal.tenant_id, connection_name)
            return await reader.find(Registration, order="account", connection_id=connection.id)

        return await self._deps.journal.read(load)

    async def disable(self, principal: Principal, registration_id: str) -> Registration:
        """Stop using a client: nobody links by it any more, and what was linked by it is no longer refreshed.

        Sign-ins that are under way by it, or wait for somebody's word, are over.
        """
        by = require(principal, Role.ADMIN)

        async def disable(unit: UnitOfWork) -> Registration:
            found = await unit.get(Registration, registration_id, tenant_id=principal.tenant_id)
            if found is None:
                raise SkipassError("not_found", "There is no such registration.")
            if found.state is Switch.DISABLED:
                return found
            for under_way in await unit.find(LinkAttempt, registration_id=found.id, state=LinkState.STARTED):
                await attempts.give_up(unit, under_way, "its client was disabled")
            unit.emit(Event(found.tenant_id, "registration.disabled", found.id, {"by": by}))
            return await unit.change(found, state=Switch.DISABLED)

        return await self._deps.journal.write(disable)

    async def invite(self, principal: Principal, connection_name: str) -> tuple[LinkAttempt, Secret[str]]:
        """Return a one-time link by which a customer's admin registers their own account within a week, and its token.

        It is good for one registration on this template and for nothing else.
        """
        by = require(principal, Role.ADMIN)
        token = secrets.token_urlsafe(32)

        async def make(unit: UnitOfWork) -> tuple[LinkAttempt, Secret[str]]:
            connection = await named(unit, principal.tenant_id, connection_name)
            if not connection.template:
                raise SkipassError("invalid_request", f"{connection.name} is no template.")
            link = LinkAttempt(
                id=new_id("link", unit.now),
                tenant_id=connection.tenant_id,
                account_id=SETUP,
                connection_id=connection.id,
                user_id=by,
                hash=hashed(token),
                state=LinkState.MADE,
                created_at=unit.now,
                expires_at=unit.now + SETUP_LIFE,
            )
            return await begin(unit, link, {"connection_id": connection.id, "by": by, "what": SETUP}), Secret(token)

        return await self._deps.journal.write(make)


async def add_credential(unit: UnitOfWork, credential: Credential) -> None:
    """Insert a credential with its event, which names its fingerprint and never what is sealed."""
    facts: dict[str, Any] = {"connection_id": credential.connection_id, "fingerprint": credential.fingerprint}
    facts |= {"account_id": credential.account_id, "role": credential.role} if credential.account_id else {}
    await begin(unit, credential, facts | {"generation": credential.generation})


async def add_registration(unit: UnitOfWork, registration: Registration, by: str) -> None:
    """Insert a registration with its event, which never names its secret."""
    await unit.insert(registration)
    facts = {"connection_id": registration.connection_id, "account": registration.account, "host": registration.host}
    facts |= {"client_id": registration.client_id, "client_auth": registration.client_auth.value, "by": by}
    unit.emit(Event(registration.tenant_id, "registration.created", registration.id, facts))


async def named(reader: Reader, tenant_id: str, name: str) -> Connection:
    """Return the tenant's enabled connection of a name, or raise `unknown_connection`."""
    found = await reader.find(Connection, tenant_id=tenant_id, name=name, state=Switch.ENABLED, limit=1)
    if not found:
        raise SkipassError(
            "unknown_connection", f"There is no connection {name[:80]!r}.", "See skipass connection list."
        )
    return found[0]


async def registration_for(
    reader: Reader, connection: Connection, account: Account | None = None
) -> Registration | None:
    """Return the enabled client of a connection, of a template the one for this account."""
    enabled = await reader.find(Registration, connection_id=connection.id, state=Switch.ENABLED)
    mine = [one for one in enabled if one.client_id]
    if not connection.template:
        return mine[0] if mine else None
    same = [one for one in mine if account is not None and same_account(one.account, account)]
    return same[0] if same else None


def same_account(text: str, account: Account) -> bool:
    """Return whether an account identifier in any form names this account as far as its text can tell."""
    try:
        other = parse_account(text)
    except SnowflakeConfigError:
        return False
    return other.host == account.host or other.claim_account == account.claim_account


async def _put(unit: UnitOfWork, found: Registration, new: Registration, by: str) -> Registration:
    facts = {"client_id": new.client_id, "client_auth": new.client_auth.value, "by": by}
    unit.emit(Event(found.tenant_id, "registration.changed", found.id, facts))
    changes = {"client_id": new.client_id, "client_auth": new.client_auth, "sealed": new.sealed}
    return await unit.change(found, **changes, metadata=new.metadata)
