"""The tools about access sessions: ask for one, for more time, look at one, close it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from skipass.gateway.cancelling import Ending
from skipass.gateway.deps import Deps
from skipass.gateway.execute import Target
from skipass.gateway.idempotency import Idempotency, Repeated, idempotent_call
from skipass.gateway.sessions import Extension, SessionRequest, Sessions
from skipass.gateway.standing import standing
from skipass.gateway.views import approval_view, session_view
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.tools import inputs
from skipass.tools.call import CallContext


class SessionCalls:
    """Answers every call about a session with the session's view."""

    def __init__(self, deps: Deps, sessions: Sessions, ending: Ending) -> None:
        self._deps, self._sessions, self._ending = deps, sessions, ending

    async def request(
        self, principal: Principal, target: Target, wanted: inputs.RequestSession, call: CallContext
    ) -> Envelope:
        """Ask for a session on the connection the call is aimed at; once for each request id of the caller."""
        here = await standing(self._deps, principal, slug=target.slug, name=target.connection or wanted.connection)
        budgets = wanted.budgets.model_dump(exclude_none=True) if wanted.budgets else None
        request = SessionRequest(wanted.scope, wanted.ttl_s, wanted.reason, budgets, wanted.break_glass)
        about = here.connection.id.encode() + repr(wanted).encode()
        ask = partial(self._sessions.request, here, request)
        return await self._asked_once(principal, "skipass_request_session", wanted.request_id, about, ask, call)

    async def extend(self, principal: Principal, wanted: inputs.ExtendSession, call: CallContext) -> Envelope:
        """Ask for a session that follows an open one."""
        budgets = wanted.budgets.model_dump(exclude_none=True) if wanted.budgets else None
        wish = Extension(wanted.ttl_s, wanted.reason, wanted.scope, budgets)
        ask = partial(self._sessions.extend, principal, wanted.session_id, wish)
        about = repr(wanted).encode()
        return await self._asked_once(principal, "skipass_extend_session", wanted.request_id, about, ask, call)

    async def _asked_once(
        self,
        principal: Principal,
        tool: str,
        request_id: str | None,
        about: bytes,
        ask: Callable[[], Awaitable[tuple[AccessSession, Approval | None]]],
        call: CallContext,
    ) -> Envelope:
        """Ask for a session, once for each request id or Idempotency-Key of the caller."""
        key = request_id or call.idempotency_key
        if key is None:
            session, approval = await ask()
            return self._shown(session, call, self._waiting(approval))
        made = await Idempotency(self._deps.journal).once(
            idempotent_call(principal, tool, key, about),
            ask,
            lambda made: {"session_id": made[0].id, "fields": self._waiting(made[1])},
        )
        if isinstance(made, Repeated):
            session = await self._sessions.of(principal, made.answer["session_id"])
            waits = session.state is SessionState.REQUESTED
            return self._shown(session, call, made.answer["fields"] if waits else {})
        return self._shown(made[0], call, self._waiting(made[1]))

    def _waiting(self, approval: Approval | None) -> dict[str, Any]:
        if approval is None:
            return {}
        hint = "A person decides. Ask again with skipass_show_session and this session_id."
        return {"approval": approval_view(approval, self._deps.base_url), "poll_after_ms": 5_000, "hint": hint}

    async def show(self, principal: Principal, target: Target, wait_s: int, call: CallContext) -> Envelope:
        """Return a session by its id, once it is decided or the wait is over; without one, the only open one."""
        if target.session_id:
            return self._shown(await self._sessions.wait(principal, target.session_id, wait_s), call, {})
        here = await standing(self._deps, principal, slug=target.slug, name=target.connection)
        return self._shown(await self._sessions.pick(here, None), call, {})

    async def close(self, principal: Principal, wanted: inputs.CloseSession, call: CallContext) -> Envelope:
        """Close a session; its running statements are cancelled."""
        session = await self._sessions.of(principal, wanted.session_id)
        closed = await self._ending.end(session, EndReason.RELEASED, principal.agent_id or principal.user_id or "")
        return self._shown(closed, call, {})

    def _shown(self, session: AccessSession, call: CallContext, fields: Mapping[str, Any]) -> Envelope:
        waiting = session.state is SessionState.REQUESTED
        status = Status.APPROVAL_REQUIRED if waiting else Status.SUCCESS
        view = session_view(session, self._deps.journal.now())
        return Envelope(status, call.request_id, session.id, view, fields)
