"""The spine: one governed call. Nothing else runs an agent's statement.

standing → session → guard → refuse, hold, or admit → submit → deliver. Read top to bottom, this is the product.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from skipass.access.policy import Finding
from skipass.errors import SkipassError
from skipass.gateway import answers
from skipass.gateway.admission import NO_SESSION, Admission, Asked, StaleDecision, bound, draft, intent_of, judged
from skipass.gateway.crashpoints import reached
from skipass.gateway.delivery import Delivery
from skipass.gateway.deps import Deps
from skipass.gateway.metrics import REFUSALS
from skipass.gateway.oauth_scopes import check_kind
from skipass.gateway.relay_judging import judged as judged_call
from skipass.gateway.relay_roles import RelayRoles
from skipass.gateway.rules import NOTHING, capped, confirmable, ruled
from skipass.gateway.running import Runner
from skipass.gateway.sessions import Sessions
from skipass.gateway.standing import Standing, standing
from skipass.gateway.system import System
from skipass.gateway.way_out import Out, consent_required
from skipass.ids import new_id
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.nouns.scope import Scope
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState
from skipass.nouns.verdict import Outcome, Verdict

ATTEMPTS = 3
NOWHERE = '"(none)"."(none)"'
OVER = frozenset(
    {
        StatementState.SUCCEEDED,
        StatementState.FAILED,
        StatementState.CANCELLED,
        StatementState.NOT_FOUND,
        StatementState.NOT_SENT,
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call is aimed: a slug or a connection's name, and a session's id if the caller names one."""

    slug: str | None = None
    connection: str | None = None
    session_id: str | None = None


class Executor:
    """Runs governed calls."""

    def __init__(self, deps: Deps, sessions: Sessions, runner: Runner, delivery: Delivery, system: System) -> None:
        self._deps, self._sessions, self._runner = deps, sessions, runner
        self._delivery, self._system = delivery, system
        self._admission, self._roles = Admission(deps), RelayRoles(deps, system)

    async def execute(self, principal: Principal, target: Target, asked: Asked, wait_s: float) -> Envelope:
        """Return what became of one statement; a refusal is an envelope too, and is on record before it is given."""
        for _ in range(ATTEMPTS):
            here = await standing(self._deps, principal, slug=target.slug, name=target.connection)
            try:
                return await self._once(here, target, asked, wait_s)
            except StaleDecision:
                continue
        raise SkipassError("stale_decision", hint="Send it again.", retryable=True)

    async def _once(self, here: Standing, target: Target, asked: Asked, wait_s: float) -> Envelope:
        now, texts = self._deps.journal.now(), await self._deps.texts(here.connection.tenant_id)
        statement, found = draft(new_id("statement", now), asked, here, None, texts, now), NOTHING
        try:
            epoch = await self._runner.epoch.value()
            session = await self._session(here, target, asked)
            statement = replace(statement, session_id=session.id)
            await self._fits(here, session, asked)
            guarded = await self._judge(session, asked, statement.id)
            found = here.rules.statement(guarded)
            verdict = ruled(guarded, found)
            statement = judged(statement, verdict)
            if verdict.outcome is Outcome.DENY or verdict.text is None:
                raise denied(verdict, here, session)
            check_kind(here.principal, verdict.kind)
            asked = _held_to(asked, found)
            intent = intent_of(asked, verdict.text, session)
            statement = bound(statement, intent, session, texts)
            if verdict.outcome is Outcome.REVIEW:
                asking = self._admission.hold(
                    statement, intent, here, session, found, confirm=confirmable(guarded, found)
                )
                return await self._held(*await asking, here, wait_s)
            admitted = await self._admission.admit(statement, intent, here, session, asked.timeout_s, found)
        except SkipassError as refused:
            if refused.code == "insufficient_scope":
                raise  # the call is refused, whatever it asked, and goes on record as that
            return await self._refuse(statement, refused, here.rules.told(found))
        if admitted.id == statement.id:
            reached("intent_recorded")
            self._runner.start(admitted, intent, here.out(session), epoch)
        answer = await self._collect(admitted, here, wait_s)
        if asked.call is not None:
            return answer  # the relay says it, once it has looked again
        return answers.with_link(answer, consent_required(here.connection, session.role, here.ways.base_url))

    async def _held(self, held: Statement, approval: Approval, here: Standing, wait_s: float) -> Envelope:
        """Say that a statement waits, or, where the call repeats one that was decided since, what became of it."""
        if held.state is StatementState.HELD:
            return answers.held(held, approval, self._deps.base_url)
        return await self._collect(held, here, wait_s)

    async def _session(self, here: Standing, target: Target, asked: Asked) -> AccessSession:
        try:
            return await self._sessions.pick(here, target.session_id)
        except SkipassError as error:
            if error.code not in ("session_required", "expired", "lapsed", "withdrawn", "approval_denied"):
                raise
            request = await self._smallest(here, asked)
            details = error.details | ({"request": request} if request else {})
            raise SkipassError(error.code, error.message, error.hint, details=details) from None

    async def _smallest(self, here: Standing, asked: Asked) -> dict[str, Any] | None:
        """Return the smallest request that would cover this statement, or None where no session could."""
        database, schema = asked.database or here.connection.database, asked.schema or here.connection.schema
        nowhere = Scope(schemas=(NOWHERE,), role=here.connection.role, warehouse=here.connection.warehouse)
        if asked.call is None:
            verdict = await self._deps.guard.check(asked.text, nowhere, database=database, schema=schema)
        else:
            verdict = await judged_call(self._deps.guard, nowhere, asked.call, NO_SESSION)
        if verdict.outcome is Outcome.DENY and verdict.needs is None:
            return None
        fallback = [f"{database}.{schema}"] if database and schema else []
        scope: dict[str, Any] = dict(verdict.needs or {})
        scope["schemas"] = [name for name in scope.get("schemas", ()) if name != NOWHERE] or fallback
        return smallest_request(here, scope)

    async def _fits(self, here: Standing, session: AccessSession, asked: Asked) -> None:
        """Refuse a call that names another role or warehouse than the session's, or has no warehouse at all.

        A relay's warehouse is its own affair, its role that of the token: the two are held against each other once.
        """
        if asked.role and asked.role != session.role:
            scope = session.scope.as_dict() | {"role": asked.role}
            message = f"The session's role is {session.role}."
            raise SkipassError("session_required", message, details={"request": smallest_request(here, scope)})
        warehouse = asked.warehouse or session.warehouse
        if session.warehouse and warehouse != session.warehouse:
            scope = session.scope.as_dict() | {"warehouse": warehouse}
            message = f"The session's warehouse is {session.warehouse}."
            raise SkipassError("session_required", message, details={"request": smallest_request(here, scope)})
        if asked.call is not None:
            await self._roles.check(here.out(session))
        elif not warehouse:
            names = await self._system.warehouses(here.out(session), session.role)
            hint = (
                f"Name one in the session's scope: {', '.join(names)}." if names else "Name one in the session's scope."
            )
            raise SkipassError("warehouse_required", hint=hint, details={"warehouses": names})

    async def _judge(self, session: AccessSession, asked: Asked, statement_id: str) -> Verdict:
        scope = replace(session.scope, role=session.role, warehouse=asked.warehouse or session.warehouse)
        if asked.call is not None:
            return await judged_call(self._deps.guard, scope, asked.call, statement_id)
        database, schema = asked.database or session.database, asked.schema or session.schema
        return await self._deps.guard.check(asked.text, scope, database=database, schema=schema)

    async def _refuse(self, statement: Statement, refused: SkipassError, told: Mapping[str, Any]) -> Envelope:
        REFUSALS.labels(refused.code).inc()
        if refused.code != "not_recorded":
            await self._admission.refuse(statement, refused.code, told)
        session_id = None if statement.session_id == "none" else statement.session_id
        return answers.refusal(refused, statement.id, session_id)

    async def _collect(self, statement: Statement, here: Standing, wait_s: float) -> Envelope:
        """Wait for a statement that is on its way, then hand out what it became."""
        out = here.ways.any()
        try:
            return await collect(self._runner, self._delivery, statement, out, wait_s)
        except asyncio.CancelledError:
            # A client that closes its stream before `running` was answered has withdrawn the call.
            if not statement.ticket:
                self._runner.cancel_soon(statement, out, "client")
            raise


async def collect(runner: Runner, delivery: Delivery, statement: Statement, out: Out, wait_s: float) -> Envelope:
    """Return a statement's outcome, waiting at most `wait_s` seconds for it; else where it is."""
    task = runner.task(statement.id)
    if task is None:
        return await delivery.first(statement, None, out) if statement.state in OVER else answers.state_of(statement)
    done, _ = await asyncio.wait({task}, timeout=wait_s)
    if not done or task.cancelled():
        return answers.state_of(statement)
    result = task.result()
    return await delivery.first(result.statement, result.body, out)


def _held_to(asked: Asked, found: Finding) -> Asked:
    """Return what is asked with at most the rows that the rules hand out; a relayed tool takes no such limit."""
    if asked.call is not None and found.obligations.result_rows is not None:
        message = (
            f"The policy hands out {found.obligations.result_rows} rows at most, and no relayed tool can be held to it."
        )
        raise SkipassError(
            "denied_by_policy", message, "Ask by snowflake_execute_query at a slug with the built-in tools."
        )
    return replace(asked, parameters=capped(asked.parameters, found))


def smallest_request(here: Standing, scope: dict[str, Any]) -> dict[str, Any]:
    """Return a session request, ready to send."""
    return {"connection": here.connection.name, "scope": scope, "ttl_s": 300, "reason": ""}


def denied(verdict: Verdict, here: Standing, session: AccessSession) -> SkipassError:
    """Return the refusal of a denied statement: every reason, and the smallest session that would change it."""
    reasons = [{"code": r.code, "piece": r.piece, "message": r.message} for r in verdict.reasons]
    first = verdict.reasons[0] if verdict.reasons else None
    details: dict[str, Any] = {"reasons": reasons, "kind": verdict.kind.value}
    if verdict.parts:
        details["parts"] = list(verdict.parts)
    if verdict.needs:
        details["request"] = smallest_request(here, verdict.needs)
    hint = "Ask for a session with the request below." if verdict.needs else "No session allows this statement."
    if first is None:
        return SkipassError("not_allowed", hint=hint, details=details)
    return SkipassError(first.code, first.message, hint, details=details)
