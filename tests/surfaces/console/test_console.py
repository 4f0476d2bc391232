"""The pages: people sign in by a one-time link, read the card, and decide once a sign-in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from skipass.gateway.policies import Policies
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.approval import Approval, Decision
from skipass.nouns.envelope import Envelope
from skipass.nouns.review import Review, ReviewState
from skipass.nouns.signin import SignIn
from surfaces.console.browser import UPDATE, House

pytestmark = pytest.mark.anyio


def approval(envelope: Envelope) -> str:
    return str(envelope.fields["approval"]["id"])


async def test_a_person_signs_in_by_a_link_reads_the_card_and_approves(house: House) -> None:
    """The link lands on the card, the button approves, the statement runs once, and the page says by whom."""
    held = await house.held()
    async with house.browser() as grace:
        card = await grace.sign_in(await house.link("grace"), approval(held))
        assert card.url.path == f"/console/approvals/{approval(held)}"
        assert "UPDATE OPS_DB.ops.orders SET note = 'seen' WHERE order_id = 1003" in card.text
        assert "reporting-agent" in card.text
        assert "sam" in card.text
        assert "1 row" in card.text
        assert "All of them show" in card.text
        after = await grace.decide(card, "approve", "as agreed")
    assert "Approved by grace" in after.text
    assert "as agreed" in after.text
    assert not after.has_form(after.url.path)
    assert (await house.stage.settled(held.fields["statementHandle"])).status.value == "success"
    assert len([c for c in house.stage.sent("note = 'seen'") if c["statement"].startswith("UPDATE")]) == 1


async def test_a_sign_in_decides_once(house: House) -> None:
    """The second card asks for a new sign-in, and its form, sent all the same, changes nothing."""
    first, second = await house.held(), await house.stage.query(UPDATE.replace("seen", "other"))
    async with house.browser() as grace:
        card = await grace.sign_in(await house.link("grace"), approval(first))
        other = await grace.get(f"/console/approvals/{approval(second)}")
        await grace.decide(card, "deny")
        assert not (await grace.get(other.url.path)).has_form(other.url.path)
        refused = await grace.decide(other, "approve")
        assert refused.status == 401
        assert "decided once already" in refused.text
    (waiting,) = await house.stage.every(Approval, id=approval(second))
    assert waiting.state.value == "waiting"


async def test_a_sign_in_older_than_five_minutes_decides_nothing(house: House) -> None:
    """It still shows the card, without buttons; the form from before is refused."""
    held = await house.held()
    async with house.browser() as grace:
        card = await grace.sign_in(await house.link("grace"), approval(held))

        async def age(unit: UnitOfWork) -> None:
            (sign_in,) = await unit.find(SignIn)
            await unit.change(sign_in, created_at=sign_in.created_at - timedelta(minutes=5, seconds=1))

        await house.stage.gateway.deps.journal.write(age)
        refused = await grace.decide(card, "approve")
        assert refused.status == 401
        assert "older than five minutes" in refused.text
        assert not refused.has_form(card.url.path)
    assert await house.stage.every(Decision) == []


async def test_a_link_signs_in_once_and_a_newer_one_voids_it(house: House) -> None:
    """A used link, an older link and nonsense are refused in the same words."""
    older, newer = await house.link("grace"), await house.link("grace")
    async with house.browser() as grace, house.browser() as thief:
        assert (await grace.sign_in(newer)).status == 200
        answers = [await thief.sign_in(link) for link in (older, newer, "nonsense")]
        assert {answer.status for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert not list(thief.http.cookie_jar)


async def test_without_a_sign_in_every_page_leads_to_the_sign_in(house: House) -> None:
    """Neither the list nor a card, existing or not, shows anything to a stranger."""
    held = await house.held()
    async with house.browser() as stranger:
        for path in ("/console", f"/console/approvals/{approval(held)}", f"/console/approvals/apr_{'0' * 26}"):
            page = await stranger.get(path)
            assert page.url.path == "/sign-in"
            assert "ops.orders" not in page.html
        bare = await stranger.post(f"/console/approvals/{approval(held)}", {"word": "approve"})
        assert bare.status == 401


async def test_a_form_counts_only_from_its_own_page(house: House) -> None:
    """Another origin, no origin, no token, another card's token, a field too many: refused, nothing decided."""
    held, other = await house.held(), await house.stage.query(UPDATE.replace("seen", "other"))
    async with house.browser() as grace:
        card = await grace.sign_in(await house.link("grace"), approval(held))
        form = {**card.form(card.url.path), "word": "approve"}
        strange = await grace.get(f"/console/approvals/{approval(other)}")
        attempts = [
            await grace.post(card.url.path, form, origin="http://127.0.0.1:1"),
            await grace.post(card.url.path, form, origin="null"),
            await grace.post(card.url.path, {**form, "form": ""}),
            await grace.post(card.url.path, {**form, "form": strange.form(strange.url.path)["form"]}),
            await grace.post(card.url.path, {**form, "more": "1"}),
            await grace.post(card.url.path, {**form, "word": "perhaps"}),
            await grace.post(card.url.path, {**form, "hash": ""}),
        ]
        assert [page.status for page in attempts] == [403, 403, 403, 403, 400, 400, 400]
        assert await house.stage.every(Decision) == []
        swapped = await grace.post(card.url.path, {**form, "hash": strange.form(strange.url.path)["hash"]})
        assert swapped.status == 409
        assert await house.stage.every(Decision) == []


async def test_who_is_involved_reads_why_and_finds_no_button(house: House) -> None:
    """The user acted for sees the card, and why they may not decide it."""
    held = await house.held()
    async with house.browser() as sam:
        card = await sam.sign_in(await house.link("sam"), approval(held))
        assert "You may not decide this: the person is neither approver nor admin" in card.text
        assert not card.has_form(card.url.path)


async def test_a_card_that_is_over_says_so_and_by_whom(house: House) -> None:
    """Who comes second reads who decided and why, and finds no button."""
    held = await house.held()
    await house.stage.decide(held, approve=False)
    async with house.browser() as ada:
        card = await ada.sign_in(await house.link("ada"), approval(held))
    assert "was denied" in card.text
    assert "Denied by grace" in card.text
    assert not card.has_form(card.url.path)


async def test_the_pages_let_nothing_in(house: House) -> None:
    """Strict policy, no framing, no caching; the cookie is for this origin and no script; no inline code anywhere."""
    held = await house.held("UPDATE ops.orders SET note = '<script>alert(1)</script>\u202e' WHERE order_id = 1003")
    async with house.browser() as grace:
        card = await grace.sign_in(await house.link("grace"), approval(held))
        (cookie,) = list(grace.http.cookie_jar)
    policy = card.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self'; connect-src 'self';" in policy
    assert card.headers["cache-control"] == "no-store"
    assert card.headers["x-frame-options"] == "DENY"
    assert re.findall("<script[^>]*>", card.html) == [
        f'<script src="/console/{name}.js" defer>' for name in ("times", "letters", "card")
    ]
    assert "style=" not in card.html
    assert "⟨U+202E⟩" in card.text
    assert "\u202e" not in card.html
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")


async def test_signing_out_ends_it(house: House) -> None:
    """After signing out the old cookie opens nothing, even if somebody kept it."""
    async with house.browser() as grace:
        listed = await grace.sign_in(await house.link("grace"))
        assert "Nothing" in listed.text
        (cookie,) = list(grace.http.cookie_jar)
        await grace.post("/console/sign-out", listed.form("/console/sign-out"))
        kept = await grace.get("/console", headers={"cookie": f"{cookie.key}={cookie.value}"})
        assert kept.url.path == "/sign-in"


async def test_other_paths_and_methods_are_no_pages(house: House) -> None:
    """They answer 404 as a page, and files outside the two that exist are not served."""
    async with house.browser() as stranger:
        for path in ("/console/nothing", "/sign-in/x", "/console/base.html", "/console/approvals/x"):
            page = await stranger.get(path)
            assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert (await stranger.get("/console/style.css")).status == 200
        assert (await stranger.get("/console/link.js")).status == 200


async def test_broken_glass_is_listed_until_somebody_closes_it(house: House) -> None:
    """An open review stands beside what waits; its page says what was opened, and a fresh sign-in closes it once."""
    review_id = await house.review("double billing <script>alert(1)</script>")
    async with house.browser() as grace:
        waiting = await grace.sign_in(await house.link("grace"))
        assert "not reviewed yet" in waiting.text
        page = await grace.get(f"/console/reviews/{review_id}")
        assert "nobody: a rule opened it at once" in page.text
        assert "<script>" not in page.html
        path = page.url.path
        silent = await grace.post(path, {**page.form(path), "comment": " "})
        assert silent.status == 400
        assert "closed with a comment" in silent.text
        closed = await grace.post(path, {**page.form(path), "comment": "looked & fine"})
        assert "Closed by grace" in closed.text
        assert "looked & fine" in closed.text
        assert not closed.has_form(path)
        assert "not reviewed yet" not in (await grace.get("/console")).text
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        again = await ada.post(path, {**page.form(path), "comment": "mine"})
        assert again.status == 403


async def test_who_had_a_part_finds_no_button_on_a_review(house: House) -> None:
    """The user acted for may sign in and look at nothing that is not theirs to close."""
    review_id = await house.review("urgent")
    async with house.browser() as sam:
        page = await sam.sign_in(await house.link("sam"), to=review_id)
        assert page.status == 403
        assert "not reviewed yet" not in (await sam.get("/console")).text


async def test_a_review_is_read_after_sign_in_and_closed_by_a_fresh_one(house: House) -> None:
    """Without a sign-in the page leads to one and back; a sign-in that has decided closes nothing more."""
    first, second = await house.review("one"), await house.review("two")
    async with house.browser() as grace:
        entrance = await grace.get(f"/console/reviews/{first}")
        assert entrance.url.path == "/sign-in"
        page = await grace.sign_in(await house.link("grace"), to=first)
        assert page.url.path == f"/console/reviews/{first}"
        await grace.post(page.url.path, {**page.form(page.url.path), "comment": "fine"})
        other = await grace.get(f"/console/reviews/{second}")
        assert not other.has_form(other.url.path)
        assert "takes a fresh sign-in" in other.text
    assert (await house.stage.every(Review, id=second))[0].state is ReviewState.OPEN


async def test_people_who_look_after_things_read_the_policy_and_change_nothing(house: House) -> None:
    """The text in force is shown as it was applied, with who did it and without a form; nobody else sees it."""
    async with house.browser() as grace:
        waiting = await grace.sign_in(await house.link("grace"))
        assert 'href="/console/policy"' in waiting.html
        assert "There is none" in (await grace.get("/console/policy")).text
        await house.apply("version = 1\n# <b>keep\u202e</b>\n")
        page = await grace.get("/console/policy")
        assert "Version 1" in page.text
        assert "Applied by ada" in page.text
        assert "# <b>keep⟨U+202E⟩</b>" in page.text
        assert not page.has_form("/console/policy")
        assert (await grace.post("/console/policy", {"policy": ""})).status == 400
    async with house.browser() as sam:
        assert (await sam.get("/console/policy")).url.path == "/sign-in"
        own = await sam.sign_in(await house.link("sam"))
        assert "/console/policy" not in own.html
        assert (await sam.get("/console/policy")).status == 403


async def test_a_policy_file_is_shown_as_one(house: House) -> None:
    """Where the deployment's file is the policy, the page says that it changes there."""
    text = 'version = 1\n[[rule]]\nname = "no payroll"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\n'
    await Policies(replace(house.stage.gateway.deps, policy_file=text)).adopt_file()
    async with house.browser() as grace:
        await grace.sign_in(await house.link("grace"))
        page = await grace.get("/console/policy")
    assert "It is a file of this deployment" in page.text
    assert "no payroll" in page.text
