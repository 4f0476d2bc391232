"""What pages that are followed ask again and again: where one session or one approval stands, and nothing more.

Cheap on purpose: no text is unsealed and Snowflake is asked nothing. Whoever may see a thing may follow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.session_lists import NamedSession, named_session, people_said
from skipass.gateway.sessions import may_see
from skipass.nouns.approval import Approval, Decision, Subject
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState

Standing: TypeAlias = Mapping[str, StatementState]
"""Where statements stand, by their ids, in their order."""


@dataclass(frozen=True, slots=True)
class SessionNow:
    """Where a session stands, what people said of its request, and its statements after some id, oldest first."""

    named: NamedSession
    approval: Approval | None
    decisions: Sequence[tuple[Decision, str]]
    statements: Standing


@dataclass(frozen=True, slots=True)
class ApprovalNow:
    """Where an approval stands, what people said, and what became of what it was about."""

    approval: Approval
    decisions: Sequence[tuple[Decision, str]]
    session: AccessSession | None
    statement: Statement | None


class Following:
    """The use cases of looking again."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def session(self, principal: Principal, session_id: str, *, after: str, limit: int) -> SessionNow:
        """Return where a session stands with its first `limit` statements after the id `after`; `not_found`."""

        async def load(reader: Reader) -> SessionNow:
            session = await reader.get(AccessSession, session_id, tenant_id=principal.tenant_id)
            if session is None or not may_see(principal, session.user_id, session.agent_id):
                raise SkipassError("not_found", "There is no such session.")
            where: dict[str, Any] = {"session_id": session.id, "tenant_id": session.tenant_id, "id__gt": after}
            found = sorted(await reader.counts(Statement, ("id", "state"), **where))[:limit]
            said = await people_said(reader, session.approval_id)
            return SessionNow(await named_session(reader, session), *said, dict(found))

        return await self._deps.journal.read(load)

    async def approval(self, principal: Principal, approval_id: str) -> ApprovalNow:
        """Return where an approval stands; raises `not_found`."""

        async def load(reader: Reader) -> ApprovalNow:
            approval = await reader.get(Approval, approval_id, tenant_id=principal.tenant_id)
            if approval is None or not may_see(principal, approval.requester_id, approval.agent_id):
                raise SkipassError("not_found", "There is no such approval for this caller.")
            _, decisions = await people_said(reader, approval.id)
            session = await reader.get(AccessSession, approval.session_id)
            of_statement = approval.subject is Subject.STATEMENT
            statement = await reader.get(Statement, approval.subject_id) if of_statement else None
            return ApprovalNow(approval, decisions, session, statement)

        return await self._deps.journal.read(load)
