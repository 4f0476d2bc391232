"""The policy in a real browser: asked, written, looked at and applied by keyboard, on a telephone."""

from __future__ import annotations

import pytest

from browser.chrome import Chrome
from browser.test_pages import ENOUGH, TELEPHONE, signed_in
from surfaces.console.browser import House

pytestmark = pytest.mark.anyio
RULE = 'version = 1\n\n[[rule]]\nname = "no payroll"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\n'


async def test_a_rule_is_asked_about_and_applied(house: House, chrome: Chrome) -> None:
    """The draft goes to the question and back as it was typed, what would change is shown, and it is in force."""
    async with chrome.window(width=TELEPHONE) as seen:
        await signed_in(house, seen, "ada")
        await seen.page.goto(f"{house.url}/console/policy")
        await seen.tab_to("text")
        await seen.page.keyboard.insert_text(RULE)
        await seen.page.get_by_role("button", name="Ask what it would do").click()
        await seen.page.get_by_label("Connection", exact=True).fill("jit")
        await seen.page.get_by_label("Agent that asks").fill("reporting-agent")
        await seen.page.get_by_label("Statement").fill("SELECT *\nFROM finance_db.hr.salaries")
        await seen.page.get_by_role("button", name="Explain").click()
        await seen.page.get_by_text("It would be refused. Under the draft.").wait_for()
        assert await seen.page.get_by_text("The rule 'no payroll' denies this.").count() == 1
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.page.get_by_role("button", name="Back to the editor").click()
        await seen.page.get_by_text("Nothing is wrong with it: 1 rule.").wait_for()
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.page.get_by_role("button", name="Apply it").press("Enter")
        await seen.page.get_by_text("Version 1, in force since").wait_for()
    (applied,) = await house.stage.gateway.policies.list(await house.stage.principal("admin"), limit=2)
    assert applied.text == RULE
