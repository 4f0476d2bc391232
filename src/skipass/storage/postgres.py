"""The PostgreSQL executor: questions that a unit of work asks, and the one place where a connection answers them.

A unit of work awaits nothing but questions, so whoever drives it sees each one; one that awaits anything else is an
error here as it is over SQLite. What the server's errors mean for the transaction is decided here too.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import asyncpg

from skipass.storage.unit import Duplicate

T = TypeVar("T")
_NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_ESCAPE = "\x1b"
# The last is what the driver says of a connection that the server has ended while nobody used it.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncpg.InternalClientError)
_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_WAITS = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
_UNSTORABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.SyntaxOrAccessError)


class Conflict(Exception):
    """Another writer changed what this transaction read: it has to be done again from its beginning.

    Source: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
    """


class Busy(Exception):
    """A row was held by another transaction for too long; this entry alone gives up."""


class Unstorable(Exception):
    """The entry cannot be stored as it is."""


class Broken(Exception):
    """The server or the way to it failed; nothing of the transaction counts. Says what failed, without a password."""


@dataclass(frozen=True, slots=True)
class Question:
    """One statement with its parameters; awaiting it gives what the driver of the unit of work answers."""

    sql: str
    parameters: Mapping[str, Any]
    counts: bool

    def __await__(self) -> Generator[Question, Any, Any]:
        """Hand the question to the driver."""
        return (yield self)


class AskingExecutor:
    """Satisfies `skipass.storage.unit.Executor` for a unit of work that `drive` drives."""

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        rows: list[dict[str, Any]] = await Question(sql, parameters, counts=False)
        return rows

    async def run(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Return how many rows a change touched; raises `Duplicate`."""
        touched: int = await Question(sql, parameters, counts=True)
        return touched


async def drive(work: Coroutine[Any, Any, T], connection: Any) -> T:
    """Run a unit of work on a connection in a transaction, and return its result.

    Raises what the work raises, and `Conflict`, `Busy`, `Unstorable` and `Broken`, which the work never sees.
    """
    answer: Any = None
    duplicate: Duplicate | None = None
    while True:
        try:
            asked = work.send(answer) if duplicate is None else work.throw(duplicate)
        except StopIteration as done:
            result: T = done.value
            return result
        if not isinstance(asked, Question):
            work.close()
            raise RuntimeError("a unit of work awaited something that is not its transaction")
        duplicate = answer = None
        try:
            answer = await ask(connection, asked)
        except Duplicate as taken:
            duplicate = taken
        except BaseException:
            work.close()
            raise


async def ask(connection: Any, question: Question) -> Any:
    """Return the rows of a question, or how many it touched; raises as `drive` says, and `Duplicate`."""
    text, names = numbered(question.sql)
    values = [_stored(question.parameters[name]) for name in names]
    try:
        if not question.counts:
            return [plain(row) for row in await connection.fetch(text, *values)]
        touched = _count(await connection.execute(text, *values))
    except FAILURES as error:
        raise meaning(error) from None
    if not touched and text.endswith("ON CONFLICT DO NOTHING"):
        raise Duplicate("the name or key is taken")
    return touched


def meaning(error: Exception) -> Exception:
    """Return what an error of the driver or the server means for the transaction it happened in."""
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return Unstorable(f"a parameter has no form in the database: {type(error).__name__}")
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    for kinds, means in ((_CONFLICTS, Conflict), (_WAITS, Busy), (_UNSTORABLE, Unstorable)):
        if isinstance(error, kinds):
            return means(f"{type(error).__name__}: {said}")
    return Broken(f"{type(error).__name__}: {said}")


def _count(status: str) -> int:
    """Return the rows of a command's status, such as `UPDATE 1`; a command like `BEGIN` names none."""
    number = status.rpartition(" ")[2]
    return int(number) if number.isdigit() else 0


@cache
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return a text with numbered parameters, and their names in order.

    An INSERT that says nothing of conflicts touches no row where a key is taken: an error would end the transaction.
    """
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = _NAMED.sub(place, sql).strip()
    if text.startswith("INSERT") and "ON CONFLICT" not in text:
        text += " ON CONFLICT DO NOTHING"
    return text, tuple(names)


def _stored(value: Any) -> Any:
    # The server's text holds no NUL, SQLite's does: it is escaped, and so is the escape; texts come back exactly.
    if isinstance(value, str) and ("\0" in value or _ESCAPE in value):
        return value.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")
    return value


def plain(row: Any) -> dict[str, Any]:
    """Return a row as it was before it was stored."""
    return {name: _unescaped(value) for name, value in row.items()}


def _unescaped(value: Any) -> Any:
    if isinstance(value, str) and _ESCAPE in value:
        return value.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)
    return value
