"""Sessions as people look for them: pages of them by name of agent, user and connection, and one with its statements.

Whoever may see a session may see it here. Everything is read a page at a time. Asks Snowflake nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.sessions import may_see, sees_all
from skipass.nouns.approval import Approval, Decision
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions to show; an empty name and None narrow nothing."""

    state: SessionState | None = None
    agent: str = ""
    user: str = ""
    connection: str = ""


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session with the names of who and what it is about; a name is empty where that is gone."""

    session: AccessSession
    agent: str
    user: str
    connection: str


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with its original text and, of one that was held, what people said."""

    statement: Statement
    text: str
    approval: Approval | None
    decisions: Sequence[tuple[Decision, str]]


@dataclass(frozen=True, slots=True)
class Replay:
    """One session, what people said of its request, and a page of its statements, oldest first."""

    named: NamedSession
    approval: Approval | None
    decisions: Sequence[tuple[Decision, str]]
    statements: Sequence[Told]


class SessionLists:
    """The use cases of looking at sessions."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def page(self, principal: Principal, wanted: Wanted, *, after: str | None, limit: int) -> list[NamedSession]:
        """Return sessions, newest first, from before the id `after` on; those who see all get everybody's."""

        async def load(reader: Reader) -> list[NamedSession]:
            where = await _where(reader, principal, wanted)
            if where is None:
                return []
            where |= {"id__lt": after} if after else {}
            found = await reader.find(AccessSession, descending=True, limit=limit, **where)
            return [await named_session(reader, one) for one in found]

        return await self._deps.journal.read(load)

    async def replay(
        self, principal: Principal, session_id: str, *, after: str = "", limit: int, only: Sequence[str] | None = None
    ) -> Replay:
        """Return one session with up to `limit` statements after the id `after`; raises `not_found`.

        With `only` these of its statements.
        """

        async def load(reader: Reader) -> tuple[NamedSession, _Said, list[tuple[Statement, _Said]]]:
            session = await reader.get(AccessSession, session_id, tenant_id=principal.tenant_id)
            if session is None or not may_see(principal, session.user_id, session.agent_id):
                raise SkipassError("not_found", "There is no such session.")
            where: dict[str, Any] = {"session_id": session.id, "tenant_id": session.tenant_id, "id__gt": after}
            where |= {"id": tuple(only)} if only is not None else {}
            found = await reader.find(Statement, limit=limit, **where)
            told = [(one, await people_said(reader, one.approval_id)) for one in found]
            return await named_session(reader, session), await people_said(reader, session.approval_id), told

        named, (approval, decisions), found = await self._deps.journal.read(load)
        texts = await self._deps.texts(principal.tenant_id)
        told = [Told(one, texts.unseal(one.original_sealed, one.id, "original").decode(), *said) for one, said in found]
        return Replay(named, approval, decisions, told)


_Said = tuple[Approval | None, Sequence[tuple[Decision, str]]]


async def _where(reader: Reader, principal: Principal, wanted: Wanted) -> dict[str, Any] | None:
    """Return what is asked for as stored, None where a name is nobody's."""
    where: dict[str, Any] = {"tenant_id": principal.tenant_id}
    where |= {"state": wanted.state} if wanted.state else {}
    named: tuple[tuple[type[Agent | User | Connection], str, str], ...] = (
        (Agent, wanted.agent, "agent_id"),
        (User, wanted.user, "user_id"),
        (Connection, wanted.connection, "connection_id"),
    )
    for kind, name, column in named:
        if name:
            found = await reader.find(kind, tenant_id=principal.tenant_id, name=name, limit=1)
            if not found:
                return None
            where[column] = found[0].id
    if sees_all(principal):
        return where
    return where | {"user_id": principal.user_id} if where.get("user_id") in (None, principal.user_id) else None


async def named_session(reader: Reader, session: AccessSession) -> NamedSession:
    """Return a session with the names it is told by."""
    agent = await reader.get(Agent, session.agent_id, tenant_id=session.tenant_id)
    user = await reader.get(User, session.user_id, tenant_id=session.tenant_id)
    connection = await reader.get(Connection, session.connection_id, tenant_id=session.tenant_id)
    name = user.name.partition("/")[2] if user and user.end_user_of else user.name if user else ""
    return NamedSession(session, agent.name if agent else "", name, connection.name if connection else "")


async def people_said(reader: Reader, approval_id: str | None) -> _Said:
    """Return an approval, and what people said of it with their names, in order."""
    approval = await reader.get(Approval, approval_id)
    if approval is None:
        return None, ()
    found = await reader.find(Decision, approval_id=approval.id, order="at")
    people = [await reader.get(User, one.user_id, tenant_id=approval.tenant_id) for one in found]
    return approval, [(one, who.name if who else "") for one, who in zip(found, people, strict=True)]
