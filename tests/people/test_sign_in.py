"""People sign in with the company's identity provider: who is let in, as what, and what a decision takes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from people.walk import CALLBACK, DANA, ERIK, START, Town
from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection
from skipass.nouns.groups import Membership
from skipass.nouns.people import User
from skipass.nouns.principal import Role
from skipass.nouns.signin import IdentityChange, SignIn
from surfaces.console.browser import UPDATE

pytestmark = pytest.mark.anyio


async def approval(town: Town) -> str:
    return str((await town.held()).fields["approval"]["id"])


async def two_approvals(town: Town) -> tuple[str, str]:
    first = await approval(town)
    return first, str((await town.stage.query(UPDATE.replace("seen", "other"))).fields["approval"]["id"])


async def test_somebody_new_is_let_in_by_a_group(town: Town) -> None:
    """The first sign-in makes the person, with the roles and groups of the provider, and lands on the console."""
    async with town.browser() as dana:
        entrance = await dana.get("/sign-in")
        assert START in entrance.html
        assert not entrance.has_form("/sign-in")
        page = await town.enter(dana)
        assert page.url.path == "/console"
        assert DANA in page.text
    person = await town.person(DANA)
    assert set(person.roles) == {Role.APPROVER, Role.MEMBER}
    assert person.subject is not None
    assert person.subject.startswith(town.stage.sandbox.said["idp"]["issuer"] + "|")
    assert person.claims == {"email": DANA}
    assert {one.name for one in await town.stage.every(Membership, member_id=person.id)} == {
        "operations",
        "data-approvers",
    }
    assert len(await town.stage.recorded("sign_in.opened")) == 1


async def test_the_request_to_the_provider_is_bound(town: Town) -> None:
    """Each start has a state, nonce and S256 challenge of its own; a card asks for the password again."""
    async with town.browser() as dana:
        plain = parse_qs(urlsplit(await town.leave(dana)).query)
        again = parse_qs(urlsplit(await town.leave(dana, await approval(town))).query)
    assert plain["code_challenge_method"] == ["S256"]
    assert "prompt" not in plain
    assert (again["prompt"], again["max_age"]) == (["login"], ["0"])
    for name in ("state", "nonce", "code_challenge"):
        assert plain[name] != again[name]


async def test_somebody_whom_an_admin_made_is_bound_by_name(town: Town) -> None:
    """The name waits for its person once: from then on the subject counts, and another one does not take it over."""
    admin = await town.stage.principal("admin")
    made = await town.gateway.people.create(admin, DANA, [Role.AUDITOR])
    async with town.browser() as dana:
        await town.enter(dana)
    person = await town.person(DANA)
    assert person.id == made.id
    assert set(person.roles) == {Role.APPROVER, Role.MEMBER}
    assert len(await town.stage.recorded("user.bound")) == 1

    async def other(unit: UnitOfWork) -> None:
        await unit.change(await unit.get(User, made.id), subject="https://elsewhere.example.com|1")

    await town.gateway.deps.journal.write(other)
    async with town.browser() as dana:
        refused = await town.enter(dana)
    assert refused.status == 403
    assert f"Somebody else is known here as {DANA}" in refused.text


async def test_what_the_provider_says_is_nobodys_act(town: Town) -> None:
    """Roles that a sign-in changes are on record under no colleague, and whoever made the person still has."""
    admin = await town.stage.principal("admin")
    made = await town.gateway.people.create(admin, DANA, [Role.AUDITOR])
    async with town.browser() as dana:
        await town.enter(dana)
    person = await town.person(DANA)
    assert (person.changed_by, person.changed_at) == (made.changed_by, made.changed_at)
    by = {one.what: one.by for one in await town.stage.every(IdentityChange, user_id=made.id)}
    assert by.pop("created") == admin.user_id
    assert set(by.values()) == {"identity provider"}


async def test_roles_follow_the_groups_at_each_sign_in(town: Town) -> None:
    """A group that is gone takes its role along; without any there is no sign-in, and a token of before has no role."""
    async with town.browser() as dana:
        await town.enter(dana)
        town.groups(DANA, "operations")
        await town.enter(dana)
        assert (await town.person(DANA)).roles == (Role.MEMBER,)
        town.groups(DANA)
        refused = await town.enter(dana)
    assert refused.status == 403
    assert "have no role here" in refused.text
    assert (await town.person(DANA)).roles == ()
    (told,) = await town.stage.recorded("sign_in.refused")
    assert orjson.loads(told.body)["code"] == "forbidden"


async def test_somebody_in_no_mapped_group_is_not_made(town: Town) -> None:
    """The page says what is missing, and nobody new is there."""
    town.groups(ERIK, "others")
    async with town.browser() as erik:
        refused = await town.enter(erik, ERIK)
    assert refused.status == 403
    assert "groups that have a role here" in refused.text
    assert await town.stage.every(User, name=ERIK) == []


async def test_a_disabled_person_does_not_come_in(town: Town) -> None:
    """Disabled here is disabled, whatever the provider says."""
    async with town.browser() as dana:
        await town.enter(dana)
        await town.gateway.people.disable(await town.stage.principal("admin"), DANA)
        refused = await town.enter(dana)
        assert refused.status == 403
        assert "disabled here" in refused.text
        assert (await dana.get("/console")).url.path == "/sign-in"


async def test_a_decision_takes_a_fresh_sign_in_each_time(town: Town) -> None:
    """Who is signed in reads the card; the buttons come with a new password, good for one decision."""
    first, second = await two_approvals(town)
    async with town.browser() as dana:
        await town.enter(dana)
        card = await dana.get(f"/console/approvals/{first}")
        assert not card.has_form(card.url.path)
        assert "Sign in again with" in card.text
        assert START in card.html
        card = await town.enter(dana, to=first)
        assert card.url.path == f"/console/approvals/{first}"
        after = await dana.decide(card, "approve", "as agreed")
        assert f"Approved by {DANA}" in after.text
        stale = await dana.get(f"/console/approvals/{second}")
        assert not stale.has_form(stale.url.path)
    (decided,) = await town.stage.every(Approval, id=first)
    assert decided.state is ApprovalState.APPROVED


async def test_one_proof_is_good_for_one_decision(town: Town) -> None:
    """A provider that answers for the same moment again opens a sign-in that looks and does not decide."""
    first, second = await two_approvals(town)
    async with town.browser() as dana:
        card = await town.enter(dana, to=first)
        await dana.decide(card, "deny")
        await town.enter(dana, to=second)
        (used,) = [one for one in await town.stage.every(SignIn) if one.decided_at is not None]

        async def same_moment(unit: UnitOfWork) -> None:
            for one in await unit.find(SignIn, user_id=used.user_id, decided_at=None):
                await unit.change(one, proved_at=used.proved_at)

        await town.gateway.deps.journal.write(same_moment)
        again = await dana.get(f"/console/approvals/{second}")
        assert not again.has_form(again.url.path)
        principal = await town.gateway.sign_ins.principal(await town.cookie(dana))
        with pytest.raises(SkipassError) as refused:
            await town.gateway.approvals.decide(principal, second, approve=True, reason="")
    assert refused.value.code == "sign_in_required"
    (waiting,) = await town.stage.every(Approval, id=second)
    assert waiting.state is ApprovalState.WAITING


async def test_a_fresh_sign_in_is_stale_after_five_minutes(town: Town) -> None:
    """The form of a card that was left open decides nothing."""
    held = await approval(town)
    async with town.browser() as dana:
        card = await town.enter(dana, to=held)

        async def back(unit: UnitOfWork) -> None:
            for one in await unit.find(SignIn):
                await unit.change(one, proved_at=one.proved_at - timedelta(minutes=6))

        await town.gateway.deps.journal.write(back)
        assert (await dana.decide(card, "approve")).status == 401


async def test_links_stop(town: Town) -> None:
    """No link is made and none is taken, on the page, by REST or from before; the error says how to sign in."""
    admin = await town.stage.principal("admin")
    with pytest.raises(SkipassError) as stopped:
        await town.gateway.people.link(admin, "grace")
    assert stopped.value.code == "links_stopped"
    assert "/sign-in" in stopped.value.hint
    with pytest.raises(SkipassError) as used:
        await town.gateway.people.sign_in("whatever")
    assert used.value.code == "links_stopped"
    async with town.browser() as grace:
        page = await grace.post("/sign-in", {"link": "whatever", "to": ""})
    assert page.status == 403
    assert "One-time links stopped" in page.text


async def test_claims_that_a_connection_names_are_kept(town: Town) -> None:
    """The login of an issuer connection comes from a verified claim, kept when its person signs in."""

    async def name(unit: UnitOfWork) -> None:
        (one,) = await unit.find(Connection, name="jit")
        await unit.change(one, settings={"login_claim": "preferred_username"})

    await town.gateway.deps.journal.write(name)
    async with town.browser() as dana:
        await town.enter(dana)
    assert (await town.person(DANA)).claims == {"email": DANA, "preferred_username": DANA}


# What an attacker has a browser bring.


async def test_an_answer_of_another_browser_is_refused(town: Town) -> None:
    """Login CSRF: the attacker's own code and state sign nobody else in."""
    async with town.browser() as attacker, town.browser() as victim:
        theirs = await town.prove(attacker, await town.leave(attacker))
        page = await town.land(victim, theirs)
        assert page.status == 502
        assert "not of a sign-in that began in this browser" in page.text
        await town.leave(victim)
        assert (await town.land(victim, theirs)).status == 502
        assert (await victim.get("/console")).url.path == "/sign-in"
    assert await town.stage.every(SignIn) == []


async def test_a_code_of_another_sign_in_is_refused(town: Town) -> None:
    """Code injection: a stolen code in one's own answer fails at its PKCE verifier."""
    async with town.browser() as attacker, town.browser() as victim:
        stolen = parse_qs(urlsplit(await town.prove(victim, await town.leave(victim))).query)["code"][0]
        mine = await town.prove(attacker, await town.leave(attacker), ERIK)
        code = parse_qs(urlsplit(mine).query)["code"][0]
        assert (await town.land(attacker, mine.replace(code, stolen))).status == 502
    assert await town.stage.every(SignIn) == []


async def test_an_answer_is_good_once(town: Town) -> None:
    """A replayed answer is refused even where the browser still had its cookie."""
    async with town.browser() as dana:
        address = await town.leave(dana)
        kept = {one.key: one.value for one in dana.http.cookie_jar}
        back = await town.prove(dana, address)
        await town.land(dana, back)
        dana.http.cookie_jar.update_cookies(kept)
        page = await town.land(dana, back)
        assert page.status == 502
        assert "has been used already" in page.text
    assert len(await town.stage.every(SignIn)) == 1


async def test_where_to_go_on_cannot_be_exchanged(town: Town) -> None:
    """What the state carries is bound to it, and nothing but our own pages is carried at all."""
    async with town.browser() as dana:
        back = await town.prove(dana, await town.leave(dana, "https://evil.example.com/"))
        state = parse_qs(urlsplit(back).query)["state"][0]
        assert state.endswith(".")
        assert (await town.land(dana, back.replace(state, f"{state}aHR0cHM6Ly9ldmls"))).status == 502


async def test_the_answer_of_another_issuer_is_refused(town: Town) -> None:
    """Mix-up: an `iss` that is not the provider's ends it before the code leaves."""
    async with town.browser() as dana:
        back = await town.prove(dana, await town.leave(dana))
        page = await town.land(dana, f"{back}&iss=https%3A%2F%2Fother.example.com")
        assert "of another issuer" in page.text
        assert page.status == 502


async def test_what_the_provider_refuses_is_said(town: Town) -> None:
    """An error comes back as words, escaped, and signs nobody in."""
    async with town.browser() as dana:
        state = parse_qs(urlsplit(await town.leave(dana)).query)["state"][0]
        page = await dana.get(f"{CALLBACK}?error=access_denied&error_description=%3Cb%3Eno%3C%2Fb%3E&state={state}")
    assert page.status == 502
    assert "<b>no" not in page.html
    assert "<b>no</b>" in page.text


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?code=a&code=b&state=c", "?state=%ff&code=a", "?code=a", "?" + "a=b&" * 30]
)
async def test_an_answer_that_cannot_be_read_is_refused(town: Town, query: str) -> None:
    """Whatever comes in, the page is a refusal and not a failure."""
    async with town.browser() as dana:
        assert (await dana.get(f"{CALLBACK}{query}")).status in (400, 502)


async def test_a_sign_in_takes_ten_minutes_at_most(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that comes later is refused before the code leaves."""
    async with town.browser() as dana:
        back = await town.prove(dana, await town.leave(dana))
        journal = town.gateway.deps.journal
        later = journal.now() + timedelta(minutes=11)
        with monkeypatch.context() as patched:
            patched.setattr(type(town.gateway.entering._deps.journal), "now", lambda _: later)
            assert "longer than ten minutes" in (await town.land(dana, back)).text
