"""Verifying the record from inside: each link of every chain of a tenant, and each signed head that is still kept.

It reads a thousand events at a time, each in a transaction of its own, so that nothing waits for it; one runs at a time
in a process, and it ends where its caller leaves. `skipass audit verify` proves the same without trusting the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from skipass.audit.chain import Fault, Head, Record, wrong_with
from skipass.audit.checkpoint import Checkpoint
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader
from skipass.gateway.signed import Kept, checkpoint_at, kept
from skipass.nouns.principal import Principal, Role

AT_ONCE = 1000
SIGNATURES_AT_ONCE = 500
MOST_CHECKPOINTS = 50_000
_END = -1
_UNSIGNED = "a checkpoint does not carry a valid signature"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of how many events, or of a file of unknown length how many checkpoints, have been looked at."""

    what: str
    done: int
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """What verification found. `newest` is the last checkpoint compared with; `older` says that more are kept.

    `unsigned` events came after the last signed heads: their chain holds, and nothing outside vouches for its end yet.
    """

    records: int
    chains: int
    checkpoints: int
    older: bool
    newest: Checkpoint | None
    since: Checkpoint | None
    unsigned: int
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Signed:
    """The signed heads of a tenant: of each writer and sequence number the hashes, and when they were signed."""

    looked: int = 0
    count: int = 0
    older: bool = False
    newest: Checkpoint | None = None
    named: dict[str, dict[int, dict[str, str]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, one: Kept) -> None:
        if one.checkpoint is None:
            self.faults.append(Fault("", "checkpoints", one.line.begins, _UNSIGNED))
            return
        self.count += 1
        self.newest = self.newest or one.checkpoint
        for writer, head in one.checkpoint.heads.items():
            if head.seq:
                self.named.setdefault(writer, {}).setdefault(head.seq, {}).setdefault(head.hash, one.checkpoint.at)


@dataclass(slots=True)
class _Walk:
    """One chain on its way from one head to another."""

    tenant_id: str
    writer: str
    head: Head
    until: int
    signed: Mapping[int, Mapping[str, str]]
    fault: Fault | None = None
    seen: int = 0

    def take(self, records: Sequence[Record]) -> None:
        """Follow the chain over these records, up to the first that does not hold."""
        for record in records:
            what = wrong_with(record, self.head) or self._other(record)
            if what is not None:
                self.fault = Fault(self.tenant_id, self.writer, record.seq, what)
                return
            self.head, self.seen = Head(record.seq, record.hash), self.seen + 1
        if len(records) < AT_ONCE and self.head.seq < self.until:
            what = f"records {self.head.seq + 1} to {self.until} are missing"
            self.fault = Fault(self.tenant_id, self.writer, self.head.seq + 1, what)

    def _other(self, record: Record) -> str | None:
        for digest, at in self.signed.get(record.seq, {}).items():
            if digest != record.hash:
                return f"the checkpoint of {at} names another hash for it"
        return None


class Proving:
    """The use case of verifying now."""

    def __init__(self, deps: Deps) -> None:
        self._deps, self._busy = deps, False

    def verify(self, principal: Principal, *, since: int | None = None) -> AsyncGenerator[Progress | Proven, None]:
        """Return a run that tells how far it has come and at last what was found, of everything or since a checkpoint.

        `since` is where that begins in the file. For admins and auditors; raises `conflict` while another one runs. The
        run itself raises `not_found` for no checkpoint; it ends where it is closed.
        """
        require(principal, Role.ADMIN, Role.AUDITOR)
        self._check_free()
        return self._run(principal.tenant_id, since)

    def _check_free(self) -> None:
        if self._busy:
            raise SkipassError("conflict", "The record is being verified already.", "Wait until that has ended.")

    async def _run(self, tenant_id: str, since: int | None) -> AsyncGenerator[Progress | Proven, None]:
        self._check_free()
        self._busy = True
        try:
            async with aclosing(self._verify(tenant_id, since)) as every:
                async for told in every:
                    yield told
        finally:
            self._busy = False

    async def _verify(self, tenant_id: str, since: int | None) -> AsyncGenerator[Progress | Proven, None]:
        begun = (
            await asyncio.to_thread(checkpoint_at, self._deps.signed, tenant_id, since) if since is not None else None
        )
        signed = _Signed()
        # Before the records: the gateway adds records meanwhile, never a checkpoint of a record it does not hold.
        before: int | None = None
        while signed.looked < MOST_CHECKPOINTS and before != _END:
            before = await self._read_signed(signed, tenant_id, since, before)
            yield Progress("checkpoints", signed.count)
        walks, faults = await self._walks(tenant_id, signed, begun)
        of, done = sum(walk.until - walk.head.seq for walk in walks), 0
        for walk in walks:
            while walk.fault is None and walk.head.seq < walk.until:
                await self._go_on(walk)
                yield Progress("events", done + walk.seen, of)
            done += walk.seen
        faults = [*signed.faults, *faults, *(walk.fault for walk in walks if walk.fault is not None)]
        last = signed.newest.heads if signed.newest else {}
        unsigned = sum(max(0, walk.head.seq - last.get(walk.writer, Head()).seq) for walk in walks)
        yield Proven(done, len(walks), signed.count, signed.older, signed.newest, begun, unsigned, tuple(faults))

    async def _go_on(self, walk: _Walk) -> None:
        async def load(reader: Reader) -> Sequence[Record]:
            after, until = walk.head.seq, walk.until
            return await reader.chain(walk.tenant_id, walk.writer, after=after, until=until, limit=AT_ONCE)

        await asyncio.to_thread(walk.take, await self._deps.journal.read(load))

    async def checkpoints(
        self, principal: Principal, *, before: int | None = None, limit: int = 50
    ) -> tuple[Sequence[Kept], int | None]:
        """Return the tenant's signed checkpoints of up to `limit` lines, newest first, and where to go on.

        For admins and auditors; nothing where this process keeps none.
        """
        require(principal, Role.ADMIN, Role.AUDITOR)
        return await self._kept(principal.tenant_id, before=before, limit=limit)

    def public_key(self, principal: Principal) -> Ed25519PublicKey:
        """Return the key that checks the signatures, for admins and auditors; `not_found` where none are kept."""
        require(principal, Role.ADMIN, Role.AUDITOR)
        if self._deps.signed is None:
            raise SkipassError("not_found", "No checkpoints are kept here.")
        return self._deps.signed.key

    async def _kept(self, tenant_id: str, *, before: int | None, limit: int) -> tuple[list[Kept], int | None]:
        signed = self._deps.signed
        if signed is None:
            return [], None
        return await asyncio.to_thread(kept, signed, tenant_id, before=before, limit=limit)

    async def _read_signed(self, signed: _Signed, tenant_id: str, since: int | None, before: int | None) -> int | None:
        """Read some signed heads, the newest first, and return where to go on, `_END` where there are no more."""
        found, onward = await self._kept(tenant_id, before=before, limit=SIGNATURES_AT_ONCE)
        for one in found:
            if since is None or one.line.begins >= since:
                signed.add(one)
        signed.looked += SIGNATURES_AT_ONCE
        done = onward is None or (since is not None and onward <= since)
        signed.older = not done
        return _END if done else onward

    async def _walks(
        self, tenant_id: str, signed: _Signed, begun: Checkpoint | None
    ) -> tuple[list[_Walk], list[Fault]]:
        """Return a walk for each chain, and a fault for each signed head that the record does not reach."""
        start: Mapping[str, Head] = begun.heads if begun else {}

        async def load(reader: Reader) -> tuple[dict[str, Head], list[Fault]]:
            ends = {writer: head for tenant, writer, head in await reader.heads() if tenant == tenant_id}
            return ends, [
                fault
                for writer, head in start.items()
                if head.seq and (fault := await _differs(reader, tenant_id, writer, head)) is not None
            ]

        ends, faults = await self._deps.journal.read(load)
        broken = {fault.writer for fault in faults}
        for writer, heads in signed.named.items():
            last = max(heads)
            if last > ends.get(writer, Head()).seq and writer not in broken:
                what = f"the checkpoint of {min(heads[last].values())} names record {last}, which is missing"
                faults.append(Fault(tenant_id, writer, last, what))
        walks = [
            _Walk(tenant_id, writer, start.get(writer, Head()), head.seq, signed.named.get(writer, {}))
            for writer, head in sorted(ends.items())
        ]
        return [walk for walk in walks if walk.writer not in broken], faults


async def _differs(reader: Reader, tenant_id: str, writer: str, head: Head) -> Fault | None:
    """Return what is wrong with the record that a signed head is of, None where it is that one."""
    found = await reader.chain(tenant_id, writer, after=head.seq - 1, until=head.seq, limit=1)
    if found and found[0].hash == head.hash:
        return None
    return Fault(tenant_id, writer, head.seq, "it is not the record that the checkpoint names")
