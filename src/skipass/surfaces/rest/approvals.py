"""Approvals over REST: people read the card and decide; agents read their own and never decide."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from skipass.gateway.core import Gateway
from skipass.gateway.views import approval_view
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.principal import Principal
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import Decide, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.views import card_body

router = routes(CallerRoute, "approvals")


@router.get("/approvals", response_model=shapes.Page[shapes.Approval], summary="List approvals, newest first")
async def list_approvals(
    gateway: TheGateway,
    caller: Caller,
    state: ApprovalState | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """List what waits or waited for people, as far as the caller may see it."""
    after = paging.APPROVALS.after(cursor)
    found = await gateway.approvals.list(caller, state=state, after=after, limit=limit + 1)
    view = partial(approval_view, base_url=gateway.deps.base_url)
    return reply(paging.page(found, limit, lambda a: a.id, view))


@router.get("/approvals/{approval_id}", response_model=shapes.Card, summary="Show the card of an approval")
async def show_approval(
    approval_id: Segment,
    gateway: TheGateway,
    caller: Caller,
    wait_s: Annotated[int, Query(ge=0, le=50, description="Seconds to wait at most while nobody has decided.")] = 0,
) -> Response:
    """Return everything an approver decides on: the exact text, its binds, who asks, for whom and why.

    With `wait_s` the answer comes once it is decided or over, or as it is by then; asking again goes on waiting.
    """
    await gateway.approvals.wait(caller, approval_id, wait_s)
    card = await gateway.cards.show(caller, approval_id)
    return reply(card_body(card, gateway.deps.base_url, gateway.deps.journal.now()))


@router.post("/approvals/{approval_id}/approve", response_model=shapes.Approval, summary="Approve")
async def approve(approval_id: Segment, body: Decide, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Agree; the last word needed opens the session or runs the held statement, exactly once. People only."""
    decide = partial(_decide, gateway, caller, approval_id, body, True)
    return await once(decide, partial(approval_view, base_url=gateway.deps.base_url), status=200)


@router.post("/approvals/{approval_id}/deny", response_model=shapes.Approval, summary="Deny")
async def deny(approval_id: Segment, body: Decide, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Refuse; nothing runs. People only."""
    decide = partial(_decide, gateway, caller, approval_id, body, False)
    return await once(decide, partial(approval_view, base_url=gateway.deps.base_url), status=200)


async def _decide(gateway: Gateway, caller: Principal, approval_id: str, body: Decide, approve: bool) -> Approval:
    return await gateway.approvals.decide(
        caller, approval_id, approve=approve, reason=body.reason, intent_hash=body.intent_hash
    )
