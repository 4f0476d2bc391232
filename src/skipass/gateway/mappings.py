"""Who a user is in Snowflake, by an admin's word: for connections on which the gateway itself vouches for logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.ids import new_id
from skipass.nouns.account import LoginMapping
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.people import User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping with the name of its user."""

    mapping: LoginMapping
    user: str


class Mappings:
    """The use cases of login mappings."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def list(self, principal: Principal, name: str) -> list[Mapped]:
        """Return the mappings of a connection."""
        require(principal, Role.ADMIN, Role.AUDITOR)

        async def load(reader: Reader) -> list[Mapped]:
            connection = await _vouching(reader, principal.tenant_id, name)
            found = await reader.find(LoginMapping, tenant_id=principal.tenant_id, connection_id=connection.id)
            users = {one.user_id: await reader.get(User, one.user_id) for one in found}
            return [Mapped(one, user.name if (user := users[one.user_id]) else one.user_id) for one in found]

        return await self._deps.journal.read(load)

    async def set(self, principal: Principal, name: str, user_name: str, login: str) -> Mapped:
        """Say that a user is this Snowflake login; another login than before ends what runs as that one."""
        by = require(principal, Role.ADMIN)
        if not login.strip() or not login.isprintable() or len(login) > 255:
            raise SkipassError("invalid_request", "A login is 1 to 255 printable characters.", "Use its LOGIN_NAME.")

        async def put(unit: UnitOfWork) -> Mapped:
            connection = await _vouching(unit, principal.tenant_id, name)
            user = await _person(unit, principal.tenant_id, user_name)
            known = await _mapping(unit, connection, user)
            if known is not None and known.login == login:
                return Mapped(known, user.name)
            facts = {"connection_id": connection.id, "login": login, "by": by}
            unit.emit(Event(connection.tenant_id, "mapping.set", user.id, facts))
            if known is not None:
                await cut(unit, by, EndReason.ACCOUNT, connection_id=connection.id, user_id=user.id)
                return Mapped(await unit.change(known, login=login, made_by=by, created_at=unit.now), user.name)
            whose = {"tenant_id": connection.tenant_id, "connection_id": connection.id, "user_id": user.id}
            row = LoginMapping(new_id("mapping", unit.now), **whose, login=login, made_by=by, created_at=unit.now)
            await unit.insert(row)
            return Mapped(row, user.name)

        return await self._deps.journal.write(put)

    async def remove(self, principal: Principal, name: str, user_name: str) -> Mapped:
        """Take a mapping back; what runs by it ends. Raises `not_found` where there is none."""
        by = require(principal, Role.ADMIN)

        async def take(unit: UnitOfWork) -> Mapped:
            connection = await _vouching(unit, principal.tenant_id, name)
            user = await _person(unit, principal.tenant_id, user_name)
            known = await _mapping(unit, connection, user)
            if known is None or not known.login:
                raise SkipassError("not_found", f"{user.name} is mapped to no login on {connection.name}.")
            await cut(unit, by, EndReason.ACCOUNT, connection_id=connection.id, user_id=user.id)
            facts = {"connection_id": connection.id, "login": known.login, "by": by}
            unit.emit(Event(connection.tenant_id, "mapping.removed", user.id, facts))
            return Mapped(await unit.change(known, login="", made_by=by, created_at=unit.now), user.name)

        return await self._deps.journal.write(take)


async def _vouching(reader: Reader, tenant_id: str, name: str) -> Connection:
    found = await reader.find(Connection, tenant_id=tenant_id, name=name, limit=1)
    if not found:
        raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r}.", "See connection list.")
    if found[0].auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER:
        hint = "Everywhere else the login is the one that signed in when the account was connected."
        raise SkipassError("invalid_request", f"{name} does not vouch for logins.", hint)
    return found[0]


async def _person(reader: Reader, tenant_id: str, name: str) -> User:
    found = await reader.find(User, tenant_id=tenant_id, name=name, end_user_of=None, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no user {name[:80]!r}.", "See skipass user list.")
    return found[0]


async def _mapping(reader: Reader, connection: Connection, user: User) -> LoginMapping | None:
    mine: dict[str, Any] = {"connection_id": connection.id, "tenant_id": connection.tenant_id, "user_id": user.id}
    found = await reader.find(LoginMapping, limit=1, **mine)
    return found[0] if found else None
