"""Breaking the glass: a rule opens a short session at once, everybody is told, and somebody else reviews it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.listeners import Listener, listening
from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.deps import Channel
from skipass.gateway.egress import Egress
from skipass.gateway.explaining import Question
from skipass.gateway.notices import Notices
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.webhooks import Webhook
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.groups import MemberKind
from skipass.nouns.notice import Notice, NoticeState
from skipass.nouns.people import User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.review import Review, ReviewState
from skipass.nouns.scope import Access, Scope
from skipass.nouns.session import AccessSession
from skipass.secret import Secret

pytestmark = pytest.mark.anyio
ASK = '[[rule]]\nname = "writes"\noutcome = "approval"\neffects = ["session"]\naccess = "write"\nquorum = 2\n'
GLASS = """[[rule]]
name = "emergency"
outcome = "allow"
effects = ["session"]
groups = ["group:oncall"]
objects = ["OPS_DB.OPS"]
access = "write"
break_glass = true
"""
WISH = {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}, "ttl_s": 600, "reason": "double billing, ticket 4711"}


@pytest.fixture
async def there(at: Stage) -> AsyncIterator[Listener]:
    """A place that is told, and a policy with a glass for the group `oncall`, which the user acted for is in."""
    async with listening() as listener:
        await channels(at, {"webhook": hook(at, listener)})
        await apply(at, ASK + GLASS)
        await put(at, "sam")
        yield listener


async def channels(at: Stage, named: Mapping[str, Channel]) -> Notices:
    notices = Notices(replace(at.gateway.deps, channels=named))
    await at.gateway.notices.stop()
    await notices.start()
    await notices.stop()
    return notices


def hook(at: Stage, there: Listener) -> Webhook:
    return Webhook(Secret(f"{there.url}/in"), Secret("k" * 32), Egress(sandbox=True), at.gateway.deps.clock)


async def apply(at: Stage, rules: str) -> None:
    await at.gateway.policies.apply(await at.principal("admin"), f"version = 1\n{rules}")


async def put(at: Stage, member: str, kind: MemberKind = MemberKind.USER) -> None:
    await at.gateway.groups.add(await at.principal("admin"), "oncall", kind=kind, member=member)


async def broken(at: Stage, **changes: Any) -> Envelope:
    return await at.call("skipass_request_session", {**WISH, "break_glass": True, **changes})


async def person(at: Stage, name: str, *roles: Role) -> Principal:
    """Return a new person who signed in by a link."""
    admin = await at.principal("admin")
    if roles:
        await at.gateway.people.create(admin, name, list(roles))
    _, token = await at.gateway.people.link(admin, name)
    return await at.gateway.sign_ins.principal((await at.gateway.sign_ins.open(token.reveal())).reveal())


async def test_it_opens_at_once_and_everybody_is_told(at: Stage, there: Listener) -> None:
    """What would wait for two people opens without waiting; the notice says who, what, how long, and whom it is for."""
    assert (await at.call("skipass_request_session", WISH)).status is Status.APPROVAL_REQUIRED
    opened = await broken(at)
    assert opened.status is Status.SUCCESS
    assert (await at.query("UPDATE ops.orders SET note = 'stopped' WHERE order_id = 1003")).status is Status.SUCCESS
    (review,) = await at.every(Review)
    assert (review.state, review.session_id, review.deciders) == (ReviewState.OPEN, opened.session_id, ())
    notices = await channels(at, {"webhook": hook(at, there)})
    while await notices.round():
        pass
    told = [json.loads(body) for _, body in there.got]
    (said,) = [one for one in told if one["kind"] == "review.open"]
    assert said["review"] == {"id": review.id, "url": f"{at.gateway.deps.base_url}/console/reviews/{review.id}"}
    assert (said["agent"], said["for"], said["objects"]) == ("reporting-agent", "sam", ["OPS_DB.OPS"])
    assert said["people"] == ["ada", "grace"]
    assert said["seconds_left"] > 500
    assert "UPDATE" not in json.dumps(told)
    assert [one.session_id for one in await at.recorded("review.open")] == [opened.session_id]


@pytest.mark.parametrize(
    "changes",
    [
        {"ttl_s": 901},
        {"scope": {"schemas": ["OPS_DB.CRM"], "access": "write"}},
        {"scope": {"schemas": ["OPS_DB.OPS", "OPS_DB.CRM"], "access": "write"}},
        {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write", "metadata": "account"}},
    ],
)
async def test_beyond_the_rule_it_is_refused_and_asks_nobody(
    at: Stage, there: Listener, changes: dict[str, Any]
) -> None:
    """Longer than fifteen minutes or wider than the rule is a refusal, not an ordinary request."""
    refused = await broken(at, **changes)
    assert (refused.status, refused.fields["code"]) == (Status.DENIED, "denied_by_policy")
    assert await at.every(AccessSession) == []
    assert await at.every(Review) == []


async def test_outside_the_group_nobody_breaks_it(at: Stage, there: Listener) -> None:
    """Neither the user nor the agent in the group: refused; the agent in the group: opened."""
    admin = await at.principal("admin")
    await at.gateway.groups.remove(admin, "oncall", kind=MemberKind.USER, member="sam")
    assert (await broken(at)).fields["code"] == "denied_by_policy"
    await put(at, "reporting-agent", MemberKind.AGENT)
    assert (await broken(at)).status is Status.SUCCESS


async def test_a_deny_holds_against_it(at: Stage, there: Listener) -> None:
    """What a rule denies stays denied in an emergency."""
    never = '[[rule]]\nname = "never"\noutcome = "deny"\neffects = ["session"]\nobjects = ["OPS_DB.OPS"]\n'
    await apply(at, ASK + GLASS + never)
    refused = await broken(at)
    assert "never" in refused.fields["message"]
    assert await at.every(Review) == []


async def test_without_a_rule_there_is_no_glass(at: Stage) -> None:
    """With no policy an emergency is refused, whatever would have opened or waited."""
    refused = await broken(at, scope={"schemas": ["OPS_DB.OPS"]})
    assert refused.fields["code"] == "denied_by_policy"


async def test_an_ordinary_request_never_breaks_it(at: Stage, there: Listener) -> None:
    """The rule is heard only by a request that says so."""
    asked = await at.call("skipass_request_session", WISH)
    assert asked.status is Status.APPROVAL_REQUIRED
    assert asked.fields["approval"]["quorum"] == 2
    assert await at.every(Review) == []


async def test_where_nobody_can_be_told_it_stays_whole(at: Stage, there: Listener) -> None:
    """Without a channel an emergency is refused: it would be a quiet way in."""
    await channels(at, {})
    refused = await broken(at)
    assert refused.fields["code"] == "denied_by_policy"
    assert "channel" in refused.fields["message"]
    assert await at.every(AccessSession) == []


async def test_where_nobody_could_review_it_stays_whole(at: Stage, there: Listener) -> None:
    """With nobody left who had no part in it, it is refused at once."""
    admin = await at.principal("admin")
    for name in ("grace",):
        await at.gateway.people.disable(admin, name)
    (ada,) = await at.every(User, name="ada")

    async def take(unit: UnitOfWork) -> None:
        await unit.change(ada, roles=(Role.AUDITOR,))

    await at.gateway.deps.journal.write(take)
    assert (await broken(at)).fields["code"] == "no_approver"


async def test_one_of_a_group_may_be_asked_first(at: Stage, there: Listener) -> None:
    """With an approval for outcome one person of the group decides, and does not review it afterwards."""
    asking = GLASS.replace('"allow"', '"approval"') + 'deciders = ["group:leads"]\n'
    await apply(at, ASK + asking)
    await at.gateway.groups.add(await at.principal("admin"), "leads", kind=MemberKind.USER, member="grace")
    waiting = await broken(at)
    assert (waiting.status, waiting.fields["approval"]["quorum"]) == (Status.APPROVAL_REQUIRED, 1)
    assert await at.every(Review) == []
    await at.decide(waiting)
    (review,) = await at.every(Review)
    (grace,) = await at.every(User, name="grace")
    assert review.deciders == (grace.id,)
    with pytest.raises(SkipassError) as decider:
        await at.gateway.reviews.close(await person(at, "grace"), review.id, comment="looked")
    assert decider.value.code == "not_eligible"
    closed = await at.gateway.reviews.close(await person(at, "ada"), review.id, comment="looked")
    assert closed.state is ReviewState.CLOSED


async def test_who_had_a_part_does_not_close_it(at: Stage, there: Listener) -> None:
    """Not the user acted for, whatever their roles; not a member; not without a fresh sign-in, a comment, or twice."""
    await broken(at)
    (review,) = await at.every(Review)
    (sam,) = await at.every(User, name="sam")

    async def promote(unit: UnitOfWork) -> None:
        await unit.change(sam, roles=(Role.ADMIN,))

    await at.gateway.deps.journal.write(promote)
    close = at.gateway.reviews.close
    grace = await person(at, "grace")
    for who, comment, code in (
        (await person(at, "sam"), "fine", "not_eligible"),
        (await person(at, "mel", Role.MEMBER), "fine", "forbidden"),
        (await person(at, "aud", Role.AUDITOR), "fine", "not_eligible"),
        (replace(grace, sign_in_id=None), "fine", "sign_in_required"),
        (grace, "   ", "invalid_request"),
    ):
        with pytest.raises(SkipassError) as refused:
            await close(who, review.id, comment=comment)
        assert refused.value.code == code
    assert (await at.every(Review)) == [review]
    await close(grace, review.id, comment="needed, and ended in time")
    with pytest.raises(SkipassError) as again:
        await close(await person(at, "ada"), review.id, comment="too")
    assert again.value.code == "conflict"
    (said,) = [one.content() for one in await at.recorded("review.closed")]
    assert (said["by"], said["comment"]) == (grace.user_id, "needed, and ended in time")


async def test_a_review_of_another_tenant_is_not_there(at: Stage, there: Listener) -> None:
    """A review is found by people of its own tenant alone, and by no agent."""
    await broken(at)
    (review,) = await at.every(Review)
    stranger = replace(await at.principal("admin"), tenant_id="tnt_other")
    for act in (
        at.gateway.reviews.show(stranger, review.id),
        at.gateway.reviews.close(stranger, review.id, comment="x"),
    ):
        with pytest.raises(SkipassError) as refused:
            await act
        assert refused.value.code == "not_found"
    with pytest.raises(SkipassError) as agent:
        await at.gateway.reviews.show(await at.principal("agent"), review.id)
    assert agent.value.code == "forbidden"


async def test_explain_says_what_an_emergency_would_meet(at: Stage, there: Listener) -> None:
    """Asked as an emergency the rule opens it, asked as an ordinary request two people are asked."""
    admin, scope = await at.principal("admin"), Scope(("OPS_DB.OPS",), access=Access.WRITE)
    question = Question("jit", "reporting-agent", "sam", scope=scope, ttl_s=600)
    assert (await at.gateway.explaining.explain(admin, question)).outcome.value == "approval"
    told = await at.gateway.explaining.explain(admin, replace(question, break_glass=True))
    assert (told.outcome.value, "emergency" in told.found.rules) == ("allow", True)


async def test_the_alarm_is_told_after_the_session_has_ended_too(at: Stage, there: Listener) -> None:
    """A notice of a broken glass is not dropped because the session is over already."""
    opened = await broken(at)
    await at.call("skipass_close_session", {"session_id": opened.session_id})
    notices = await channels(at, {"webhook": hook(at, there)})
    while await notices.round():
        pass
    (notice,) = await at.every(Notice, state=NoticeState.SENT)
    assert notice.review_id is not None


async def test_whoever_does_not_review_is_reminded_daily(at: Stage, there: Listener) -> None:
    """A day after each notice of a broken glass comes the next, until somebody has closed the review."""
    await broken(at)
    (review,) = await at.every(Review)
    notices = await channels(at, {"webhook": hook(at, there)})
    for told in (1, 2):
        while await notices.round():
            pass
        assert len(there.got) == told
        (next_one,) = await at.every(Notice, state=NoticeState.PENDING)
        assert next_one.next_at - next_one.created_at == timedelta(hours=24)
        await due(at, next_one)
    await at.gateway.reviews.close(await person(at, "grace"), review.id, comment="looked")
    while await notices.round():
        pass
    assert len(there.got) == 2
    assert await at.every(Notice, state=NoticeState.PENDING) == []


async def due(at: Stage, notice: Notice) -> None:
    """Let the time of a notice come."""

    async def come(unit: UnitOfWork) -> None:
        await unit.change(notice, next_at=unit.now)

    await at.gateway.deps.journal.write(come)
