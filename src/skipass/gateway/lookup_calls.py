"""The tools that look something up: each becomes one statement on the ordinary way, or a look into the own record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.admission import Asked
from skipass.gateway.deps import Deps
from skipass.gateway.execute import Executor, Target
from skipass.gateway.history import history_of
from skipass.gateway.sessions import Sessions
from skipass.gateway.standing import standing
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession
from skipass.tools import lookups
from skipass.tools.call import CallContext
from skipass.tools.inputs import ToolInput
from skipass.tools.statements import Place, build, fills_from_session

MOST_WAIT_S = 50.0


class LookupCalls:
    """Runs what a lookup stands for. It passes the same gate as a caller's own text: nothing here decides anything."""

    def __init__(self, deps: Deps, sessions: Sessions, executor: Executor) -> None:
        self._deps, self._sessions, self._executor = deps, sessions, executor

    async def run(
        self, principal: Principal, target: Target, tool: str, wanted: ToolInput, call: CallContext
    ) -> Envelope:
        """Return what became of a lookup; raises `missing_field` where neither call nor session name a scope."""
        place = Place()
        if fills_from_session(wanted):
            place, target = await self._place(principal, target)
        built = build(wanted, place)
        asked = Asked(
            text=built.text.text,
            bindings=dict(built.bindings),
            parameters={},
            tool=tool,
            request_id=call.idempotency_key,
            **_context(wanted),
        )
        answer = await self._executor.execute(principal, target, asked, min(call.wait_s, MOST_WAIT_S))
        return _at_its_limit(answer, getattr(wanted, "limit", None))

    async def history(
        self, principal: Principal, target: Target, wanted: lookups.QueryHistory, call: CallContext
    ) -> Envelope:
        """Return the newest statements of one of the caller's own sessions, by its id or the only open one."""
        if target.session_id:
            session = await self._sessions.of(principal, target.session_id)
        else:
            here = await standing(self._deps, principal, slug=target.slug, name=target.connection)
            session = await self._sessions.pick(here, None)
        body = history_of(await self._sessions.statements(session), wanted.limit)
        return Envelope(Status.SUCCESS, call.request_id, session.id, body)

    async def _place(self, principal: Principal, target: Target) -> tuple[Place, Target]:
        """Return where the session is, and the target with that very session; without one, where one would be."""
        here = await standing(self._deps, principal, slug=target.slug, name=target.connection)
        try:
            session: AccessSession = await self._sessions.pick(here, target.session_id)
        except SkipassError:
            # The ordinary way refuses the statement for the same reason, with the request that would do.
            return Place(here.connection.database, here.connection.schema), target
        return Place(session.database, session.schema), replace(target, session_id=session.id)


def _context(wanted: ToolInput) -> dict[str, Any]:
    context = {"role": getattr(wanted, "role", None), "warehouse": getattr(wanted, "warehouse", None)}
    if isinstance(wanted, lookups.Explain):
        context |= {"database": wanted.database, "schema": wanted.schema_}
    return context


def _at_its_limit(answer: Envelope, limit: int | None) -> Envelope:
    meta = (answer.data or {}).get("resultSetMetaData")
    if limit is None or not isinstance(meta, dict) or meta.get("numRows") != limit:
        return answer
    hint = f"These are the first {limit}: there may be more. Narrow it down, or ask with a higher limit."
    return replace(answer, fields={"hint": hint, **answer.fields})
