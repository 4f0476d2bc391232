"""An application's end users: named by the application alone, linked by whoever has the link, in force by its word."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.walk import RETURN, Walk
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.people import User
from skipass.tools.call import CallContext
from surfaces.console.browser import Page

pytestmark = pytest.mark.anyio


async def application(walk: Walk, name: str = "shop", **how: object) -> str:
    return await walk.agent(name, end_users=True, return_urls=[RETURN], **how)


def carried(page: Page) -> dict[str, str]:
    """Return what the browser would carry to the application."""
    address = page.html.partition('href="https://app.example.com')[2].partition('"')[0].replace("&amp;", "&")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def test_an_end_user_links_and_the_application_verifies(walk: Walk) -> None:
    """Without any sign-in with us the link works, but nothing is in force before the code came by the browser."""
    await walk.by_snowflake()
    key = await application(walk)
    customer = await walk.of(key, "customer-7")
    token = await walk.invite(customer)
    async with walk.browser() as browser:
        page = await browser.post("/connect", {"link": token, "word": "open"})
        assert all(word in page.text for word in ("shop", "sam", "customer-7"))
        done = await walk.land(browser, await walk.agree(await walk.press(browser, page)))
    assert all(word in done.text for word in ("Almost connected", "DANA", "SKIPASS-SANDBOX"))
    assert await walk.state() == "PENDING_VERIFICATION"
    assert await walk.usable() == []
    code = carried(done)
    full = await walk.gateway.landing.verify(customer, code["account"], code["code"])
    assert (full.account.state.value, full.account.login) == ("ACTIVE", "DANA")
    assert {call["user"] for call in await walk.query(key, identifier="customer-7")} == {"DANA"}


async def test_only_the_code_of_the_finishing_browser_verifies(walk: Walk) -> None:
    """A guess, a used code, and another application's word put nothing in force."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    stranger = await walk.of(await application(walk, "other"), "customer-7")
    async with walk.browser() as browser:
        code = carried(await walk.linked(browser, await walk.invite(customer)))
    landing = walk.gateway.landing
    for who, guess, refusal in ((customer, "guess", "forbidden"), (stranger, code["code"], "not_found")):
        with pytest.raises(SkipassError) as refused:
            await landing.verify(who, code["account"], guess)
        assert refused.value.code == refusal
    assert await walk.state() == "PENDING_VERIFICATION"
    await landing.verify(customer, code["account"], code["code"])
    with pytest.raises(SkipassError):
        await landing.verify(customer, code["account"], code["code"])


async def test_linking_again_keeps_the_first_in_force_until_verified(walk: Walk) -> None:
    """A second sign-in by whoever has the link does not touch what the application agreed to before."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    async with walk.browser() as browser:
        first = carried(await walk.linked(browser, await walk.invite(customer)))
        await walk.gateway.landing.verify(customer, first["account"], first["code"])
        (before,) = await walk.usable()
        second = carried(await walk.linked(browser, await walk.invite(customer)))
        assert [one.id for one in await walk.usable()] == [before.id]
        assert await walk.state() == "ACTIVE"
        await walk.gateway.landing.verify(customer, second["account"], second["code"])
    (after,) = await walk.usable()
    assert (after.generation, after.id != before.id) == (2, True)


async def test_another_login_of_an_end_user_needs_an_admin_and_the_application(walk: Walk) -> None:
    """The application's word alone does not change whose Snowflake login it is, nor does the admin's alone."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    landing = walk.gateway.landing
    async with walk.browser() as browser:
        first = carried(await walk.linked(browser, await walk.invite(customer)))
        await landing.verify(customer, first["account"], first["code"])
        second = carried(await walk.linked(browser, await walk.invite(customer), "ERIK"))
    with pytest.raises(SkipassError) as refused:
        await landing.verify(customer, second["account"], second["code"])
    assert refused.value.code == "login_changed"
    await landing.accept_login(await walk.admin(), second["account"])
    assert (await walk.one(ConnectedAccount)).login == "DANA"
    full = await landing.verify(customer, second["account"], second["code"])
    assert full.account.login == "ERIK"


async def test_a_browser_goes_back_to_registered_addresses_only(walk: Walk) -> None:
    """A return URL that is none of the agent's is refused before there is a link."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    with pytest.raises(SkipassError) as refused:
        await walk.invite(customer, return_url="https://evil.example.com/linked")
    assert refused.value.code == "invalid_request"
    assert await walk.attempts() == []


async def test_without_verification_a_link_is_in_force_at_once(walk: Walk) -> None:
    """Where an admin has switched it off for the connection, the sign-in alone decides."""
    await walk.by_snowflake(settings={"verify_end_users": False})
    customer = await walk.of(await walk.agent("shop", end_users=True), "customer-7")
    async with walk.browser() as browser:
        done = await walk.linked(browser, await walk.invite(customer))
    assert "in force" in done.text
    assert await walk.state() == "ACTIVE"


async def test_an_identifier_means_nothing_beyond_its_agent(walk: Walk) -> None:
    """The same identifier of two applications is two people, and neither is a person of the company."""
    await walk.by_snowflake()
    one = await walk.of(await application(walk, "one"), "sam")
    two = await walk.of(await application(walk, "two"), "sam")
    (sam,) = await walk.stage.every(User, name="sam")
    assert len({one.user_id, two.user_id, sam.id}) == 3
    made = await walk.account(one)
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.accounts.get(two, made.account.id)
    assert refused.value.code == "not_found"


async def test_a_sign_in_that_nobody_agrees_to_in_time_is_destroyed(walk: Walk) -> None:
    """After ten minutes what was brought is gone, the account waits for a sign-in again, and the code is worthless."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    async with walk.browser() as browser:
        code = carried(await walk.linked(browser, await walk.invite(customer)))
    await walk.age()
    await walk.gateway.landing.sweep()
    assert await walk.state() == "PENDING_AUTH"
    (attempt,) = await walk.attempts()
    assert (attempt.state.value, attempt.sealed, attempt.code_hash) == ("failed", None, None)
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.landing.verify(customer, code["account"], code["code"])
    assert refused.value.code == "not_found"


async def test_end_users_are_nobody_among_people(walk: Walk) -> None:
    """They are not listed, and no sign-in link is made for one."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    assert customer.user_name not in [one.name for one in await walk.gateway.people.list(await walk.admin())]
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.people.link(await walk.admin(), customer.user_name)
    assert refused.value.code == "not_found"


async def test_an_end_user_without_an_account_is_not_sent_to_a_page_of_ours(walk: Walk) -> None:
    """The refusal names the connection and the role, and says that the application makes the link."""
    await walk.by_snowflake()
    customer = await walk.of(await application(walk), "customer-7")
    call = CallContext(request_id="req_test")
    read = {"statement": "SELECT 1"}
    answer = await walk.gateway.calls.call(customer, Target(connection="own"), "snowflake_execute_query", read, call)
    assert answer.status.value == "consent_required"
    assert "authorization-link" in answer.fields["hint"]
    assert "/connect?" not in str(answer.fields)
