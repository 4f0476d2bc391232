"""The policy in the console: written, looked at before it is applied, asked what it would do; a file is only read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateways import Stage, served
from skipass.access.policy import check, parse
from skipass.access.policy.places import line_of
from skipass.gateway.core import build
from skipass.nouns.principal import Role
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import form_token
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
HERE, EXPLAIN, VERSIONS = "/console/policy", "/console/policy/explain", "/console/policy/versions"
FIRST = 'version = 1\n[[rule]]\nname = "no payroll"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\n'
SECOND = FIRST.replace("no payroll", "no payroll at all")
LONG = (
    'version = 1\n[[rule]]\nname = "reports"\noutcome = "allow"\neffects = ["session"]\nobjects = ["OPS_DB.OPS"]\n'
    'opens_for = "2h"\n'
)
WRONG = """version = 1
[[rule]]
name = "a"
outcome = "perhaps"
result_rows = -1
[[rule]]
name = "b"
outcome = "deny"
colour = "red"
"""
WISH = {"connection": "jit", "agent": "reporting-agent", "word": "explain"}


def the_form(browser: Browser) -> str:
    """Return what the forms of the policy carry in this browser."""
    (cookie,) = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
    return form_token(Secret(cookie), "policy")


async def checked(browser: Browser, text: str) -> Page:
    """Open the editor, write this text over what is there, and have it checked."""
    page = await browser.get(HERE)
    return await browser.post(HERE, {**page.form(HERE), "text": text, "word": "check"})


async def applied(browser: Browser, text: str) -> Page:
    """Check a text and apply it."""
    page = await checked(browser, text)
    return await browser.post(HERE, {**page.form(HERE), "word": "apply"})


@pytest.fixture
async def ada(house: House) -> AsyncIterator[Browser]:
    """The browser of the admin, signed in."""
    async with house.browser() as browser:
        await browser.sign_in(await house.link("ada"))
        yield browser


async def in_force(house: House) -> str:
    """Return the text in force, empty where there is none."""
    found = await house.stage.gateway.policies.list(await house.stage.principal("admin"), limit=1)
    return found[0].text if found else ""


async def test_a_policy_is_written_checked_and_applied(house: House, ada: Browser) -> None:
    """The check shows what would change and changes nothing; applied, the text is in force as it was typed."""
    page = await checked(ada, FIRST)
    assert "Nothing is wrong with it: 1 rule." in page.text
    assert '+name = "no payroll"' in page.text
    assert 'value="apply"' in page.html
    assert await in_force(house) == ""
    done = await ada.post(HERE, {**page.form(HERE), "word": "apply"})
    assert (done.status, await in_force(house)) == (200, FIRST)
    assert "Version 1, in force since" in done.text
    assert "Applied by ada." in done.text
    assert done.form(HERE)["text"].replace("\r\n", "\n") == FIRST


async def test_every_fault_is_told_at_once_with_its_line(house: House, ada: Browser) -> None:
    """Nothing of a faulty text can be applied, what was typed stays, and a name that nobody has is a fault too."""
    page = await checked(ada, WRONG)
    for told in ("Line 4: rule 'a': outcome", "Line 5: rule 'a': result_rows", "Line 9: rule 'b': there is no field"):
        assert told in page.text
    assert page.form(HERE)["text"].replace("\r\n", "\n") == WRONG
    assert 'value="apply"' not in page.html
    forced = await ada.post(HERE, {**page.form(HERE), "word": "apply"})
    assert forced.status == 400
    assert "Line 4" in forced.text
    named = await checked(ada, FIRST + 'agents = ["nobody"]\n')
    assert "Line 6: rule 'no payroll': there is no agent 'nobody'" in named.text
    assert await in_force(house) == ""


async def test_a_long_window_is_worth_a_second_look(ada: Browser) -> None:
    """A window of over an hour is a warning, and the text can be applied all the same."""
    page = await checked(ada, LONG)
    assert "Line 7: rule 'reports': opens_for is a window of over an hour" in page.text
    assert 'value="apply"' in page.html


async def test_what_was_not_looked_at_is_shown_first(house: House, ada: Browser) -> None:
    """A text that was changed after the check is checked again in place of being applied."""
    page = await checked(ada, FIRST)
    again = await ada.post(HERE, {**page.form(HERE), "text": SECOND, "word": "apply"})
    assert '+name = "no payroll at all"' in again.text
    assert await in_force(house) == ""
    await ada.post(HERE, {**again.form(HERE), "word": "apply"})
    assert await in_force(house) == SECOND


async def test_a_change_of_somebody_else_is_not_written_over(house: House, ada: Browser) -> None:
    """Whoever applies on top of another version is told, keeps the text, and sees what it would undo."""
    await house.apply(FIRST)
    page = await checked(ada, LONG)
    await house.apply(SECOND)
    late = await ada.post(HERE, {**page.form(HERE), "word": "apply"})
    assert late.status == 409
    assert "Version 2 is in force, and the text was made from 1." in late.text
    assert '-name = "no payroll at all"' in late.text
    assert await in_force(house) == SECOND
    await ada.post(HERE, {**late.form(HERE), "word": "apply"})
    assert await in_force(house) == LONG


async def test_earlier_versions_are_looked_at_and_taken_back(house: House, ada: Browser) -> None:
    """Each version is listed with who applied it; one of them opens with its difference and goes into the editor."""
    for n in range(22):
        await house.apply(f"version = 1\n# {n}\n")
    newest = await ada.get(VERSIONS)
    older = await ada.get(f"{VERSIONS}?after=3")
    assert (">Version 22<" in newest.html, ">Version 2<" in newest.html, "ada" in newest.text) == (True, False, True)
    assert "Earlier ones" in newest.text
    assert (">Version 2<" in older.html, ">Version 3<" in older.html) == (True, False)
    path = next(part for part in older.html.split('"') if part.startswith(f"{VERSIONS}/pol_"))
    one = await ada.get(path)
    assert "-# 1" in one.text
    assert "+# 21" in one.text
    editor = await ada.get(next(part for part in one.html.split('"') if "?from=pol_" in part))
    assert editor.form(HERE)["text"] == "version = 1\r\n# 1\r\n"
    assert (await ada.get(f"{VERSIONS}/pol_{'0' * 26}")).status == 404


async def test_a_statement_is_explained_under_the_rules_in_force(house: House, ada: Browser) -> None:
    """The outcome, the rule by its name and what was understood are told; nothing reaches Snowflake."""
    await house.apply(FIRST)
    page = await ada.get(EXPLAIN)
    wish = {**WISH, "statement": "SELECT * FROM finance_db.hr.salaries"}
    told = await ada.post(EXPLAIN, {**page.form(EXPLAIN), **wish})
    for words in ("It would be refused.", "The rule 'no payroll' denies this.", "FINANCE_DB.HR.SALARIES"):
        assert words in told.text
    assert "SELECT * FROM finance_db.hr.salaries" in told.form(EXPLAIN)["statement"]
    assert house.stage.sent("salaries") == []


async def test_a_draft_is_explained_before_it_is_in_force(house: House, ada: Browser) -> None:
    """The text goes from the editor to the question and back, and the answer is the draft's."""
    page = await ada.get(HERE)
    draft = await ada.post(EXPLAIN, {**page.form(HERE), "text": FIRST, "word": "draft"})
    wish = {**WISH, "statement": "SELECT * FROM finance_db.hr.salaries"}
    told = await ada.post(EXPLAIN, {**draft.form(EXPLAIN), **wish})
    assert "It would be refused. Under the draft." in told.text
    back = await ada.post(HERE, {**told.form(EXPLAIN), "word": "check"})
    assert '+name = "no payroll"' in back.text
    wrong = await ada.post(EXPLAIN, {**draft.form(EXPLAIN), **wish, "text": WRONG})
    assert wrong.status == 400
    assert "outcome must be one of" in wrong.text
    assert await in_force(house) == ""


async def test_a_session_is_explained_with_what_it_obliges_to(house: House, ada: Browser) -> None:
    """Without a statement a session is asked for; the rule, its words and its obligations are told."""
    rule = '[[rule]]\nname = "two"\noutcome = "approval"\neffects = ["session"]\nquorum = 2\nwhy = "two of us"\n'
    await house.apply(f"version = 1\n{rule}")
    wish = {**WISH, "schemas": "OPS_DB.OPS, OPS_DB.REF", "access": "write", "minutes": "15"}
    told = await ada.post(EXPLAIN, {**wish, "form": the_form(ada)})
    for words in ("It would wait for people to decide.", "two of us", "Read and change OPS_DB.OPS", "must agree2"):
        assert words in told.text
    for changed, status in (({"minutes": "x"}, 400), ({"agent": "nobody"}, 404), ({"schemas": ""}, 400)):
        page = await ada.post(EXPLAIN, {**wish, **changed, "form": the_form(ada)})
        assert (page.status, page.form(EXPLAIN)["connection"]) == (status, "jit")


async def test_those_who_only_look_ask_and_change_nothing(house: House) -> None:
    """An approver is shown no editor, may ask, and is refused like over REST; a member gets nothing at all."""
    await house.apply(FIRST)
    await house.stage.gateway.people.create(await house.stage.principal("admin"), "mallory", [Role.MEMBER])
    async with house.browser() as grace, house.browser() as mallory:
        await grace.sign_in(await house.link("grace"))
        page = await grace.get(HERE)
        assert ("no payroll" in page.text, page.has_form(HERE)) == (True, False)
        told = await grace.post(EXPLAIN, {**WISH, "statement": "SELECT 1", "form": the_form(grace)})
        assert "It would run." in told.text
        change = {"form": the_form(grace), "text": SECOND, "based_on": "1", "word": "check"}
        assert (await grace.post(HERE, change)).status == 403
        await mallory.sign_in(await house.link("mallory"))
        for path in (HERE, EXPLAIN, VERSIONS):
            answer = await mallory.get(path)
            assert (answer.status, "no payroll" in answer.text) == (403, False)
        for path in (HERE, EXPLAIN):
            assert (await mallory.post(path, {**change, "form": the_form(mallory)})).status == 403
            assert (await mallory.post(path, {**change, "form": "x"})).status == 403
    assert await in_force(house) == FIRST


async def test_a_file_is_only_read(at: Stage) -> None:
    """Where a file is the truth the page says so and how to change it; what is posted at it changes nothing."""
    gateway = build(replace(at.gateway.deps, policy_file=FIRST))
    await gateway.policies.adopt_file()
    async with served(replace(at, gateway=gateway)) as url, House(url, at).browser() as ada:
        await ada.sign_in(await House(url, at).link("ada"))
        page = await ada.get(HERE)
        assert ("SKIPASS_POLICY_FILE" in page.text, page.has_form(HERE)) == (True, False)
        change = {"form": the_form(ada), "text": SECOND, "based_on": "1", "word": "check"}
        shown = await ada.post(HERE, change)
        assert 'value="apply"' not in shown.html
    assert await in_force(House(url, at)) == FIRST


def test_a_fault_is_found_in_the_text() -> None:
    """The line is that of the field where one is named, else of the rule, else none; a broken text has its own."""
    text = f"{WRONG}[[rule]]\noutcome = 'deny'\n[[rule]]\nname = 'a'\noutcome = 'deny'\n"
    placed = {said: line_of(text, said) for said in parse(text)[1]}
    assert placed == {
        "rule 'a': outcome must be one of allow, confirm, approval, deny": 4,
        "rule 'a': result_rows must be a positive integer": 5,
        "rule 'b': there is no field 'colour'": 9,
        "rule 3: it needs a name": 10,
        "policy: several rules are named 'a'": 2,
    }
    (broken,) = parse("version = 1\n[[rule]\n")[1]
    assert line_of("version = 1\n[[rule]\n", broken) == 2
    (old,) = parse("# new\nversion = 2\n")[1]
    assert line_of("# new\nversion = 2\n", old) == 2
    twice = FIRST + FIRST.replace("version = 1\n", "").replace("no payroll", "other").replace("deny", "approval")
    (both,) = check(parse(twice)[0])[0]
    assert line_of(twice, both) == 2
