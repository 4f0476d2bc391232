"""Groups: admins put people and agents into them, and a sign-in brings those that the identity provider names.

Being in one is part of an identity: whoever changes it for a person counts as having touched that person. Whoever is
taken out of the last group that a slug let in loses what their MCP clients have open there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require, touched
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.shutting_out import end_shut_out
from skipass.ids import new_id
from skipass.nouns.groups import GroupSource, MemberKind, Membership
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal, Role

LONGEST_NAME = 200
MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One membership and the name of who is in."""

    membership: Membership
    member: str


class Groups:
    """The use cases of groups."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def add(self, principal: Principal, group: str, *, kind: MemberKind, member: str) -> Member:
        """Put a person or an agent into a group, and return the membership; being in already changes nothing."""
        by = require(principal, Role.ADMIN)
        if not _plain(group):
            message = f"A group's name is 1 to {LONGEST_NAME} printable characters without spaces around it."
            raise SkipassError("invalid_request", message)

        async def add(unit: UnitOfWork) -> Member:
            one = await _named(unit, principal.tenant_id, kind, member)
            return Member(await _put(unit, one, group, GroupSource.ADMIN, by), one.name)

        return await self._deps.journal.write(add)

    async def remove(self, principal: Principal, group: str, *, kind: MemberKind, member: str) -> Member:
        """Take a person or an agent out of a group; raises `conflict` for what the identity provider says."""
        by = require(principal, Role.ADMIN)

        async def remove(unit: UnitOfWork) -> Member:
            one = await _named(unit, principal.tenant_id, kind, member)
            found = await unit.find(Membership, member_id=one.id, name=group, removed_at=None)
            given = [row for row in found if row.source is GroupSource.ADMIN]
            if not found:
                raise SkipassError("not_found", f"{member[:80]} is not in that group.", "See skipass user group list.")
            if not given:
                hint = "Change it there; it follows at the next sign-in."
                raise SkipassError("conflict", "The identity provider says so, and nobody here.", hint)
            gone = await _take(unit, one, given[0], by)
            await end_shut_out(unit, by, user_id=one.id)
            return Member(gone, one.name)

        return await self._deps.journal.write(remove)

    async def list(
        self, principal: Principal, *, group: str | None = None, after: str = "", limit: int = 1000
    ) -> list[Member]:
        """Return who is in which group, oldest first from `after` on, for people who administer or audit."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        where: dict[str, Any] = {"tenant_id": principal.tenant_id, "id__gt": after}
        where |= {"name": group} if group is not None else {}

        async def load(reader: Reader) -> list[Member]:
            found = await reader.find(Membership, limit=limit, removed_at=None, **where)
            return [Member(one, await _name(reader, one)) for one in found]

        return await self._deps.journal.read(load)


async def set_groups(unit: UnitOfWork, user: User, names: Iterable[str], by: str) -> frozenset[str]:
    """Make the groups that sign-ins brought a person exactly `names`, and return them; what an admin gave stays.

    `by` says what the sign-in came by. Names that are no group's are left out. Raises `invalid_request` for more than
    five hundred of them, because half a list would be a wrong one.
    """
    wanted = frozenset(name for name in names if _plain(name))
    if len(wanted) > MOST_GROUPS:
        raise SkipassError("invalid_request", f"The sign-in names more than {MOST_GROUPS} groups.", "Name fewer there.")
    source = GroupSource.SIGN_IN
    found = await unit.find(Membership, member_id=user.id, source=source, removed_at=None)
    for row in found:
        if row.name not in wanted:
            await _take(unit, user, row, by)
    for name in sorted(wanted - {row.name for row in found}):
        await _put(unit, user, name, source, by)
    # Last: whoever goes from one group that is let in to another keeps what is open.
    await end_shut_out(unit, by, user_id=user.id)
    return wanted


async def _put(unit: UnitOfWork, one: User | Agent, group: str, source: GroupSource, by: str) -> Membership:
    found = await unit.find(Membership, member_id=one.id, name=group, source=source, limit=1)
    if found and found[0].removed_at is None:
        return found[0]
    if found:
        kept = await unit.change(found[0], removed_at=None, by=by, at=unit.now)
    else:
        kind = MemberKind.USER if isinstance(one, User) else MemberKind.AGENT
        made = new_id("membership", unit.now)
        kept = Membership(made, one.tenant_id, group, kind, one.id, source, by, unit.now)
        await unit.insert(kept)
    await _changed(unit, one, kept, "group.added", by)
    return kept


async def _take(unit: UnitOfWork, one: User | Agent, row: Membership, by: str) -> Membership:
    gone = await unit.change(row, removed_at=unit.now, by=by)
    await _changed(unit, one, gone, "group.removed", by)
    return gone


async def _changed(unit: UnitOfWork, one: User | Agent, row: Membership, kind: str, by: str) -> None:
    """Record it; whatever was decided under the earlier groups is decided again, since a version no longer holds."""
    unit.emit(Event(row.tenant_id, kind, one.id, {"group": row.name, "source": row.source, "by": by}))
    if isinstance(one, User):
        await touched(unit, one, by, kind)
    current = await unit.get(type(one), one.id)
    if current is not None:
        await unit.change(current)


async def _named(reader: Reader, tenant_id: str, kind: MemberKind, name: str) -> User | Agent:
    noun: type[Any] = User if kind is MemberKind.USER else Agent
    found: list[User | Agent] = await reader.find(noun, tenant_id=tenant_id, name=name, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no {kind} {name[:80]!r}.", f"See skipass {kind} list.")
    return found[0]


async def _name(reader: Reader, row: Membership) -> str:
    noun: type[User] | type[Agent] = User if row.kind is MemberKind.USER else Agent
    one = await reader.get(noun, row.member_id)
    return one.name if one else row.member_id


def _plain(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
