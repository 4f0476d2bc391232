"""The vault's key, turned on-line: every data key is wrapped anew in batches while statements run.

Until the last one is, the old key seals and both open. Then the fingerprint row changes, in one commit, and every
process follows it. A rotation that was broken off goes on when a process starts. Nothing that is sealed is ever read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from skipass.audit.events import DEPLOYMENT, Event
from skipass.errors import SkipassError
from skipass.gateway.attempts import attempt_place
from skipass.gateway.clients import registration_place
from skipass.gateway.deps import Deps, data_key_place
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import LinkAttempt, Registration
from skipass.nouns.connection import Credential
from skipass.nouns.people import Tenant
from skipass.nouns.principal import Principal, Role
from skipass.vault.keys import KeyEncryptionKey, unknown_key
from skipass.vault.seal import Place, rewrap, sealed_under

IN_USE, TURNING_TO = "kek_fingerprint", "kek_next"
BATCH = 200
WATCH_S = 5.0
_log = structlog.get_logger("skipass.vault")


@dataclass(frozen=True, slots=True)
class Sealed:
    """One column that the key-encryption key seals, and where a row's value belongs."""

    kind: type[Any]
    column: str
    place: Callable[[Any], Place]


SEALED = (
    Sealed(Tenant, "data_key", lambda tenant: data_key_place(tenant.id)),
    Sealed(Credential, "sealed", credential_place),
    Sealed(Registration, "sealed", registration_place),
    Sealed(LinkAttempt, "sealed", attempt_place),
)
"""Every column there is of that sort; what is sealed under a tenant's data key follows that."""


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """The vault as one process sees it: fingerprints, never keys.

    `sealed` counts the values under each key; a key whose count is nought is not needed any more. `turning_to` is the
    key of a rotation that is under way. `where` gives this process its keys.
    """

    in_use: str
    where: str
    known: tuple[str, ...]
    turning_to: str | None = None
    sealed: Mapping[str, int] = field(default_factory=dict)


class Vaulting:
    """The use cases of the vault's key."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._task: asyncio.Task[None] | None = None
        self._again = False

    async def status(self, principal: Principal) -> VaultStatus:
        """Return where the key stands, for admins and auditors."""
        require(principal, Role.ADMIN, Role.AUDITOR)
        in_use, following = await self._rows()
        counts: Counter[str] = Counter()
        for sealed in SEALED:
            counts += await self._count(sealed)
        where = self._deps.key_provider.where if self._deps.key_provider else "this process"
        return VaultStatus(in_use, where, self._deps.kek.fingerprints, following, dict(counts))

    async def rotate(self, principal: Principal) -> VaultStatus:
        """Begin to turn to the next key, or go on; returns at once, `status` tells how far it is.

        Raises `vault_key` where no next key is given.
        """
        by = require(principal, Role.ADMIN)
        to = await asyncio.to_thread(self._following)

        async def begin(unit: UnitOfWork) -> None:
            if await unit.setting(TURNING_TO) != to.fingerprint:
                await unit.set(TURNING_TO, to.fingerprint)
                facts = {"from": await unit.setting(IN_USE), "to": to.fingerprint, "by": by}
                unit.emit(Event(DEPLOYMENT, "vault.rotating", to.fingerprint, facts))

        await self._deps.journal.write(begin)
        self._go_on()
        return await self.status(principal)

    def _following(self) -> KeyEncryptionKey:
        provider, ring = self._deps.key_provider, self._deps.kek
        if provider is None:
            raise SkipassError("vault_key", "This process was given its key; it cannot be turned.")
        if self._deps.journal.exclusive:
            provider.make_next()  # beside other processes the operator gives it to each of them first
        to = provider.following()
        if to is None or to.fingerprint == ring.fingerprint:
            hint = "Give every process the next key first: see the page on rotating the vault key."
            raise SkipassError("vault_key", f"There is no next key in {provider.where}.", hint)
        ring.add(to)
        return to

    async def start(self) -> None:
        """Take up the key that the database is under, and what a rotation that was broken off left to do.

        Raises `vault_key` where this process was not given a key that it needs.
        """
        ring, (in_use, following) = self._deps.kek, await self._rows()
        ring.turn_to(in_use)
        if following is not None and ring.of(following) is None:
            raise unknown_key(following)
        if self._deps.key_provider is not None:
            await asyncio.to_thread(self._deps.key_provider.promote, in_use)
        if len(ring.fingerprints) > 1:
            self._go_on()

    async def stop(self) -> None:
        """Leave the rest to the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def watch(self) -> bool:
        """Follow the row that names the key; return whether this process has every key that it needs now."""
        ring, provider = self._deps.kek, self._deps.key_provider
        in_use, following = await self._rows()
        needed = {in_use, *([following] if following else [])}
        if provider is not None and not needed <= set(ring.fingerprints):
            for key in await asyncio.to_thread(provider.keys):
                ring.add(key)
        if ring.of(in_use) is not None and ring.fingerprint != in_use:
            ring.turn_to(in_use)
        return needed <= set(ring.fingerprints)

    def _go_on(self) -> None:
        """Have the work done: by the task that is at it, which looks again when it ends, or by a new one."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause = 0.5
        while self._again:
            self._again = False
            try:
                in_use, following = await self._rows()
                to = self._deps.kek.of(following or in_use)
                if to is not None:
                    await self._turn(to)
            except SkipassError as error:
                _log.warning("vault.later", code=error.code)
                self._again = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)

    async def _turn(self, to: KeyEncryptionKey) -> None:
        moved = await self._sweep(to)

        async def finish(unit: UnitOfWork) -> None:
            if await unit.setting(TURNING_TO) == to.fingerprint:
                facts = {"from": await unit.setting(IN_USE), "to": to.fingerprint, "values": moved}
                await unit.set(IN_USE, to.fingerprint)
                await unit.set(TURNING_TO, "")
                unit.emit(Event(DEPLOYMENT, "vault.rotated", to.fingerprint, facts))

        await self._deps.journal.write(finish)
        self._deps.kek.turn_to(to.fingerprint)
        await self._sweep(to)  # what was sealed between its batch and that commit
        if self._deps.key_provider is not None:
            await asyncio.to_thread(self._deps.key_provider.promote, to.fingerprint)

    async def _sweep(self, to: KeyEncryptionKey) -> int:
        return sum([await self._wrap_all(sealed, to) for sealed in SEALED])

    async def _wrap_all(self, sealed: Sealed, to: KeyEncryptionKey) -> int:
        after, moved = "", 0

        async def batch(unit: UnitOfWork) -> tuple[str | None, int]:
            rows = await unit.find(sealed.kind, order="id", id__gt=after, limit=BATCH)
            return (rows[-1].id if rows else None), sum([await self._wrap(unit, sealed, row, to) for row in rows])

        while True:
            last, count = await self._deps.journal.write(batch)
            moved += count
            if last is None:
                return moved
            after = last

    async def _wrap(self, unit: UnitOfWork, sealed: Sealed, row: Any, to: KeyEncryptionKey) -> int:
        value = getattr(row, sealed.column)
        if not value or sealed_under(value) == to.fingerprint:
            return 0
        changes: dict[str, Any] = {sealed.column: rewrap(self._deps.kek, value, sealed.place(row), to)}
        # Nobody who has read the row need notice: it says what it said, so its version stays.
        changes |= {"version": row.version} if hasattr(row, "version") else {}
        await unit.change(row, **changes)
        return 1

    async def _count(self, sealed: Sealed) -> Counter[str]:
        found: Counter[str] = Counter()
        after: str | None = ""
        while after is not None:
            since = after

            async def page(reader: Reader, since: str = since) -> list[Any]:
                return await reader.find(sealed.kind, order="id", id__gt=since, limit=BATCH)

            rows = await self._deps.journal.read(page)
            found.update(sealed_under(value) for row in rows if (value := getattr(row, sealed.column)))
            after = rows[-1].id if rows else None
        return found

    async def _rows(self) -> tuple[str, str | None]:
        async def load(reader: Reader) -> tuple[str, str | None]:
            return await reader.setting(IN_USE) or "", await reader.setting(TURNING_TO) or None

        return await self._deps.journal.read(load)
