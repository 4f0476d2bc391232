"""What the use cases need from storage. `skipass.storage` satisfies these structurally."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from skipass.audit.chain import Head, Record
from skipass.audit.events import Event
from skipass.audit.searching import Found, Search
from skipass.nouns.session import Budgets
from skipass.nouns.statement import Statement

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions a decision was made under, each with the id it is of; admission compares them again."""

    session: int
    agent: tuple[str, int] | None
    user: tuple[str, int]
    connection: tuple[str, int]
    credential: tuple[str, int]


class Reader(Protocol):
    """A consistent view of what is committed."""

    @property
    def now(self) -> datetime:
        """The one time of this transaction: UTC, never earlier than that of an earlier one."""
        ...

    async def get(self, kind: type[R], id: str | None, **equal: Any) -> R | None:  # noqa: A002
        """Return the record of that id whose other named fields equal what is given, or None."""
        ...

    async def find(
        self, kind: type[R], *, order: str = "id", descending: bool = False, limit: int = 1000, **where: Any
    ) -> list[R]:
        """Return records that match: `name=value`, `name=None`, `name=(a, b)`, `name__lt`, `__le`, `__gt`, `__ne`."""
        ...

    async def count(self, kind: type[Any], **where: Any) -> int:
        """Return how many records match, with the conditions of `find`."""
        ...

    async def counts(self, kind: type[Any], by: tuple[str, ...], **where: Any) -> Mapping[tuple[Any, ...], int]:
        """Return how many records match, for each value of the fields `by`, with the conditions of `find`."""
        ...

    async def setting(self, name: str) -> str | None:
        """Return a value of the deployment, such as the revocation epoch."""
        ...

    async def events(
        self, tenant_id: str, *, session_id: str | None, after: str | None, limit: int
    ) -> Sequence[Record]:
        """Return records in order of time; `after` is the cursor (`at:writer:seq`) of the last one seen."""
        ...

    async def search(self, search: Search) -> Found:
        """Return records that fit, in order of time, of a bounded number that is looked at."""
        ...

    async def chain(self, tenant_id: str, writer: str, *, after: int, until: int, limit: int) -> Sequence[Record]:
        """Return records of one chain with sequence numbers after one, up to another, in order."""
        ...

    async def heads(self) -> Sequence[tuple[str, str, Head]]:
        """Return tenant, writer and head of every chain."""
        ...


class UnitOfWork(Reader, Protocol):
    """One transaction: state and event commit together, or neither."""

    async def insert(self, record: Any) -> None:
        """Add a record; raises `conflict` when its name or key is taken."""
        ...

    async def change(self, record: R, **changes: Any) -> R:
        """Return the changed record, or raise `conflict` if its state or version is no longer what `record` says."""
        ...

    async def remove(self, record: Any) -> None:
        """Delete a record that ran out, of a kind that may be; one that is gone or changed meanwhile is left alone."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Write a value of the deployment."""
        ...

    async def admit(self, session_id: str, versions: Versions, reserve: Budgets, expires_after: datetime) -> bool:
        """Debit statements and seconds if the session is open past that time and every version still holds."""
        ...

    async def debit(self, session_id: str, rows: int, size_bytes: int) -> bool:
        """Debit rows and bytes of an open session, all or nothing."""
        ...

    async def settle(self, session_id: str, unused_seconds: int) -> None:
        """Give back the seconds that were reserved and not used; the session counts as in use until now."""
        ...

    async def stale(self, me: str, before: datetime) -> list[Statement]:
        """Return unfinished statements of other processes that have not been heard of since `before`."""
        ...

    async def beat(self, boot_id: str) -> None:
        """Say that this process lives."""
        ...

    async def next_revocation(self) -> int:
        """Raise the revocation epoch and return it."""
        ...

    async def recall(self, tenant_id: str, principal: str, route: str, key: str) -> tuple[str, str] | None:
        """Return body hash and answer kept for an idempotency key within the last 24 hours."""
        ...

    async def remember(self, tenant_id: str, principal: str, route: str, key: str, body_hash: str, answer: str) -> None:
        """Keep the answer of an idempotent request."""
        ...

    def emit(self, event: Event) -> None:
        """Chain an event in this transaction."""
        ...


class Journal(Protocol):
    """The owner of all writes."""

    boot_id: str
    exclusive: bool
    """True where no other process can write, so that every other boot id is known to be gone."""

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded."""
        ...

    def now(self) -> datetime:
        """Return the time between commits: the last commit's, plus monotonic time since."""
        ...

    def in_touch(self) -> bool:
        """Return whether the database answered within the last second; a file of this process alone always does."""
        ...

    async def migrated(self) -> bool:
        """Return whether the database is at the revision that this program was written for."""
        ...

    async def write(
        self,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        late: Callable[[UnitOfWork, T], Awaitable[None]] | None = None,
    ) -> T:
        """Run `work` in a transaction that is durable on return, or raise `not_recorded` within two seconds.

        `work` awaits nothing but its unit of work. If it commits after its caller has gone, `late` undoes it.
        """
        ...

    def post(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        """Queue `work` without waiting for the disk; for facts whose loss a restart makes good."""
        ...

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        """Run `work` on a consistent view."""
        ...
