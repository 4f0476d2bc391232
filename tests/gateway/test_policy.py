"""Policy in front of a real account: rules refuse, hold and limit what runs, and everything they say is on record."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.explaining import Question
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.policy import PolicyVersion
from skipass.nouns.scope import Scope
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'seen' WHERE order_id = 1003"


def text(*rules: str) -> str:
    return "version = 1\nconfirmations = true\n" + "".join(f"[[rule]]\n{rule}\n" for rule in rules)


async def apply(at: Stage, *rules: str) -> PolicyVersion:
    return await at.gateway.policies.apply(await at.principal("admin"), text(*rules))


async def told(at: Stage, envelope: Envelope) -> dict[str, Any]:
    """Return what the first event of a statement says of the policy."""
    principal = await at.principal("admin")
    records = await at.gateway.events.list(principal, after=None, limit=1000)
    said = next(record for record in records if record.subject == envelope.execution_id)
    policy: dict[str, Any] = said.content()["policy"]
    return policy


def code(envelope: Envelope) -> str:
    return str(envelope.fields.get("code"))


async def test_a_denied_object_is_refused_by_the_rule_and_never_sent(at: Stage) -> None:
    """The refusal names the rule and why, no session would change it, and the record says which version said so."""
    version = await apply(
        at, 'name = "no orders"\noutcome = "deny"\neffects = ["read"]\nobjects = ["OPS_DB.OPS.ORDERS"]'
    )
    await at.session()
    envelope = await at.query(PENDING)
    assert (envelope.status, code(envelope)) == (Status.DENIED, "denied_by_policy")
    assert envelope.fields["reasons"][0]["piece"] == "no orders"
    assert "request" not in envelope.fields
    assert at.sent("") == []
    assert await told(at, envelope) == {"version": version.id, "rules": ["no orders"], "ruling": "deny"}


async def test_a_denied_column_is_refused_with_and_without_its_name(at: Stage) -> None:
    """A read of the column, by name or by star, is refused; the other columns are read."""
    await apply(at, 'name = "notes"\ndeny_columns = ["OPS_DB.OPS.ORDERS.NOTE"]')
    await at.session()
    for statement in ("SELECT note FROM ops.orders", "SELECT * FROM ops.orders"):
        assert code(await at.query(statement)) == "denied_by_policy"
    assert at.sent("") == []
    assert (await at.query(PENDING)).status is Status.SUCCESS


async def test_a_rule_holds_a_read_and_names_who_decides(at: Stage) -> None:
    """Approval by rule: held for as long as the rule says, for the people and as many as it says."""
    await apply(
        at,
        'name = "ask"\noutcome = "approval"\neffects = ["read"]\ndeciders = ["grace"]\napproval_life = "2m"',
    )
    await at.session()
    held = await at.query(PENDING)
    assert held.status is Status.APPROVAL_REQUIRED
    (approval,) = await at.every(Approval)
    assert approval.deciders == ("grace",)
    assert (approval.expires_at - approval.created_at).total_seconds() == 120
    with pytest.raises(SkipassError, match="may not decide"):
        await at.decide(held, who="admin")
    await at.decide(held)
    assert (await at.settled(held.fields["statementHandle"])).status is Status.SUCCESS


async def test_two_rules_that_leave_nobody_to_decide_hold_nothing(at: Stage) -> None:
    """Where the deciders of two rules have nobody in common, the statement is refused at once."""
    rule = 'name = "{0}"\noutcome = "approval"\neffects = ["{1}"]\ndeciders = ["{0}"]'
    await apply(at, rule.format("ada", "read"), rule.format("grace", "write"))
    await at.session()
    assert code(await at.query(UPDATE)) == "no_approver"
    assert at.sent("UPDATE") == []


async def test_a_confirm_is_for_the_user_acted_for_alone(at: Stage) -> None:
    """With confirm in place of approval nobody else may decide, approver or not."""
    await apply(at, 'name = "own word"\noutcome = "confirm"\neffects = ["write"]\nobjects = ["OPS_DB.OPS"]')
    await at.session()
    held = await at.query(UPDATE)
    (approval,) = await at.every(Approval)
    assert approval.confirm
    for who in ("admin", "approver"):
        with pytest.raises(SkipassError, match="may not decide"):
            await at.decide(held, who=who)
    assert at.sent("UPDATE") == []


async def test_a_quorum_beyond_the_people_there_are_holds_nothing(at: Stage) -> None:
    """More people than could ever decide: refused as no_approver, not held for ever."""
    await apply(at, 'name = "five"\noutcome = "approval"\neffects = ["write"]\nquorum = 5')
    await at.session()
    assert code(await at.query(UPDATE)) == "no_approver"


async def test_limits_of_a_rule_reach_snowflake(at: Stage) -> None:
    """The timeout that is pinned and the rows that are handed out are the rule's, whatever the call asks for."""
    await apply(at, 'name = "small"\nstatement_timeout = 7\nresult_rows = 2')
    await at.session()
    statement = "SELECT order_id FROM ops.orders"
    for wanted in ({}, {"rows_per_resultset": "1000"}, {"rows_per_resultset": 0}):
        envelope = await at.query(statement, arguments={"parameters": wanted, "timeout": 60})
        assert envelope.data is not None
        assert len(envelope.data["data"]) == 2
    fewer = await at.query(statement, arguments={"parameters": {"rows_per_resultset": 1}})
    assert fewer.data is not None
    assert len(fewer.data["data"]) == 1
    assert {one.timeout_s for one in await at.every(Statement)} == {7}


async def test_a_shadow_is_recorded_and_does_nothing(at: Stage) -> None:
    """The statement runs as without the rule, and the record says what it would have met."""
    version = await apply(at, 'name = "maybe"\noutcome = "deny"\nshadow = true')
    await at.session()
    envelope = await at.query(PENDING)
    assert envelope.status is Status.SUCCESS
    expected = {"version": version.id, "rules": [], "ruling": None, "shadow": ["maybe"], "would": "deny"}
    assert await told(at, envelope) == expected


async def test_rules_are_for_those_they_name(at: Stage) -> None:
    """Another connection, agent, user or group is not meant."""
    await apply(
        at,
        'name = "other connection"\noutcome = "deny"\nconnections = ["snowflake"]',
        'name = "other group"\noutcome = "deny"\ngroups = ["auditor"]',
        'name = "this user"\noutcome = "deny"\nusers = ["sam"]\neffects = ["write"]',
    )
    await at.session()
    assert (await at.query(PENDING)).status is Status.SUCCESS
    assert code(await at.query(UPDATE)) == "denied_by_policy"


async def test_a_new_policy_holds_from_the_next_call_on(at: Stage) -> None:
    """A session that is open already meets the rules applied since; the same text again is no new version."""
    await at.session()
    assert (await at.query(PENDING)).status is Status.SUCCESS
    first = await apply(at, 'name = "stop"\noutcome = "deny"\neffects = ["read"]')
    assert await apply(at, 'name = "stop"\noutcome = "deny"\neffects = ["read"]') == first
    assert code(await at.query(PENDING)) == "denied_by_policy"
    second = await apply(at)
    assert (first.number, second.number) == (1, 2)
    assert (await at.query(PENDING)).status is Status.SUCCESS


async def test_a_policy_applied_between_the_decision_and_the_gate_starts_it_again(at: Stage) -> None:
    """Nothing is admitted under rules that are no longer in force."""
    await at.session()
    admission = at.gateway.calls._statements._executor._admission
    admit, deny = admission.admit, 'name = "late"\noutcome = "deny"\neffects = ["read"]'

    async def late(*given: Any) -> Statement:
        await apply(at, deny)
        return await admit(*given)

    admission.admit = late  # type: ignore[method-assign]
    assert code(await at.query(PENDING)) == "denied_by_policy"
    assert at.sent("") == []


async def test_an_approved_statement_meets_the_policy_of_the_moment_it_runs(at: Stage) -> None:
    """A deny applied after the hold wins over the approval: nothing is sent, the ticket is withdrawn."""
    await at.session()
    held = await at.query(UPDATE)
    await apply(at, 'name = "freeze"\noutcome = "deny"\neffects = ["write"]')
    await at.decide(held)
    settled = await at.settled(held.fields["statementHandle"])
    while settled.status is Status.APPROVAL_REQUIRED:
        await asyncio.sleep(0)
        settled = await at.settled(held.fields["statementHandle"])
    assert settled.status is Status.WITHDRAWN
    assert at.sent("UPDATE") == []


async def test_sessions_are_denied_asked_for_and_opened_by_rules(at: Stage) -> None:
    """A deny refuses, an approval asks a person, an allow opens what would have asked, each with its limits."""
    await apply(
        at,
        'name = "no hr"\noutcome = "deny"\neffects = ["session"]\nobjects = ["FINANCE_DB.HR"]',
        'name = "ask"\noutcome = "approval"\neffects = ["session"]\nobjects = ["FINANCE_DB"]',
        'name = "opens"\noutcome = "allow"\neffects = ["session"]\nobjects = ["OPS_DB.OPS"]\naccess = "write"\n'
        'opens_for = "30m"\nbudgets = { rows = 10, statements = 3 }\nlongest = "40m"',
    )
    wish: dict[str, Any] = {"scope": {"schemas": ["FINANCE_DB.HR"]}, "ttl_s": 60, "reason": "test"}
    assert code(await at.call("skipass_request_session", wish)) == "denied_by_policy"
    wish["scope"] = {"schemas": ["FINANCE_DB.PUBLIC"]}
    assert (await at.call("skipass_request_session", wish)).status is Status.APPROVAL_REQUIRED
    wish |= {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}, "ttl_s": 1800}
    opened = await at.call("skipass_request_session", wish)
    assert opened.status is Status.SUCCESS
    (session,) = await at.every(AccessSession, id=opened.session_id)
    assert (session.rows_left, session.statements_left) == (10, 3)
    refused = await at.call("skipass_request_session", wish | {"ttl_s": 2401})
    assert code(refused) == "not_allowed"
    assert refused.fields["request"]["ttl_s"] == 2400


async def test_automatic_sessions_follow_the_rules(at: Stage) -> None:
    """A rule names an automatic scope where the connection has none, and another rule takes it away again."""
    automatic = 'automatic = { schemas = ["OPS_DB.OPS"], role = "AGENT_ROLE", warehouse = "AGENT_WH" }\n'
    opens = 'name = "opens"\noutcome = "allow"\neffects = ["session"]\nobjects = ["OPS_DB.OPS"]\n' + automatic
    role = (await at.gateway.connections.show(await at.principal("admin"), "jit")).connection.role
    await apply(at, opens.replace("AGENT_ROLE", role))
    assert (await at.query(PENDING)).status is Status.SUCCESS
    (session,) = await at.every(AccessSession)
    assert session.automatic
    await apply(at, 'name = "none"\noutcome = "approval"\neffects = ["session"]')
    await at.gateway.ending.revoke(await at.principal("admin"), session.id)
    assert (await at.query(PENDING)).status is Status.SESSION_REQUIRED
    assert code(await at.query(PENDING, slug="snowflake")) == "session_required"


async def test_a_policy_with_faults_changes_nothing(at: Stage) -> None:
    """Every fault is told, names that do not exist among them, and the version in force stays."""
    version = await apply(at, 'name = "stop"\noutcome = "deny"\neffects = ["read"]')
    for wrong in (text('name = "a"\ncolor = 1'), text('name = "a"\noutcome = "deny"\nagents = ["nobody"]'), "x"):
        with pytest.raises(SkipassError) as refused:
            await at.gateway.policies.apply(await at.principal("admin"), wrong)
        assert refused.value.code == "invalid_policy"
        assert len(refused.value.details["faults"]) == 1
    (only,) = await at.gateway.policies.list(await at.principal("admin"))
    assert only == version


@pytest.mark.parametrize("who", ["agent", "approver"])
async def test_only_admins_apply(at: Stage, who: str) -> None:
    """An agent or an approver brings no policy into force."""
    with pytest.raises(SkipassError) as refused:
        await at.gateway.policies.apply(await at.principal(who), text())
    assert refused.value.code == "forbidden"


async def explained(at: Stage, **asked: Any) -> Any:
    question = Question("jit", "reporting-agent", **asked)
    return await at.gateway.explaining.explain(await at.principal("admin"), question)


async def test_explain_says_what_would_happen_and_why(at: Stage) -> None:
    """The rule is named, the statement told in plain words, and nothing is sent or held."""
    await apply(at, 'name = "no orders"\noutcome = "deny"\neffects = ["read"]\nwhy = "month end"')
    found = await explained(at, statement=PENDING)
    assert (found.outcome, found.because) == ("deny", ("The rule 'no orders' denies this: month end",))
    assert found.understood == "Reads OPS_DB.OPS.ORDERS; changes nothing."
    tried = await explained(at, statement=PENDING, policy="version = 1\n")
    assert (tried.outcome, tried.version_id) == ("allow", None)
    assert (await explained(at, statement="UPDATE ops.orders SET note = 'x'", policy="version = 1\n")).outcome == (
        "approval"
    )
    assert (await explained(at, statement="DROP DATABASE OPS_DB")).outcome == "deny"
    assert at.sent("") == []
    assert await at.every(Statement) == []


@pytest.mark.parametrize(
    ("scope", "ttl_s", "outcome"),
    [
        (Scope(("OPS_DB.OPS",)), 900, "allow"),
        (Scope(("OPS_DB.OPS",)), 901, "approval"),
        (Scope(("FINANCE_DB.HR",)), 60, "deny"),
        (Scope(("OPS_DB.OPS",), role="ACCOUNTADMIN"), 60, "deny"),
    ],
)
async def test_explain_answers_as_a_request_is_answered(at: Stage, scope: Scope, ttl_s: int, outcome: str) -> None:
    """What is said of a session request is what the request then meets."""
    await apply(at, 'name = "no hr"\noutcome = "deny"\neffects = ["session"]\nobjects = ["FINANCE_DB.HR"]')
    assert (await explained(at, scope=scope, ttl_s=ttl_s)).outcome == outcome
    asked = await at.call("skipass_request_session", {"scope": scope.as_dict(), "ttl_s": ttl_s, "reason": "test"})
    met = {Status.SUCCESS: "allow", Status.APPROVAL_REQUIRED: "approval", Status.DENIED: "deny"}[asked.status]
    assert met == outcome
