"""The rules in force: read in the view of the call, parsed once for each version, compared again where it counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from skipass.access.policy import (
    EMPTY,
    ConnectionPolicy,
    Finding,
    Policy,
    Ruling,
    Subject,
    Wish,
    automatic_scope,
    judge_session,
    judge_statement,
    parse,
    policy_from,
)
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.memberships import groups_of
from skipass.gateway.ports import Reader
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, User
from skipass.nouns.policy import PolicyVersion
from skipass.nouns.scope import Scope
from skipass.nouns.session import Budgets
from skipass.nouns.statement import Statement
from skipass.nouns.verdict import Outcome, Reason, Verdict

NOTHING = Finding()


def in_force_setting(tenant_id: str) -> str:
    """Return the name of the value that holds the id of a tenant's policy version in force."""
    return f"policy:{tenant_id}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules one call is judged under, who it is for, and which version they are of; None: no policy at all."""

    subject: Subject
    policy: Policy = EMPTY
    version_id: str | None = None

    def session(self, scope: Scope, ttl_s: int, limits: ConnectionPolicy, *, break_glass: bool = False) -> Finding:
        """Return what the rules say of a session request."""
        return judge_session(self.policy, self.subject, Wish(scope, ttl_s, limits.unattended_ttl_s, break_glass))

    def statement(self, verdict: Verdict) -> Finding:
        """Return what the rules say of a statement; nothing of one that the guard refuses."""
        if verdict.outcome is Outcome.DENY or verdict.text is None or not self.policy.rules:
            return NOTHING
        return judge_statement(self.policy, self.subject, verdict, verdict.text)

    def limits(self, connection: Connection) -> ConnectionPolicy:
        """Return the connection's own limits, with the automatic scope of a rule in place of its own where one is."""
        own = policy_from(connection.policy)
        scope = automatic_scope(self.policy, self.subject)
        return own if scope is None else replace(own, automatic=scope)

    def told(self, found: Finding) -> dict[str, Any]:
        """Return what goes on record beside a decision, and nothing where there is no policy."""
        return {"policy": {"version": self.version_id, **found.told()}} if self.version_id else {}


async def rules_for(deps: Deps, reader: Reader, connection: Connection, agent: Agent, user: User) -> Rules:
    """Return the rules in force for a caller; raises `invalid_policy` where the stored text cannot be read any more."""
    groups = frozenset(role.value for role in user.roles) | await groups_of(reader, user.id, agent.id)
    subject = Subject(connection.name, agent.name, user.name, groups)
    version_id = await reader.setting(in_force_setting(connection.tenant_id))
    if version_id is None:
        return Rules(subject)
    if version_id not in deps.policies:
        stored = await reader.get(PolicyVersion, version_id, tenant_id=connection.tenant_id)
        policy, faults = parse(stored.text if stored else "")
        if faults:
            raise SkipassError("invalid_policy", "The policy in force cannot be read.", "An admin applies it again.")
        deps.policies[version_id] = policy
    return Rules(subject, deps.policies[version_id], version_id)


async def still_in_force(reader: Reader, tenant_id: str, version_id: str | None) -> bool:
    """Return whether the version a decision was made under is still the one in force."""
    return await reader.setting(in_force_setting(tenant_id)) == version_id


async def found_now(deps: Deps, reader: Reader, statement: Statement, verdict: Verdict) -> Finding:
    """Return what the rules in force say now of a statement that was judged before."""
    connection = await reader.get(Connection, statement.connection_id)
    agent = await reader.get(Agent, statement.agent_id)
    user = await reader.get(User, statement.user_id)
    if connection is None or agent is None or user is None:
        raise SkipassError("withdrawn", "The agent, the user or the connection is gone.")
    return (await rules_for(deps, reader, connection, agent, user)).statement(verdict)


_CODES = {
    Ruling.DENY: "denied_by_policy",
    Ruling.APPROVAL: "approval_required",
    Ruling.CONFIRM: "approval_required",
}
_VERBS = {Ruling.DENY: "denies this", Ruling.APPROVAL: "asks people first", Ruling.CONFIRM: "asks the user first"}


def ruled(verdict: Verdict, found: Finding) -> Verdict:
    """Return the verdict with the rules on top: they refuse or hold what the guard lets run, and loosen nothing."""
    if verdict.outcome is Outcome.DENY or found.ruling not in _CODES:
        return verdict
    reasons = tuple(_reason(found.ruling, rule, why) for rule, why in found.reasons)
    if found.ruling is Ruling.DENY:
        return replace(verdict, outcome=Outcome.DENY, reasons=reasons, needs=None)
    return replace(verdict, outcome=Outcome.REVIEW, reasons=(*verdict.reasons, *reasons))


def _reason(ruling: Ruling, rule: str, why: str) -> Reason:
    said = f"The rule {rule!r} {_VERBS[ruling]}{f': {why}' if why else '.'}"
    return Reason(_CODES[ruling], rule, f"The policy denies it: {why}." if rule == "deny_columns" else said)


def confirmable(verdict: Verdict, found: Finding) -> bool:
    """Return whether the word of the user acted for is enough, for a statement that the guard judged as `verdict`."""
    return found.ruling is Ruling.CONFIRM and (found.whole or verdict.outcome is Outcome.ALLOW)


def asking(found: Finding, limits: ConnectionPolicy, *, confirm: bool) -> tuple[int, dict[str, Any]]:
    """Return for how many seconds to ask, and who decides; raises `no_approver` where two rules leave nobody."""
    duties = found.obligations
    if duties.deciders is not None and not duties.deciders and not confirm:
        message = "Rules that name different people leave nobody who may decide."
        raise SkipassError("no_approver", message, "An admin mends the policy.")
    life_s = min(limits.decide_within_s, duties.approval_life_s or limits.decide_within_s)
    return life_s, {"quorum": duties.quorum or 1, "deciders": sorted(duties.deciders or ()), "confirm": confirm}


def tighter(budgets: Budgets, found: Finding) -> Budgets:
    """Return the budgets, none above what the rules allow."""
    limits = budgets.as_dict()
    return Budgets(**limits | {name: min(limits[name], most) for name, most in found.obligations.budgets})


def timed(limits: ConnectionPolicy, found: Finding) -> ConnectionPolicy:
    """Return the limits with the statement timeout of the rules where that is shorter."""
    most = min(limits.statement_timeout_s, found.obligations.statement_timeout_s or limits.statement_timeout_s)
    return replace(limits, statement_timeout_s=most)


def capped(parameters: dict[str, Any], found: Finding) -> dict[str, Any]:
    """Return a statement's parameters with at most the rows that the rules hand out.

    Source: https://docs.snowflake.com/en/sql-reference/parameters#rows-per-resultset (0 is no limit)
    """
    most = found.obligations.result_rows
    if most is None:
        return parameters
    wanted = str(parameters.get("rows_per_resultset", ""))
    asked = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else 0
    return parameters | {"rows_per_resultset": str(min(asked or most, most))}
