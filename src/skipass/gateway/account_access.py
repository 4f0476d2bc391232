"""Whose a connected account is, and who may do what with it. What is another's does not exist for a caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.ports import Reader
from skipass.gateway.slug_access import may_use
from skipass.gateway.way_out import USABLE
from skipass.identity.acting import acts_for
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection, Credential, Switch
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Principal, Role

DEFAULTS = ("role", "warehouse", "database", "schema")
"""What a user may choose for their own account."""

DELETED = "deleted"
"""The reason of an account that nobody sees until it is made again."""


@dataclass(frozen=True, slots=True)
class FullAccount:
    """A connected account with its connection, its user, and what is sealed for it and can be used."""

    account: ConnectedAccount
    connection: Connection
    user: User
    credentials: tuple[Credential, ...] = ()

    @property
    def identifier(self) -> str:
        """The name of the user as whoever acts for them knows it."""
        return self.user.name.partition("/")[2] if self.user.end_user_of else self.user.name


async def full_account(reader: Reader, account: ConnectedAccount) -> FullAccount:
    """Return an account with what belongs to it."""
    connection = await reader.get(Connection, account.connection_id, tenant_id=account.tenant_id)
    user = await reader.get(User, account.user_id, tenant_id=account.tenant_id)
    if connection is None or user is None:
        raise absent()
    mine: dict[str, Any] = {"tenant_id": account.tenant_id, "account_id": account.id}
    usable = await reader.find(Credential, order="created_at", descending=True, state=USABLE, **mine)
    return FullAccount(account, connection, user, tuple(usable))


async def account_for(reader: Reader, principal: Principal, account_id: str, *, look: bool = False) -> FullAccount:
    """Return an account that this caller may act on, or with `look` may see; else raise `not_found`.

    Its own user; the agent that acts for them, on a connection it may use; admins. Auditors and approvers look.
    """
    account = await reader.get(ConnectedAccount, account_id, tenant_id=principal.tenant_id)
    if account is None or account.reason == DELETED or not await _may(reader, principal, account, look=look):
        raise absent()
    return await full_account(reader, account)


async def _may(reader: Reader, principal: Principal, account: ConnectedAccount, *, look: bool) -> bool:
    if principal.is_person:
        wide = {Role.ADMIN, Role.AUDITOR, Role.APPROVER} if look else {Role.ADMIN}
        return principal.user_id == account.user_id or bool(wide & principal.roles)
    agent = await agent_of(reader, principal)
    return principal.user_id == account.user_id and await may_use(reader, agent, account.connection_id)


async def agent_of(reader: Reader, principal: Principal) -> Agent:
    """Return the active agent of a principal, or raise `unauthenticated`."""
    agent = await reader.get(Agent, principal.agent_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
    if agent is None:
        raise SkipassError("unauthenticated", "The agent is disabled.")
    return agent


async def connection_for(reader: Reader, principal: Principal, name: str) -> Connection:
    """Return the enabled connection of a name that this caller may use, or raise `unknown_connection`."""
    found = await reader.find(Connection, tenant_id=principal.tenant_id, name=name, state=Switch.ENABLED, limit=1)
    mine = bool(found) and (
        principal.is_person or await may_use(reader, await agent_of(reader, principal), found[0].id)
    )
    if not mine:
        raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r} for this caller.")
    return found[0]


async def agents_for(reader: Reader, connection: Connection, user: User) -> list[tuple[Agent, str]]:
    """Return every active agent that could act for a user on a connection, each with its owner's name."""
    named: list[tuple[Agent, str]] = []
    for agent in await reader.find(Agent, tenant_id=connection.tenant_id, state=Life.ACTIVE, order="name"):
        if acts_for(agent, user) and await may_use(reader, agent, connection.id):
            owner = await reader.get(User, agent.owner_id, tenant_id=agent.tenant_id)
            named.append((agent, owner.name if owner else "nobody"))
    return named


def roles_of(connection: Connection) -> frozenset[str]:
    """Return the roles that a session on a connection may have."""
    return frozenset({connection.role, *connection.allowed_roles})


def checked_role(connection: Connection, role: str | None) -> str:
    """Return the role, the connection's own where none is named, or raise `not_allowed`."""
    if role is not None and role not in roles_of(connection):
        allowed = ", ".join(sorted(roles_of(connection)))
        raise SkipassError(
            "not_allowed", f"{connection.name} does not allow that role.", f"Roles it allows: {allowed}."
        )
    return role or connection.role


def absent() -> SkipassError:
    """Return the refusal for an account that is not there, or not for this caller."""
    return SkipassError("not_found", "There is no such connected account for this caller.")


def personal(connection: Connection, account: ConnectedAccount | None) -> Connection:
    """Return a connection with the defaults that a user chose for their own account; what it allows stays as it is."""
    if account is None:
        return connection
    chosen = {name: getattr(account, name) or getattr(connection, name) for name in DEFAULTS}
    return replace(connection, **chosen, allowed_roles=(connection.role, *connection.allowed_roles))
