"""The pages in a real browser: readable on a telephone, light and dark, by keyboard alone, deaf to stored script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from browser.chrome import Chrome, Seen
from skipass.gateway.execute import Target
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope
from skipass.tools.call import CallContext
from surfaces.console.browser import UPDATE, House

pytestmark = pytest.mark.anyio
TELEPHONE = 360
ENOUGH = 4.5
"""The contrast of readable text. Source: WCAG 2.2, success criterion 1.4.3."""
SCRIPT = "<script>window.ran=1</script><img src=x onerror=window.ran=1>"
HIDDEN = "\u202e\u200b"


def approval(envelope: Envelope) -> str:
    return str(envelope.fields["approval"]["id"])


async def signed_in(house: House, seen: Seen, name: str, to: str = "") -> None:
    """Open a one-time link in the window, as it was handed over, and send the form it has filled in."""
    link = (await house.link(name)).replace("/sign-in#", f"/sign-in?to={to}#")
    await seen.page.goto(link)
    await seen.page.locator("#link").press("Enter")
    await seen.page.wait_for_url("**/console**")


async def test_a_link_is_opened_and_a_card_decided_by_keyboard_alone(house: House, chrome: Chrome) -> None:
    """The link's secret leaves the address bar, Enter signs in, Tab reaches reason and button, Enter decides."""
    held = await house.held()
    async with chrome.window() as seen:
        link = (await house.link("grace")).replace("/sign-in#", f"/sign-in?to={approval(held)}#")
        await seen.page.goto(link)
        assert "#" not in seen.page.url
        assert await seen.focused() == "link"
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url(f"**/console/approvals/{approval(held)}")
        await seen.tab_to("reason")
        await seen.page.keyboard.type("as agreed")
        await seen.tab_to("approve")
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_text("Approved by grace").wait_for()
        assert await seen.page.get_by_role("button", name="Approve").count() == 0
    assert (await house.stage.settled(held.fields["statementHandle"])).status.value == "success"


async def test_without_scripts_a_person_pastes_the_link(house: House, chrome: Chrome) -> None:
    """The pages need no script: the pasted link signs in, and the button denies."""
    held = await house.held()
    async with chrome.window(scripts=False) as seen:
        await seen.page.goto(f"{house.url}/console/approvals/{approval(held)}")
        await seen.page.get_by_label("Your one-time link").fill(await house.link("grace"))
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.get_by_role("button", name="Deny").click()
        await seen.page.get_by_text("Denied by grace").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_card_is_readable_on_a_telephone(
    house: House, chrome: Chrome, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    """At 360 pixels nothing is cut off sideways, hidden characters are spelled out, and every text is clear."""
    endless = f"UPDATE ops.orders SET note = '{'x' * 3000}{HIDDEN}' WHERE order_id = 1003"
    held = await house.held(endless)
    await house.apply(f"version = 1\n# {'z' * 500}\n")
    async with chrome.window(width=TELEPHONE, scheme=scheme) as seen:
        await seen.page.goto(f"{house.url}/sign-in")
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await signed_in(house, seen, "grace", approval(held))
        await seen.page.screenshot(path=tmp_path / "card.png", full_page=True)
        text = await seen.page.locator("pre").first.inner_text()
        assert "x" * 3000 in text.replace("\n", "")
        assert "⟨U+202E⟩⟨U+200B⟩" in text
        assert await seen.page.get_by_text("Some of them would not show").count() == 1
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.page.get_by_text("EXPLAIN", exact=True).click()
        assert await seen.overflow() <= 0
        button = await seen.page.get_by_role("button", name="Approve").bounding_box()
        assert button is not None
        assert (button["height"] >= 44, button["x"] + button["width"] <= TELEPHONE) == (True, True)
        for path in ("/console/policy", "/console"):
            await seen.page.goto(f"{house.url}{path}")
            assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH


async def test_light_and_dark_are_not_the_same(house: House, chrome: Chrome) -> None:
    """The page follows what the person's system asks for."""
    found = []
    for scheme in ("light", "dark"):
        async with chrome.window(scheme=scheme) as seen:  # type: ignore[arg-type]
            await seen.page.goto(f"{house.url}/sign-in")
            found.append(await seen.background())
    assert found[0] == "rgb(255, 255, 255)"
    assert found[1] != found[0]


async def test_stored_script_does_not_run_wherever_it_stands(house: House, chrome: Chrome) -> None:
    """In the SQL, the agent's name, its reason and a decider's word, script is text: shown, never run."""
    admin = await house.stage.principal("admin")
    made = await house.stage.gateway.agents.create(admin, SCRIPT, owner="sam", users=[], connections=["jit"])
    agent = await house.stage.gateway.authenticator.authenticate(made[1].text.reveal())
    target, context = Target(slug="jit"), CallContext(request_id="req_test")
    call = house.stage.gateway.calls.call
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": SCRIPT}
    await call(agent, target, "skipass_request_session", wish, context)
    wanted = {"statement": f"UPDATE ops.orders SET note = '{SCRIPT}' WHERE order_id = 1003"}
    held = await call(agent, target, "snowflake_execute_query", wanted, context)
    async with chrome.window() as seen:
        await signed_in(house, seen, "grace", approval(held))
        await seen.page.get_by_label("Why").fill(SCRIPT)
        assert await seen.page.locator("body").inner_text() != ""
        assert (await seen.page.locator("body").inner_text()).count(SCRIPT) >= 3
        await seen.page.get_by_role("button", name="Deny").click()
        said = seen.page.locator("#standing > p", has_text="Denied by grace")
        await said.wait_for()
        assert SCRIPT in await said.inner_text()
        assert await seen.page.evaluate("() => window.ran") is None
        assert await seen.page.locator("main script, main img").count() == 0


async def test_the_policy_lets_no_script_in_even_where_one_got_through(house: House, chrome: Chrome) -> None:
    """A script and an image put into the card afterwards are stopped by the browser itself."""
    held = await house.held()
    async with chrome.window() as seen:
        await signed_in(house, seen, "grace", approval(held))
        await seen.page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = 'window.ran = 1';
                document.body.append(script);
            }"""
        )
        assert await seen.page.evaluate("() => window.ran") is None
        stopped = [said for said in seen.wrong if "Content Security Policy" in said]
        assert stopped
        seen.wrong.clear()


async def test_a_card_that_is_over_says_so_and_by_whom(house: House, chrome: Chrome) -> None:
    """A decided card names who decided, one that nobody decided says that it lapsed; neither has a button."""
    decided, lapsed = await house.held(), await house.stage.query(UPDATE.replace("seen", "late"))
    await house.stage.decide(decided, approve=False)
    (late,) = await house.stage.every(Approval, id=approval(lapsed))

    async def let_lapse(unit: UnitOfWork) -> None:
        await unit.change(late, expires_at=late.created_at - timedelta(seconds=1))

    await house.stage.gateway.deps.journal.write(let_lapse)
    async with chrome.window() as seen:
        await signed_in(house, seen, "ada")
        for one, said in ((decided, "was denied"), (lapsed, "nobody decided in time")):
            await seen.page.goto(f"{house.url}/console/approvals/{approval(one)}")
            assert said in await seen.page.locator(".state").inner_text()
            assert await seen.page.get_by_role("button", name="Approve").count() == 0
        await seen.page.goto(f"{house.url}/console/approvals/{approval(decided)}")
        assert "Denied by grace" in await seen.page.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_review_is_closed_by_keyboard_on_a_telephone(
    house: House, chrome: Chrome, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    """The review of broken glass fits the telephone, and is closed with a comment without a pointer."""
    review_id = await house.review("double billing " + "y" * 200)
    async with chrome.window(width=TELEPHONE, scheme=scheme) as seen:
        await signed_in(house, seen, "grace", review_id)
        await seen.page.screenshot(path=tmp_path / "review.png", full_page=True)
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.tab_to("comment")
        await seen.page.keyboard.type("it stopped the double billing")
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_text("Closed by grace").wait_for()
        assert await seen.contrast() >= ENOUGH
