"""A transaction's view: readers and units of work over anything that can execute SQL.

The methods are coroutines that await only the executor. Over SQLite the executor never suspends, so the journal's
thread drives a whole unit of work to its end in one step; over a server the same coroutine runs in the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from skipass.audit.chain import Head, Record, micros
from skipass.audit.events import DEPLOYMENT, Event
from skipass.audit.searching import Found, Search
from skipass.errors import SkipassError
from skipass.nouns.session import Budgets
from skipass.nouns.statement import Statement
from skipass.storage import queries
from skipass.storage.codec import codecs, decode, encode, encode_value
from skipass.storage.searching import found_by
from skipass.storage.sql import count_sql, counts_sql, delete_sql, find_sql, insert_sql, update_sql
from skipass.storage.tables import PASSING, TABLES, idempotency

R = TypeVar("R")
Row = Mapping[str, Any]
_DAY = timedelta(hours=24)


class Duplicate(Exception):
    """A unique name or key is taken."""


class Executor(Protocol):
    """Runs SQL with named parameters inside the current transaction."""

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows of a query."""
        ...

    async def run(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Return how many rows a change touched; raises `Duplicate`."""
        ...


class StoredReader:
    """Satisfies `skipass.gateway.ports.Reader`."""

    def __init__(self, executor: Executor, now: datetime) -> None:
        self._executor = executor
        self.now = now

    async def get(self, kind: type[R], id: str | None, **equal: Any) -> R | None:  # noqa: A002
        """Return one record by id and further equalities, or None."""
        found = await self.find(kind, id=id, limit=1, **equal) if id else []
        return found[0] if found else None

    async def find(
        self, kind: type[R], *, order: str = "id", descending: bool = False, limit: int = 1000, **where: Any
    ) -> list[R]:
        """Return the records that match every condition, in order."""
        shape, values = _conditions(where)
        sql = find_sql(_any(kind), shape, order, descending)
        rows = await self._executor.rows(sql, values | {"row_limit": limit})
        return [decode(kind, row) for row in rows]

    async def count(self, kind: type[Any], **where: Any) -> int:
        """Return how many records match."""
        shape, values = _conditions(where)
        rows = await self._executor.rows(count_sql(_any(kind), shape), values)
        return int(rows[0]["found"])

    async def counts(self, kind: type[Any], by: tuple[str, ...], **where: Any) -> dict[tuple[Any, ...], int]:
        """Return how many records match, for each value of these fields."""
        shape, values = _conditions(where)
        rows = await self._executor.rows(counts_sql(_any(kind), by, shape), values)
        as_kept = codecs(kind)
        return {tuple(as_kept[name](row[name]) for name in by): int(row["found"]) for row in rows}

    async def setting(self, name: str) -> str | None:
        """Return a value of the deployment."""
        rows = await self._executor.rows(queries.SETTING, {"name": name})
        return rows[0]["value"] if rows else None

    async def events(self, tenant_id: str, *, session_id: str | None, after: str | None, limit: int) -> list[Record]:
        """Return a tenant's records in order of time, writer and sequence."""
        at, writer, seq = _cursor(after)
        sql = queries.EVENTS if session_id is None else queries.SESSION_EVENTS
        values = {
            "tenant_id": tenant_id,
            "session_id": session_id,
            "at": at,
            "writer": writer,
            "seq": seq,
            "limit": limit,
        }
        return [Record(**row) for row in await self._executor.rows(sql, values)]

    async def search(self, search: Search) -> Found:
        """Return a tenant's records that fit, in order of time, of a bounded number that is looked at."""
        return await found_by(search, self._executor)

    async def chain(self, tenant_id: str, writer: str, *, after: int, until: int, limit: int) -> list[Record]:
        """Return the records of one chain after a sequence number, up to another, in order."""
        values = {"tenant_id": tenant_id, "writer": writer, "after": after, "until": until, "limit": limit}
        return [Record(**row) for row in await self._executor.rows(queries.CHAIN, values)]

    async def revision(self) -> str | None:
        """Return the revision of the database."""
        rows = await self._executor.rows(queries.REVISION, {})
        return rows[0]["version_num"] if rows else None

    async def heads(self) -> list[tuple[str, str, Head]]:
        """Return tenant, writer and head of every chain."""
        rows = await self._executor.rows(queries.HEADS, {})
        return [(row["tenant_id"], row["writer"], Head(row["seq"], row["hash"])) for row in rows]

    async def accompanied(self, me: str) -> bool:
        """Return whether a writer that began before this one has committed since this one began."""
        return bool(await self._executor.rows(queries.COMPANY, {"me": me}))


def _conditions(where: Mapping[str, Any]) -> tuple[tuple[tuple[str, int], ...], dict[str, Any]]:
    shape: list[tuple[str, int]] = []
    values: dict[str, Any] = {}
    for name, wanted in where.items():
        several = wanted if isinstance(wanted, tuple) else (wanted,)
        shape.append((name, -1 if wanted is None else len(several)))
        values |= {f"{name}_{i}": encode_value(one) for i, one in enumerate(several) if wanted is not None}
    return tuple(shape), values


def _guards(record: Any) -> tuple[str, ...]:
    return tuple(name for name in ("state", "version") if name in codecs(type(record)))


def _any(kind: object) -> Any:
    """Return a class as something the type checker lets a cache hash."""
    return kind


def _cursor(after: str | None) -> tuple[int, str, int]:
    if after is None:
        return -1, "", 0
    try:
        at, writer, seq = after.split(":")
        return int(at), writer, int(seq)
    except ValueError:
        raise SkipassError(
            "invalid_request", "The cursor is not one of ours.", "Use next_cursor as it was given."
        ) from None


class StoredUnit(StoredReader):
    """Satisfies `skipass.gateway.ports.UnitOfWork`; its events wait in `emitted` until the journal chains them.

    `judges` is false while this process has not heard the database for long enough to tell who else is silent.
    """

    def __init__(self, executor: Executor, now: datetime, *, judges: bool = True) -> None:
        super().__init__(executor, now)
        self._judges = judges
        self.emitted: list[Event] = []

    def emit(self, event: Event) -> None:
        """Chain an event in this transaction."""
        self.emitted.append(event)

    async def insert(self, record: Any) -> None:
        """Add a record, or raise `conflict`."""
        table = TABLES[type(record)]
        try:
            await self._executor.run(insert_sql(table), encode(record))
        except Duplicate:
            name = getattr(record, "name", None) or getattr(record, "slug", None) or record.id
            raise SkipassError("conflict", f"The name {name!r} is taken.", "Choose another name.") from None

    async def change(self, record: R, **changes: Any) -> R:
        """Compare and set: the row must still have the state and version of `record`."""
        guards = _guards(record)
        if "version" in guards:
            changes.setdefault("version", getattr(record, "version") + 1)  # noqa: B009
        sql = update_sql(_any(type(record)), tuple(changes), guards)
        values = {f"was_{name}": encode_value(getattr(record, name)) for name in ("id", *guards)}
        values |= {f"to_{name}": encode_value(value) for name, value in changes.items()}
        if await self._executor.run(sql, values) != 1:
            raise SkipassError("conflict", "It changed meanwhile.", "Look at it again.", retryable=True)
        return replace(record, **changes)  # type: ignore[type-var]

    async def remove(self, record: Any) -> None:
        """Delete a record that ran out; one that is gone or changed meanwhile is left alone."""
        kind = type(record)
        if kind not in PASSING:
            raise TypeError(f"a {kind.__name__} is never deleted")
        guards = _guards(record)
        values = {f"was_{name}": encode_value(getattr(record, name)) for name in ("id", *guards)}
        await self._executor.run(delete_sql(_any(kind), guards), values)

    async def set(self, name: str, value: str) -> None:
        """Write a value of the deployment."""
        await self._executor.run(queries.SET, {"name": name, "value": value})

    async def admit(self, session_id: str, versions: Any, reserve: Budgets, expires_after: datetime) -> bool:
        """Debit the reservation if the session is open past that time and every version still holds."""
        agent_id, agent_version = versions.agent or (None, None)
        values = {
            "session_id": session_id,
            "session_version": versions.session,
            "after": micros(expires_after),
            "now": micros(self.now),
            "statements": reserve.statements,
            "seconds": reserve.seconds,
            "agent_id": agent_id,
            "agent_version": agent_version,
        }
        for noun in ("user", "connection", "credential"):
            values[f"{noun}_id"], values[f"{noun}_version"] = getattr(versions, noun)
        return await self._executor.run(queries.ADMIT, values) == 1

    async def debit(self, session_id: str, rows: int, size_bytes: int) -> bool:
        """Debit rows and bytes of an open session, all or nothing."""
        values = {"session_id": session_id, "rows": rows, "bytes": size_bytes, "now": micros(self.now)}
        return await self._executor.run(queries.DEBIT, values) == 1

    async def settle(self, session_id: str, unused_seconds: int) -> None:
        """Give back the seconds that were reserved and not used; the session counts as in use until now."""
        values = {"session_id": session_id, "seconds": unused_seconds, "now": micros(self.now)}
        await self._executor.run(queries.SETTLE, values)

    async def stale(self, me: str, before: datetime) -> list[Statement]:
        """Return unfinished statements of other processes that have not been heard of since `before`."""
        if not self._judges:
            return []
        rows = await self._executor.rows(queries.STALE, {"me": me, "before": micros(before)})
        wanted = [f.name for f in fields(Statement)]
        return [decode(Statement, {name: row[name] for name in wanted}) for row in rows]

    async def beat(self, boot_id: str) -> None:
        """Say that this process lives."""
        await self._executor.run(queries.BEAT, {"id": boot_id, "now": micros(self.now)})

    async def seal_silent(self, me: str, before: datetime) -> None:
        """Take note of where the chains of writers end that have not been heard of since `before`."""
        values: dict[str, Any] = {"me": me, "before": micros(before)}
        silent = await self._executor.rows(queries.UNSEALED_WRITERS, values) if self._judges else []
        for row in silent:
            if await self._executor.run(queries.SEAL_SILENT_WRITER, values | {"id": row["id"]}):
                await self._note_ends(row["id"])

    async def _note_ends(self, writer: str) -> None:
        tenants = [row["id"] for row in await self._executor.rows(queries.TENANTS, {})]
        for tenant in (DEPLOYMENT, *tenants):
            for last in await self._executor.rows(queries.HEAD, {"tenant_id": tenant, "writer": writer}):
                body = {"writer": writer, "seq": last["seq"], "hash": last["hash"]}
                self.emit(Event(tenant, "chain.sealed", writer, body))

    async def next_revocation(self) -> int:
        """Raise the revocation epoch and return it."""
        epoch = int(await self.setting("revocation_epoch") or "0") + 1
        await self.set("revocation_epoch", str(epoch))
        return epoch

    async def recall(self, tenant_id: str, principal: str, route: str, key: str) -> tuple[str, str] | None:
        """Return body hash and answer kept for an idempotency key within the last 24 hours."""
        values = {"tenant_id": tenant_id, "principal": principal, "route": route, "key": key}
        await self._executor.run(queries.FORGET, {"before": micros(self.now - _DAY)})
        rows = await self._executor.rows(queries.RECALL, values)
        return (rows[0]["body_hash"], rows[0]["answer"]) if rows else None

    async def remember(self, tenant_id: str, principal: str, route: str, key: str, body_hash: str, answer: str) -> None:
        """Keep the answer of an idempotent request."""
        values: dict[str, Any] = {"tenant_id": tenant_id, "principal": principal, "route": route, "key": key}
        values |= {"body_hash": body_hash, "answer": answer, "at_us": micros(self.now)}
        try:
            await self._executor.run(insert_sql(idempotency), values)
        except Duplicate:
            raise SkipassError("conflict", "The same Idempotency-Key is being answered.", retryable=True) from None
