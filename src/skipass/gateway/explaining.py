"""Explaining: what would become of a statement or a session request, which rule says so, and what was understood.

Asks exactly what a call asks, with the same guard and the same rules, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from skipass.access.policy import Finding, Obligations, Ruling, parse
from skipass.access.sessions import Answer, decide
from skipass.access.sqlguard import canonical_scope, explain
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.execute import NOWHERE
from skipass.gateway.people import require
from skipass.gateway.policies import WATCHERS, checked, invalid
from skipass.gateway.ports import Reader
from skipass.gateway.rules import Rules, confirmable, ruled, rules_for
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.scope import Scope, scope_from
from skipass.nouns.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks, where, and what: a statement (in a session of `scope`), or a session of `scope` for `ttl_s` seconds.

    `user` is the agent's owner where it is None. `policy` is a text to try in place of the one in force.
    """

    connection: str
    agent: str
    user: str | None = None
    statement: str | None = None
    scope: Scope | None = None
    ttl_s: int | None = None
    policy: str | None = None
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The outcome, the sentences that say why, what was understood, and the rules that were heard."""

    outcome: Ruling
    because: tuple[str, ...]
    understood: str
    found: Finding
    version_id: str | None
    verdict: Verdict | None = None


class Explaining:
    """The use case of `policy explain`."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def explain(self, principal: Principal, question: Question) -> Explanation:
        """Return what would happen and why; raises `not_found`, `unknown_connection`, `invalid_policy`."""
        require(principal, *WATCHERS)
        connection, rules = await self._rules(principal, question)
        if question.statement is not None:
            return await self._statement(connection, rules, question, question.statement)
        if question.scope is None or question.ttl_s is None:
            hint = "Give a statement, or a scope and ttl_s."
            raise SkipassError("invalid_request", "There is nothing to explain.", hint)
        return _session(connection, rules, question.scope, question.ttl_s, question.break_glass)

    async def _rules(self, principal: Principal, question: Question) -> tuple[Connection, Rules]:
        async def load(reader: Reader) -> tuple[Connection, Rules]:
            tenant_id = principal.tenant_id
            connections = await reader.find(Connection, tenant_id=tenant_id, name=question.connection, limit=1)
            agents = await reader.find(Agent, tenant_id=tenant_id, name=question.agent, limit=1)
            if not connections or not agents:
                raise SkipassError("not_found", "There is no such connection or agent.")
            user = await _user(reader, agents[0], question.user)
            return connections[0], await rules_for(self._deps, reader, connections[0], agents[0], user)

        connection, rules = await self._deps.journal.read(load)
        if question.policy is None:
            return connection, rules
        found = checked(question.policy, {})
        if found.faults:
            raise invalid(found)
        return connection, replace(rules, policy=parse(question.policy)[0], version_id=None)

    async def _statement(self, connection: Connection, rules: Rules, question: Question, text: str) -> Explanation:
        scope = await self._scope(connection, rules, question, text)
        guarded = await self._deps.guard.check(text, scope, database=connection.database, schema=connection.schema)
        found = rules.statement(guarded)
        verdict = ruled(guarded, found)
        if verdict.outcome is Outcome.REVIEW:
            outcome = Ruling.CONFIRM if confirmable(guarded, found) else Ruling.APPROVAL
        else:
            outcome = Ruling.DENY if verdict.outcome is Outcome.DENY else Ruling.ALLOW
        because = tuple(reason.message for reason in verdict.reasons) or (_UNSAID[bool(found.rules)],)
        return Explanation(outcome, because, explain(guarded), found, rules.version_id, verdict)

    async def _scope(self, connection: Connection, rules: Rules, question: Question, text: str) -> Scope:
        """Return the scope to judge in: the one given, the automatic one, else the smallest that would do."""
        given = question.scope or rules.limits(connection).automatic
        if given is not None:
            return replace(given, role=given.role or connection.role, warehouse=given.warehouse or connection.warehouse)
        nowhere = Scope(schemas=(NOWHERE,), role=connection.role, warehouse=connection.warehouse)
        verdict = await self._deps.guard.check(text, nowhere, database=connection.database, schema=connection.schema)
        if not verdict.needs:
            return nowhere
        schemas = [name for name in _listed(verdict.needs, "schemas") if name != NOWHERE]
        return scope_from(verdict.needs | {"schemas": schemas or [NOWHERE]})


def _session(connection: Connection, rules: Rules, wanted: Scope, ttl_s: int, glass: bool) -> Explanation:
    scope, limits = canonical_scope(wanted), rules.limits(connection)
    role, roles = scope.role or connection.role, frozenset({connection.role, *connection.allowed_roles})
    found = rules.session(scope, ttl_s, limits, break_glass=glass)
    decision = decide(scope, ttl_s, role, roles, limits, found, break_glass=glass)
    asked = Ruling.CONFIRM if decision.confirm else Ruling.APPROVAL
    outcome = {Answer.OPEN: Ruling.ALLOW, Answer.ASK: asked, Answer.DENY: Ruling.DENY}[decision.answer]
    because = decision.reasons or (_OPENS[found.ruling is Ruling.ALLOW],)
    return Explanation(outcome, because, _understood(scope, role, ttl_s), found, rules.version_id)


_UNSAID = {False: "No rule says anything of it; the session allows it.", True: "The rules let it run as it is."}
_OPENS = {False: "No rule says anything of it; without one it is small enough to open.", True: "A rule opens it."}


def _understood(scope: Scope, role: str, ttl_s: int) -> str:
    verb = {"read": "Read", "write": "Read and change"}[scope.access.value]
    names = ", ".join(scope.tables or scope.schemas)
    return f"{verb} {names} as {role} for {ttl_s} seconds, with metadata of the {scope.metadata}."


def _listed(needs: dict[str, object], name: str) -> list[str]:
    value = needs.get(name)
    return [str(one) for one in value] if isinstance(value, list) else []


async def _user(reader: Reader, agent: Agent, name: str | None) -> User:
    where: dict[str, Any] = {"id": agent.owner_id} if name is None else {"name": name}
    found = await reader.find(User, tenant_id=agent.tenant_id, limit=1, **where)
    if not found:
        raise SkipassError("not_found", "There is no such user.")
    return found[0]


def obliged(duties: Obligations) -> dict[str, Any]:
    """Return obligations as a JSON object, without what they do not say."""
    shape: dict[str, Any] = {
        "longest_s": duties.longest_s,
        "budgets": dict(duties.budgets) or None,
        "statement_timeout_s": duties.statement_timeout_s,
        "result_rows": duties.result_rows,
        "deny_columns": [str(column) for column in duties.deny_columns] or None,
        "quorum": duties.quorum,
        "deciders": sorted(duties.deciders) if duties.deciders is not None else None,
        "approval_life_s": duties.approval_life_s,
    }
    return {name: value for name, value in shape.items() if value is not None}
