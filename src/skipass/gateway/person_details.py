"""People as those who look after everything see them: pages of them with their groups, and one with what is theirs.

An application's own people are nobody here: their agent tells of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_access import DELETED, FullAccount, full_account
from skipass.gateway.deps import Deps
from skipass.gateway.own_access import agents_for
from skipass.gateway.people import require
from skipass.gateway.policies import WATCHERS
from skipass.gateway.ports import Reader
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.groups import Membership
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal

MOST = 200
_MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A person and the names of their groups."""

    user: User
    groups: Sequence[str]


@dataclass(frozen=True, slots=True)
class FullPerson:
    """A person with their memberships, their connected accounts and the agents that act for them, each bounded."""

    user: User
    groups: Sequence[Membership]
    accounts: Sequence[FullAccount]
    agents: Sequence[Agent]


class PersonDetails:
    """The use cases of looking at people."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def page(self, principal: Principal, *, after: str, limit: int) -> Sequence[Listed]:
        """Return people in order of name from `after` on, for those who administer, decide or audit."""
        require(principal, *WATCHERS)
        where: dict[str, Any] = {"tenant_id": principal.tenant_id, "name__gt": after, "end_user_of": None}

        async def load(reader: Reader) -> Sequence[Listed]:
            people = await reader.find(User, order="name", limit=limit, **where)
            groups = await _groups(reader, tuple(one.id for one in people))
            return [Listed(one, groups.get(one.id, ())) for one in people]

        return await self._deps.journal.read(load)

    async def of(self, principal: Principal, user_id: str) -> FullPerson:
        """Return one person; raises `not_found`."""
        require(principal, *WATCHERS)
        tenant: dict[str, Any] = {"tenant_id": principal.tenant_id}

        async def load(reader: Reader) -> FullPerson:
            user = await reader.get(User, user_id, end_user_of=None, **tenant)
            if user is None:
                raise SkipassError("not_found", "There is no such person.", "See skipass user list.")
            groups = await reader.find(Membership, member_id=user.id, removed_at=None, order="name", limit=MOST)
            found = await reader.find(ConnectedAccount, user_id=user.id, limit=MOST, **tenant)
            accounts = [await full_account(reader, one) for one in found if one.reason != DELETED]
            return FullPerson(user, groups, accounts, await agents_for(reader, user.id, tenant))

        return await self._deps.journal.read(load)


async def _groups(reader: Reader, ids: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    found = await reader.find(Membership, member_id=ids, removed_at=None, limit=_MOST_GROUPS) if ids else []
    names: dict[str, set[str]] = {}
    for one in found:
        names.setdefault(one.member_id, set()).add(one.name)
    return {who: sorted(those) for who, those in names.items()}
