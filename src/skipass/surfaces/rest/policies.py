"""The policy over REST: its versions, what is wrong with a text, what a call would meet, and applying."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from skipass.gateway.explaining import Explanation, Question, obliged
from skipass.gateway.policies import Checked
from skipass.gateway.views import when
from skipass.nouns.policy import PolicyVersion
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest import policies_shapes as own
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

router = routes(CallerRoute, "policies")


@router.get("/policies", response_model=shapes.Page[own.PolicyVersion], summary="List policy versions, newest first")
async def list_policies(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List what was applied; the first item is the policy in force."""
    after = paging.POLICIES.after(cursor)
    found = await gateway.policies.list(caller, after=int(after) if after else None, limit=limit + 1)
    return reply(paging.page(found, limit, lambda version: str(version.number), version_body))


@router.post("/policies", status_code=201, response_model=own.PolicyVersion, summary="Apply a policy")
async def apply_policy(body: own.Applying, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Bring a policy into force for every call from now on, or say everything that is wrong with it. Admins only."""
    return await once(partial(gateway.policies.apply, caller, body.policy, body.based_on), version_body)


@router.post("/policies/check", response_model=own.Checked, summary="Check a policy")
async def check_policy(body: own.NewPolicy, gateway: TheGateway, caller: Caller) -> Response:
    """Return every fault and warning at once, names that do not exist here among them; applies nothing."""
    return reply(checked_body(await gateway.policies.check(caller, body.policy)))


@router.post("/policies/explain", response_model=own.Explained, summary="Explain what the policy says")
async def explain_policy(body: own.Explain, gateway: TheGateway, caller: Caller) -> Response:
    """Return what would become of a statement or a session request, which rules say so, and what was understood."""
    asks = (body.connection, body.agent, body.user, body.statement, body.scope, body.ttl_s, body.policy)
    question = Question(*asks, break_glass=body.break_glass)
    return reply(explained_body(await gateway.explaining.explain(caller, question)))


def version_body(version: PolicyVersion) -> dict[str, Any]:
    """Return one version with its text."""
    return {
        "id": version.id,
        "number": version.number,
        "source": version.source.value,
        "hash": version.hash,
        "policy": version.text,
        "applied_at": when(version.applied_at),
        "applied_by": version.applied_by,
    }


def checked_body(found: Checked) -> dict[str, Any]:
    """Return what is wrong with a text."""
    faults, warnings = list(found.faults), list(found.warnings)
    return {"ok": not faults, "rules": found.rules, "faults": faults, "warnings": warnings}


def explained_body(told: Explanation) -> dict[str, Any]:
    """Return what would happen, and why."""
    verdict, found = told.verdict, told.found
    return {
        "outcome": told.outcome.value,
        "because": list(told.because),
        "understood": told.understood,
        "rules": list(found.rules),
        "shadow": list(found.shadow),
        "would": found.would.value if found.would else None,
        "obligations": obliged(found.obligations),
        "version": told.version_id,
        "kind": verdict.kind.value if verdict else None,
        "reads": list(verdict.reads) if verdict else [],
        "writes": list(verdict.writes) if verdict else [],
        "request": verdict.needs if verdict else None,
    }
