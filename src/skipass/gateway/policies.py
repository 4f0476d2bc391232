"""Policies: applied by an admin or taken from the deployment's file, checked before, kept by version, never edited.

Every process enforces the version in storage. A file is written there when its process starts; from then on the file is
the truth, `apply` is refused, and a process that started with another file says that it is not ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skipass.access.policy import check, parse
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rules import in_force_setting
from skipass.ids import digest, new_id
from skipass.nouns.connection import Connection
from skipass.nouns.groups import Membership
from skipass.nouns.people import Agent, Tenant, User
from skipass.nouns.policy import PolicySource, PolicyVersion
from skipass.nouns.principal import Principal, Role

WATCHERS = (Role.ADMIN, Role.AUDITOR, Role.APPROVER)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a text, and what is worth a second look; with no faults it may be applied."""

    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    rules: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A version and the name of who applied it: empty for a file's, and for somebody who is gone."""

    version: PolicyVersion
    by: str


class Policies:
    """The use cases of policies."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @property
    def is_a_file(self) -> bool:
        """Whether the policy is a file of this deployment, which only a restart changes."""
        return self._deps.policy_file is not None

    async def list(self, principal: Principal, *, after: int | None = None, limit: int = 1000) -> list[PolicyVersion]:
        """Return the versions that were applied, newest first; the first of all is the one in force."""
        require(principal, *WATCHERS)
        where = {"tenant_id": principal.tenant_id} | ({"number__lt": after} if after is not None else {})

        async def load(reader: Reader) -> list[PolicyVersion]:
            return await reader.find(PolicyVersion, order="number", descending=True, limit=limit, **where)

        return await self._deps.journal.read(load)

    async def told(self, principal: Principal, *, after: int | None = None, limit: int) -> Sequence[Applied]:
        """Return the versions below the number `after`, newest first, each with who applied it."""
        found = await self.list(principal, after=after, limit=limit)
        ids = tuple({one.applied_by for one in found if one.applied_by})

        async def load(reader: Reader) -> Sequence[User]:
            return await reader.find(User, id=ids, tenant_id=principal.tenant_id, limit=limit) if ids else ()

        names = {one.id: one.name for one in await self._deps.journal.read(load)}
        return [Applied(one, names.get(one.applied_by or "", "")) for one in found]

    async def get(self, principal: Principal, version_id: str) -> Applied:
        """Return one version and who applied it; raises `not_found`."""
        require(principal, *WATCHERS)

        async def load(reader: Reader) -> Applied:
            found = await reader.get(PolicyVersion, version_id, tenant_id=principal.tenant_id)
            if found is None:
                raise SkipassError("not_found", "There is no such version of the policy.")
            by = await reader.get(User, found.applied_by, tenant_id=principal.tenant_id)
            return Applied(found, by.name if by else "")

        return await self._deps.journal.read(load)

    async def check(self, principal: Principal, text: str) -> Checked:
        """Return every fault and warning of a text at once, names that do not exist here among them."""
        require(principal, *WATCHERS)

        async def load(reader: Reader) -> Checked:
            return checked(text, await _known(reader, principal.tenant_id))

        return await self._deps.journal.read(load)

    async def apply(self, principal: Principal, text: str, based_on: int | None = None) -> PolicyVersion:
        """Bring a text into force and return its version; the one in force is returned where it is the same text.

        `based_on` is the number of the version that the text was made from, 0 where there was none. Raises
        `invalid_policy` with every fault, and `conflict` where the deployment's file is the policy or where another
        version than that is in force by now.
        """
        by = require(principal, Role.ADMIN)
        if self._deps.policy_file is not None:
            raise SkipassError("conflict", "The policy is a file of this deployment.", "Change the file and restart.")

        async def bring(unit: UnitOfWork) -> PolicyVersion:
            found = checked(text, await _known(unit, principal.tenant_id))
            if found.faults:
                raise invalid(found)
            await _check_base(unit, principal.tenant_id, text, based_on)
            return await _bring(unit, principal.tenant_id, text, PolicySource.STORED, by)

        return await self._deps.journal.write(bring)

    async def adopt_file(self) -> None:
        """Bring the deployment's file into force for every tenant; raises `invalid_policy` with its faults.

        Names that do not exist yet are no fault here: a gateway starts before anything is registered in it.
        """
        text = self._deps.policy_file
        if text is None:
            return
        found = checked(text, {})
        if found.faults:
            raise invalid(found)

        async def bring(unit: UnitOfWork) -> None:
            for tenant in await unit.find(Tenant):
                await _bring(unit, tenant.id, text, PolicySource.FILE, None)

        await self._deps.journal.write(bring)

    async def same_file(self) -> bool:
        """Return whether what is in force is what this process started with; true where it started with no file."""
        text = self._deps.policy_file
        if text is None:
            return True

        async def load(reader: Reader) -> bool:
            current = [await current_version(reader, tenant.id) for tenant in await reader.find(Tenant)]
            return all(version is not None and version.hash == _hash(text) for version in current)

        return await self._deps.journal.read(load)


def checked(text: str, known: Mapping[str, list[str]]) -> Checked:
    """Return the faults and warnings of a text; `known` as `skipass.access.policy.check` takes it."""
    policy, faults = parse(text)
    if faults:
        return Checked(tuple(faults), (), 0)
    wrong, doubtful = check(policy, known)
    return Checked(tuple(wrong), tuple(doubtful), len(policy.rules))


def invalid(found: Checked) -> SkipassError:
    """Return the refusal of a text, with its faults."""
    details = {"faults": list(found.faults), "warnings": list(found.warnings)}
    return SkipassError("invalid_policy", "; ".join(found.faults), "See skipass policy check.", details=details)


async def current_version(reader: Reader, tenant_id: str) -> PolicyVersion | None:
    """Return the version in force, or None where there is no policy."""
    version_id = await reader.setting(in_force_setting(tenant_id))
    return await reader.get(PolicyVersion, version_id, tenant_id=tenant_id)


async def _check_base(reader: Reader, tenant_id: str, text: str, based_on: int | None) -> None:
    """Pass where nobody applied something else meanwhile; else raise `conflict`."""
    current = await current_version(reader, tenant_id)
    number = current.number if current else 0
    if based_on is None or based_on == number or (current is not None and current.hash == _hash(text)):
        return
    said = f"Version {number} is in force, and the text was made from {based_on or 'none'}."
    hint = "Look at what changed, and apply again from there."
    raise SkipassError("conflict", said, hint, details={"number": number})


async def _bring(unit: UnitOfWork, tenant_id: str, text: str, source: PolicySource, by: str | None) -> PolicyVersion:
    current = await current_version(unit, tenant_id)
    if current is not None and (current.hash, current.source) == (_hash(text), source):
        return current
    last = await unit.find(PolicyVersion, order="number", descending=True, limit=1, tenant_id=tenant_id)
    number = last[0].number + 1 if last else 1
    made = PolicyVersion(new_id("policy", unit.now), tenant_id, number, source, text, _hash(text), unit.now, by)
    await unit.insert(made)
    await unit.set(in_force_setting(tenant_id), made.id)
    facts = {"number": number, "hash": made.hash, "source": source, "by": by}
    unit.emit(Event(tenant_id, "policy.applied", made.id, facts))
    return made


def _hash(text: str) -> str:
    return digest(b"policy/1", text.encode())


async def _known(reader: Reader, tenant_id: str) -> dict[str, list[str]]:
    return {
        "connections": [one.name for one in await reader.find(Connection, tenant_id=tenant_id)],
        "agents": [one.name for one in await reader.find(Agent, tenant_id=tenant_id)],
        "users": [one.name for one in await reader.find(User, tenant_id=tenant_id, end_user_of=None)],
        "groups": [one.name for one in await reader.find(Membership, tenant_id=tenant_id, removed_at=None)],
    }
