"""Ending what runs: one statement on request, or everything of a session that closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.running import Runner
from skipass.gateway.sessions import Sessions
from skipass.gateway.way_out import Out, out_of
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, EndReason
from skipass.nouns.statement import Statement, StatementState

_UNDER_WAY = (StatementState.ADMITTED, StatementState.SUBMITTED)


class Ending:
    """Cancels in Snowflake what a session still runs, then closes it."""

    def __init__(self, deps: Deps, sessions: Sessions, runner: Runner) -> None:
        self._deps, self._sessions, self._runner = deps, sessions, runner

    async def end(self, session: AccessSession, reason: EndReason, by: str) -> AccessSession:
        """Close a session: nothing new, everything running cancelled, closed as soon as all of it is final."""
        return await self.settle(await self._sessions.end(session, reason, by))

    async def close(self, principal: Principal, session_id: str) -> AccessSession:
        """Give a session back: by its agent or by whoever may revoke it. Raises `not_found`, `forbidden`."""
        session = await self._sessions.of(principal, session_id)
        if principal.is_person:
            _may_revoke(principal, session)
        return await self.end(session, EndReason.RELEASED, principal.agent_id or principal.user_id or "")

    async def revoke(self, principal: Principal, session_id: str) -> AccessSession:
        """Take a session away: by admins, approvers and the user acted for. Raises `not_found`, `forbidden`."""
        session = await self._sessions.of(principal, session_id)
        _may_revoke(principal, session)
        return await self.end(session, EndReason.REVOKED, principal.user_id or "")

    async def settle(self, session: AccessSession) -> AccessSession:
        """Cancel what a closing session still runs and close it if nothing is left."""

        async def load(reader: Reader) -> tuple[list[Statement], Out | None]:
            running = await reader.find(Statement, session_id=session.id, state=_UNDER_WAY, ticket=False)
            return running, await out_of(reader, running[0], session.role) if running else None

        running, out = await self._deps.journal.read(load)
        why = session.end_reason.value if session.end_reason else "closing"
        # A relayed call has no handle: it is under way as soon as it is admitted, and nothing can cancel it.
        work: list[Awaitable[Statement]] = [self._runner.give_up(one) for one in running if one.server_id]
        if out is not None:
            submitted = [one for one in running if one.state is StatementState.SUBMITTED and not one.server_id]
            work += [self._runner.cancel(one, out, f"session {why}") for one in submitted]
        await asyncio.gather(*work)
        finished = await self._sessions.finish(session)
        self._deps.upstream.session_ended(session.id)
        return finished


def _may_revoke(principal: Principal, session: AccessSession) -> None:
    decides = bool({Role.ADMIN, Role.APPROVER} & principal.roles)
    if not principal.is_person or not (decides or principal.user_id == session.user_id):
        hint = "The user acted for, an approver or an admin does; an agent closes its own."
        raise SkipassError("forbidden", "This caller may not end the session.", hint)
