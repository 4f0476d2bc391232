"""Connected accounts: made once for each user and connection, shown, given defaults, deleted. No answer has a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.account_access import (
    DEFAULTS,
    DELETED,
    FullAccount,
    absent,
    account_for,
    agent_of,
    checked_role,
    connection_for,
    full_account,
)
from skipass.gateway.deps import Deps
from skipass.gateway.moves import begin
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.sessions import sees_all
from skipass.gateway.slug_access import connections_of, may_use
from skipass.gateway.way_out import ways_out
from skipass.identity.acting import checked_identifier, name_of
from skipass.ids import new_id
from skipass.nouns.account import AccountState, ConnectedAccount
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.people import ActsFor, Life, User
from skipass.nouns.principal import Principal, Role


class Accounts:
    """The use cases of connected accounts that need nobody to sign in."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def get_or_create(
        self, principal: Principal, connection_name: str, identifier: str | None = None
    ) -> FullAccount:
        """Return the account of a user on a connection, the same one however often it is asked for.

        An agent asks for the user it acts for, a person for themself, an admin for whomever `identifier` names. On a
        connection that keeps nothing of a user's the account is a view: its id is the connection's.
        """

        async def make(unit: UnitOfWork) -> FullAccount:
            connection = await connection_for(unit, principal, connection_name)
            user = await _whom(unit, principal, identifier)
            if not has_accounts(connection):
                return await _view(unit, connection, user)
            return await full_account(unit, await account_on(unit, connection, user, _by(principal)))

        return await self._deps.journal.write(make)

    async def get(self, principal: Principal, account_id: str) -> FullAccount:
        """Return an account that this caller may see, or raise `not_found`."""
        return await self._deps.journal.read(lambda reader: _seen(reader, principal, account_id))

    async def list(
        self,
        principal: Principal,
        *,
        connection: str | None = None,
        states: Sequence[AccountState] = (),
        after: str | None = None,
        limit: int = 1000,
    ) -> list[FullAccount]:
        """Return accounts in order of id from `after` on: of the user acted for, or for those who see all, all.

        With `states` those in one of them.
        """
        where: dict[str, Any] = {"tenant_id": principal.tenant_id} | ({"id__gt": after} if after else {})
        where |= {"state": tuple(states)} if states else {}
        if not sees_all(principal):
            where |= {"user_id": principal.user_id}

        async def load(reader: Reader) -> list[FullAccount]:
            if connection is not None:
                where["connection_id"] = (await connection_for(reader, principal, connection)).id
            elif not principal.is_person:
                where["connection_id"] = tuple(await connections_of(reader, await agent_of(reader, principal))) or ("",)
            found = await _living(reader, where, limit)
            return [await full_account(reader, one) for one in found]

        return await self._deps.journal.read(load)

    async def update(self, principal: Principal, account_id: str, changes: Mapping[str, str | None]) -> FullAccount:
        """Set defaults of an account (`DEFAULTS`), None for the connection's own; raises `not_found`, `not_allowed`."""

        async def update(unit: UnitOfWork) -> FullAccount:
            full = await account_for(unit, principal, account_id)
            if changes.get("role") is not None:
                checked_role(full.connection, changes["role"])
            account = await unit.change(full.account, **{name: changes[name] for name in DEFAULTS if name in changes})
            facts = {"by": _by(principal), **{name: changes[name] for name in DEFAULTS if name in changes}}
            unit.emit(Event(account.tenant_id, "account.changed", account.id, facts))
            return replace(full, account=account)

        return await self._deps.journal.write(update)

    async def welcome(self, tenant_id: str, agent_id: str, identifier: str) -> None:
        """Keep that an agent's application has an end user of this identifier; idempotent.

        The agent is that of a verified key; one that acts for others is left alone.
        """

        async def make(unit: UnitOfWork) -> None:
            agent = await agent_of(unit, Principal(tenant_id, "", agent_id=agent_id))
            if agent.acts_for is not ActsFor.END_USERS:
                return
            name = name_of(agent, checked_identifier(identifier))
            if await unit.find(User, tenant_id=tenant_id, name=name, limit=1):
                return
            user = User(new_id("user", unit.now), tenant_id, name, (), unit.now, unit.now, end_user_of=agent.id)
            await unit.insert(user)
            facts = {"name": name, "roles": [], "by": agent.id, "end_user_of": agent.id}
            unit.emit(Event(tenant_id, "user.created", user.id, facts))

        await self._deps.journal.write(make)


async def account_on(unit: UnitOfWork, connection: Connection, user: User, by: str) -> ConnectedAccount:
    """Return a user's account on a connection; there is one from here on."""
    whose: dict[str, Any] = {"tenant_id": connection.tenant_id, "connection_id": connection.id, "user_id": user.id}
    found = await unit.find(ConnectedAccount, limit=1, **whose)
    if found:
        return await unit.change(found[0], reason=None) if found[0].reason == DELETED else found[0]
    if not connection.per_user:
        raise SkipassError("invalid_request", f"{connection.name} has one credential for everybody.")
    made = ConnectedAccount(
        id=new_id("account", unit.now),
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        user_id=user.id,
        state=AccountState.PENDING_AUTH,
        created_at=unit.now,
    )
    return await begin(unit, made, {"connection_id": connection.id, "user_id": user.id, "by": by})


async def _living(reader: Reader, where: Mapping[str, Any], limit: int) -> list[ConnectedAccount]:
    """Return accounts in order of id, as many as wanted, past those that were deleted."""
    kept: list[ConnectedAccount] = []
    where = dict(where)
    while len(kept) < limit:
        found = await reader.find(ConnectedAccount, limit=limit, **where)
        kept += [one for one in found if one.reason != DELETED]
        if len(found) < limit:
            break
        where["id__gt"] = found[-1].id
    return kept[:limit]


def has_accounts(connection: Connection) -> bool:
    """Return whether each user connects an account of their own, which is kept."""
    return connection.per_user and connection.auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER


async def _view(reader: Reader, connection: Connection, user: User) -> FullAccount:
    """Return what stands for an account where nothing is kept of a user: ACTIVE once there is a way out."""
    ways = await ways_out(reader, tenant_id=connection.tenant_id, connection=connection, user_id=user.id)
    account = ConnectedAccount(
        id=connection.id,
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        user_id=user.id,
        state=AccountState.ACTIVE if ways.credentials else AccountState.PENDING_AUTH,
        created_at=connection.created_at,
        login=ways.login,
        account=connection.account,
        host=connection.host,
    )
    return FullAccount(account, connection, user)


async def _seen(reader: Reader, principal: Principal, account_id: str) -> FullAccount:
    if account_id.startswith("con_"):
        found = await reader.get(Connection, account_id, tenant_id=principal.tenant_id)
        user = await reader.get(User, principal.user_id, tenant_id=principal.tenant_id)
        allowed = principal.is_person or await may_use(reader, await agent_of(reader, principal), account_id)
        if found is None or user is None or has_accounts(found) or not allowed:
            raise absent()
        return await _view(reader, await connection_for(reader, principal, found.name), user)
    return await account_for(reader, principal, account_id, look=True)


async def _whom(reader: Reader, principal: Principal, identifier: str | None) -> User:
    if identifier is not None and principal.is_person and identifier != principal.user_name:
        if Role.ADMIN not in principal.roles:
            raise SkipassError("not_your_user", "People connect their own accounts; an admin makes others'.")
        return await _named(reader, principal.tenant_id, identifier)
    user = await reader.get(User, principal.user_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
    if user is None:
        raise SkipassError("not_your_user", "The user acted for is disabled.", "Ask an admin.")
    return user


async def _named(reader: Reader, tenant_id: str, name: str) -> User:
    found = await reader.find(User, tenant_id=tenant_id, name=name, state=Life.ACTIVE, end_user_of=None, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no user {name[:80]!r}.", "See skipass user list.")
    return found[0]


def _by(principal: Principal) -> str:
    return principal.agent_id or principal.user_id or ""
