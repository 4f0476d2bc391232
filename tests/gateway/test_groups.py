"""Groups in front of a real account: rules match them, they decide, and who is in one counts from the next call on."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clocked import clocked
from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.groups import set_groups
from skipass.gateway.holding import why_not
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.nouns.approval import Approval, ApprovalState, Subject
from skipass.nouns.envelope import Status
from skipass.nouns.groups import MemberKind, Membership
from skipass.nouns.people import User
from skipass.nouns.principal import Role
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
DENY = 'version = 1\n[[rule]]\nname = "not these"\noutcome = "deny"\neffects = ["read"]\ngroups = ["group:outside"]\n'
ASK = (
    'version = 1\n[[rule]]\nname = "ask"\noutcome = "approval"\neffects = ["read"]\ndeciders = ["group:data owners"]\n'
)


async def apply(at: Stage, text: str) -> None:
    await at.gateway.policies.apply(await at.principal("admin"), text)


async def put(at: Stage, group: str, member: str, kind: MemberKind = MemberKind.USER) -> None:
    await at.gateway.groups.add(await at.principal("admin"), group, kind=kind, member=member)


async def take(at: Stage, group: str, member: str, kind: MemberKind = MemberKind.USER) -> None:
    await at.gateway.groups.remove(await at.principal("admin"), group, kind=kind, member=member)


async def signed_in(at: Stage, name: str, *groups: str) -> frozenset[str]:
    """Let a sign-in bring these groups."""

    async def bring(unit: UnitOfWork) -> frozenset[str]:
        (user,) = await unit.find(User, name=name)
        return await set_groups(unit, user, groups, "idp:company")

    return await at.gateway.deps.journal.write(bring)


@pytest.mark.parametrize(("kind", "member"), [(MemberKind.USER, "sam"), (MemberKind.AGENT, "reporting-agent")])
async def test_a_rule_for_a_group_is_heard_while_somebody_is_in_it(at: Stage, kind: MemberKind, member: str) -> None:
    """The user acted for or the agent: in the group the rule denies in the open session, before and after it does not.

    A version that no longer holds makes the very next call be judged afresh.
    """
    await apply(at, DENY)
    await at.session()
    assert (await at.query(PENDING)).status is Status.SUCCESS
    await put(at, "outside", member, kind)
    assert (await at.query(PENDING)).fields["code"] == "denied_by_policy"
    await take(at, "outside", member, kind)
    assert (await at.query(PENDING)).status is Status.SUCCESS


async def test_only_the_named_group_decides(at: Stage) -> None:
    """An approver outside the group may not decide, the same approver inside it may."""
    await apply(at, ASK)
    await at.session()
    refused = await at.query(PENDING)
    assert (refused.status, refused.fields["code"]) == (Status.DENIED, "no_approver")
    await put(at, "data owners", "grace")
    held = await at.query(PENDING)
    await take(at, "data owners", "grace")
    with pytest.raises(SkipassError) as outside:
        await at.decide(held)
    assert outside.value.code == "not_eligible"
    await put(at, "data owners", "grace")
    await at.decide(held)
    assert (await at.settled(held.fields["statementHandle"])).status is Status.SUCCESS


async def test_a_requester_cannot_make_a_decider(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Whoever puts a person into a group has touched that person, and for thirty days gets no decision of theirs."""
    async with clocked(sandbox, tmp_path / "home") as now:
        at = now.at
        admin = await at.principal("admin")
        lin = await at.gateway.people.create(admin, "lin", [Role.APPROVER])
        now.step(31 * 86_400)
        await put(at, "other", "lin")
        now.step(31 * 86_400)
        assert await barred(at, lin, requester=admin.user_id) is None
        await put(at, "data owners", "lin")
        why = await barred(at, lin, requester=admin.user_id)
        assert why is not None
        assert "identity" in why
        now.step(31 * 86_400)
        assert await barred(at, lin, requester=admin.user_id) is None


async def barred(at: Stage, person: User, requester: str | None) -> str | None:
    """Return why a person may not decide on somebody's request."""
    await at.gateway.deps.journal.write(_nothing)

    async def ask(reader: Reader) -> str | None:
        asked = Approval(
            id="apr_x",
            tenant_id=person.tenant_id,
            subject=Subject.SESSION,
            subject_id="ses_x",
            session_id="ses_x",
            intent_hash="",
            state=ApprovalState.WAITING,
            requester_id=requester or "",
            owner_id=None,
            agent_id=None,
            created_at=reader.now,
            expires_at=reader.now,
        )
        return await why_not(reader, person, asked)

    return await at.gateway.deps.journal.read(ask)


async def _nothing(unit: UnitOfWork) -> None:
    """Let the journal take note of the time."""


async def test_a_sign_in_brings_exactly_its_groups(at: Stage) -> None:
    """Groups of the identity provider come and go with it, beside those that an admin gave and only an admin takes."""
    await put(at, "oncall", "sam")
    assert await signed_in(at, "sam", "oncall", "staff", "", " odd ") == {"oncall", "staff"}
    assert await signed_in(at, "sam", "staff", "eu") == {"staff", "eu"}
    held = await at.every(Membership, removed_at=None)
    assert sorted((one.name, one.source.value) for one in held) == [
        ("eu", "sign_in"),
        ("oncall", "admin"),
        ("staff", "sign_in"),
    ]
    with pytest.raises(SkipassError) as theirs:
        await take(at, "eu", "sam")
    assert theirs.value.code == "conflict"


async def test_the_same_sign_in_again_changes_nothing(at: Stage) -> None:
    """Groups that stay the same write nothing and leave what was decided in force."""
    await signed_in(at, "sam", "staff")
    before = await at.recorded("group.added")
    (user,) = await at.every(User, name="sam")
    await signed_in(at, "sam", "staff")
    assert len(before) == 1
    assert await at.recorded("group.added") == before
    assert await at.every(User, name="sam") == [user]


async def test_half_a_list_of_groups_is_refused(at: Stage) -> None:
    """A sign-in with more groups than are kept brings none of them."""
    with pytest.raises(SkipassError):
        await signed_in(at, "sam", *(f"g{number}" for number in range(501)))
    assert await at.every(Membership) == []


async def test_a_policy_that_names_an_empty_group_is_warned_of(at: Stage) -> None:
    """A group nobody is in is no fault, since a sign-in may bring it, and is said."""
    checked = await at.gateway.policies.check(await at.principal("admin"), DENY)
    assert checked.faults == ()
    assert checked.warnings == ("rule 'not these': nobody is in the group 'outside'",)
    await put(at, "outside", "sam")
    assert (await at.gateway.policies.check(await at.principal("admin"), DENY)).warnings == ()
