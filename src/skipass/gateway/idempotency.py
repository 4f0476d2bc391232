"""Once for each Idempotency-Key: the answer of a request is kept in the very transaction that did its work.

`OnceJournal` stands in front of the journal and joins the two; the use cases know nothing of it. A request that fails
keeps nothing, so it may be sent again under the same key. Knows no HTTP: an answer is any JSON object.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson

from skipass.errors import SkipassError
from skipass.gateway.ports import Journal, Reader, UnitOfWork
from skipass.ids import digest
from skipass.nouns.principal import Principal

T = TypeVar("T")
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """What a key is scoped to, tenant, principal and route, and the hash of what is asked under it."""

    tenant_id: str
    principal: str
    route: str
    key: str
    body_hash: str


def idempotent_call(principal: Principal, route: str, key: str, body: bytes) -> IdempotentCall:
    """Return the scope of a caller's key on a route; the body counts byte by byte."""
    who = f"{principal.agent_id or ''}:{principal.user_id or ''}"
    return IdempotentCall(principal.tenant_id, who, route, key, digest(b"idempotent/1", body))


@dataclass(frozen=True, slots=True)
class Repeated:
    """The call was answered before; this is that answer."""

    answer: Answer


@dataclass(slots=True)
class _Claim:
    call: IdempotentCall
    keep: Callable[[Any], Answer]
    taken: bool = False


class _AnsweredError(Exception):
    """The key has an answer already: nothing of this transaction happens."""

    def __init__(self, repeated: Repeated) -> None:
        super().__init__("answered before")
        self.repeated = repeated


_claim: ContextVar[_Claim | None] = ContextVar("skipass.idempotency.claim", default=None)


class Idempotency:
    """Runs a use case at most once for each key within 24 hours."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def once(
        self, call: IdempotentCall, work: Callable[[], Awaitable[T]], keep: Callable[[T], Answer]
    ) -> T | Repeated:
        """Return what `work` returns, or the answer kept for an earlier call of the same key.

        `work` is a use case whose first write returns what the use case returns; `keep` makes of it the answer to keep,
        without secrets. Raises `idempotency_conflict` when the key was used for another body, and what `work` raises.
        """

        async def look(unit: UnitOfWork) -> Repeated | None:
            return await _earlier(unit, call)

        repeated = await self._journal.write(look)
        if repeated is not None:
            return repeated
        reset = _claim.set(_Claim(call, keep))
        try:
            return await work()
        except _AnsweredError as answered:
            return answered.repeated
        finally:
            _claim.reset(reset)


class OnceJournal:
    """Satisfies `skipass.gateway.ports.Journal`: the first write of a claimed call also keeps the call's answer."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.boot_id = journal.boot_id
        self.exclusive = journal.exclusive

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded."""
        return self._journal.healthy

    def now(self) -> datetime:
        """Return the time between commits."""
        return self._journal.now()

    def in_touch(self) -> bool:
        """Return whether the database answered within the last second."""
        return self._journal.in_touch()

    async def migrated(self) -> bool:
        """Return whether the database is at this program's revision."""
        return await self._journal.migrated()

    async def write(
        self,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        late: Callable[[UnitOfWork, T], Awaitable[None]] | None = None,
    ) -> T:
        """Run `work` durably, with the answer kept beside it where this is the first write of a claimed call."""
        claim = _claim.get()
        if claim is None or claim.taken:
            return await self._journal.write(work, late=late)
        claim.taken = True

        async def kept(unit: UnitOfWork) -> T:
            return await _keeping(unit, claim, work)

        return await self._journal.write(kept, late=late)

    def post(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        """Queue `work` without waiting for the disk."""
        self._journal.post(work)

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Run `work` on a consistent view."""
        return await self._journal.read(work)


async def _keeping(unit: UnitOfWork, claim: _Claim, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    call = claim.call
    repeated = await _earlier(unit, call)
    if repeated is not None:
        raise _AnsweredError(repeated)
    result = await work(unit)
    answer = orjson.dumps(dict(claim.keep(result))).decode()
    await unit.remember(call.tenant_id, call.principal, call.route, call.key, call.body_hash, answer)
    return result


async def _earlier(unit: UnitOfWork, call: IdempotentCall) -> Repeated | None:
    found = await unit.recall(call.tenant_id, call.principal, call.route, call.key)
    if found is None:
        return None
    body_hash, answer = found
    if body_hash != call.body_hash:
        raise SkipassError("idempotency_conflict", hint="Use a fresh Idempotency-Key for another request.")
    return Repeated(orjson.loads(answer))
