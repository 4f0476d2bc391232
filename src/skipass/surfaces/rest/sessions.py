"""Access sessions over REST: ask, list, look, close, revoke, and read what one left."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from skipass.gateway.sessions import Extension, SessionRequest
from skipass.gateway.standing import standing
from skipass.gateway.views import when
from skipass.nouns.approval import Approval
from skipass.nouns.session import AccessSession, SessionState
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest import sessions_bodies as own
from skipass.surfaces.rest.bodies import NewSession, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, SessionRoute, TheGateway, routes
from skipass.surfaces.rest.views import record_body, session_body

asking = routes(SessionRoute, "sessions")
router = routes(CallerRoute, "sessions")


@asking.post("/sessions", status_code=201, response_model=shapes.Session, summary="Ask for an access session")
async def request_session(body: NewSession, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Open a session, or ask people for it: `state` says which, `approval` what waits."""
    budgets = body.budgets.model_dump(exclude_none=True) if body.budgets else None
    wanted = SessionRequest(body.scope, body.ttl_s, body.reason, budgets, body.break_glass)

    async def request() -> tuple[AccessSession, Approval | None]:
        here = await standing(gateway.deps, caller, name=body.connection)
        return await gateway.sessions.request(here, wanted)

    now, base_url = gateway.deps.journal.now(), gateway.deps.base_url
    return await once(request, lambda asked: session_body(asked[0], base_url, now, asked[1]))


@asking.post(
    "/sessions/{session_id}/extend", status_code=201, response_model=shapes.Session, summary="Ask for more time"
)
async def extend_session(
    session_id: Segment, body: own.ExtendSession, gateway: TheGateway, caller: Caller, once: OnceFor
) -> Response:
    """Ask for a successor: a session of its own that takes over what runs or is held once it opens. Nothing grows."""
    budgets = body.budgets.model_dump(exclude_none=True) if body.budgets else None
    wish = Extension(body.ttl_s, body.reason, body.scope, budgets)
    now, base_url = gateway.deps.journal.now(), gateway.deps.base_url
    extend = partial(gateway.sessions.extend, caller, session_id, wish)
    return await once(extend, lambda asked: session_body(asked[0], base_url, now, asked[1]))


@router.post(
    "/sessions/allow-automatic", response_model=own.AutomaticLeave, summary="Let automatic sessions open again"
)
async def allow_automatic(body: own.AllowAutomatic, gateway: TheGateway, caller: Caller) -> Response:
    """Let automatic sessions open again for an agent, a user and a connection, after an explicit one. Admins only."""
    leave = await gateway.automatic.allow(caller, agent=body.agent, user=body.user, connection=body.connection)
    whose = {"agent_id": leave.agent_id, "user_id": leave.user_id, "connection_id": leave.connection_id}
    return reply({**whose, "at": when(leave.at)})


@router.get("/sessions", response_model=shapes.Page[shapes.Session], summary="List sessions, newest first")
async def list_sessions(
    gateway: TheGateway,
    caller: Caller,
    state: SessionState | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """List the caller's sessions; admins, approvers and auditors see everybody's."""
    after = paging.SESSIONS.after(cursor)
    found = await gateway.sessions.list(caller, state=state, after=after, limit=limit + 1)
    now, base_url = gateway.deps.journal.now(), gateway.deps.base_url
    return reply(paging.page(found, limit, lambda s: s.id, lambda s: session_body(s, base_url, now)))


@router.get("/sessions/{session_id}", response_model=shapes.Session, summary="Show a session")
async def show_session(
    session_id: Segment,
    gateway: TheGateway,
    caller: Caller,
    wait_s: Annotated[int, Query(ge=0, le=50, description="Seconds to wait at most while nobody has decided.")] = 0,
) -> Response:
    """Show a session and what is left of it.

    With `wait_s` the answer comes once a requested session is decided or over, or as it is by then; asking again goes
    on waiting.
    """
    return _shown(gateway, await gateway.sessions.wait(caller, session_id, wait_s))


@router.post("/sessions/{session_id}/close", response_model=shapes.Session, summary="Give a session back")
async def close_session(session_id: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Close a session: nothing new starts in it, what runs is cancelled, what is held is withdrawn."""
    return _shown(gateway, await gateway.ending.close(caller, session_id))


@router.post("/sessions/{session_id}/revoke", response_model=shapes.Session, summary="Take a session away")
async def revoke_session(session_id: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Revoke a session; for admins, approvers and the user acted for."""
    return _shown(gateway, await gateway.ending.revoke(caller, session_id))


@router.get("/sessions/{session_id}/record", response_model=shapes.SessionRecord, summary="Read what a session left")
async def session_record(session_id: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Return the session, its statements with their texts, the approvals, and every event in order."""
    return reply(record_body(await gateway.session_records.of(caller, session_id)))


def _shown(gateway: TheGateway, session: AccessSession) -> Response:
    return reply(session_body(session, gateway.deps.base_url, gateway.deps.journal.now()))
