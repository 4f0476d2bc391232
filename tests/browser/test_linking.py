"""A link in a real browser: our pages let it go to the sign-in and nowhere else, and it comes back to the end."""

from __future__ import annotations

import pytest

from accounts.walk import RETURN, ROLE, Walk
from browser.chrome import Chrome, Seen
from skipass.gateway.drafting import ConnectionRequest
from skipass.nouns.connection import AuthMethod
from surfaces.console.browser import House

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def at_home(house: House, **how: object) -> Walk:
    """Return the house with a connection, reached at the address that its pages name."""
    # The server picks its port after the gateway is built, and a browser follows redirects by itself.
    object.__setattr__(house.stage.gateway.deps, "base_url", house.url)
    walk = Walk(house.url, house.stage)
    house.stage.sandbox.account.sign_in.consents.clear()
    await walk.by_snowflake(**how)
    return walk


async def through_the_sign_in(seen: Seen, walk: Walk) -> None:
    """Sign in at the account and agree."""
    file = walk.stage.sandbox.user("DANA")
    await seen.page.locator("input[name=username]").fill(file.login_name)
    await seen.page.locator("input[name=password]").fill(file.password)
    await seen.page.keyboard.press("Enter")
    await seen.page.locator("button[value=allow]").click()


async def test_a_person_connects_an_account(house: House, chrome: Chrome) -> None:
    """The address of a consent leads through both sign-ins and back; nothing on the way breaks our pages' policy."""
    walk = await at_home(house)
    await walk.agent()
    async with chrome.window() as seen:
        await seen.page.goto(f"{house.url}/connect?connection=own&role={ROLE}")
        await seen.page.get_by_label("Your one-time link").fill(await house.link("sam"))
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.get_by_role("button", name="Go to the sign-in").click()
        await through_the_sign_in(seen, walk)
        await seen.page.get_by_role("heading", name="Connected").wait_for()
        assert await seen.page.get_by_text("DANA", exact=True).count() == 1
    assert await walk.state() == "ACTIVE"


async def test_an_end_user_s_link_leads_to_the_application(house: House, chrome: Chrome) -> None:
    """The secret leaves the address bar, no sign-in with us is asked for, and the last page leads where it was made."""
    walk = await at_home(house)
    customer = await walk.of(await walk.agent("shop", end_users=True, return_urls=[RETURN]), "customer-7")
    async with chrome.window() as seen:
        await seen.page.goto(f"{house.url}/connect#{await walk.invite(customer)}")
        assert "#" not in seen.page.url
        await seen.page.locator("#link").press("Enter")
        await seen.page.get_by_role("button", name="Go to the sign-in").click()
        await through_the_sign_in(seen, walk)
        link = seen.page.get_by_role("link", name="Go back to app.example.com")
        assert (await link.get_attribute("href") or "").startswith(f"{RETURN}?account=acc_")
    assert await walk.state() == "PENDING_VERIFICATION"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_of_a_link_is_readable_on_a_telephone(house: House, chrome: Chrome, scheme: str) -> None:
    """It is no wider than the window, and every text stands out from what is behind it."""
    walk = await at_home(house)
    customer = await walk.of(await walk.agent("shop", end_users=True, return_urls=[RETURN]), "customer-7")
    async with chrome.window(width=360, scheme="dark" if scheme == "dark" else "light") as seen:
        await seen.page.goto(f"{house.url}/connect#{await walk.invite(customer)}")
        await seen.page.locator("#link").press("Enter")
        await seen.page.get_by_role("button", name="Go to the sign-in").wait_for()
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= 4.5


async def test_a_customer_sets_up_an_account_of_their_own(house: House, chrome: Chrome) -> None:
    """From the set-up link to a script to copy and a client handed in, at the width of a telephone as well."""
    object.__setattr__(house.stage.gateway.deps, "base_url", house.url)
    admin = await house.stage.principal("admin")
    request = ConnectionRequest(name="own", role=ROLE, auth_method=AuthMethod.SNOWFLAKE_OAUTH, template=True)
    await house.stage.gateway.connections.add(admin, request)
    _, token = await house.stage.gateway.registrations.invite(admin, "own")
    async with chrome.window(width=360) as seen:
        await seen.page.goto(f"{house.url}/connect/setup#{token.reveal()}")
        await seen.page.locator("#link").press("Enter")
        await seen.page.get_by_label("Your Snowflake account").fill("ACME-PROD")
        await seen.page.get_by_label("The schema to be read").fill("SALES.PUBLIC")
        await seen.page.get_by_role("button", name="Register").click()
        script = await seen.page.locator("pre").nth(1).inner_text()
        assert script.count(";") > 10
        assert "CREATE SECURITY INTEGRATION IF NOT EXISTS" in script
        await seen.page.wait_for_load_state()  # how wide it is depends on its style
        assert await seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await seen.page.get_by_label("Client id").fill("abc=")
        await seen.page.get_by_label("Client secret").fill("s3cr3t")
        await seen.page.get_by_role("button", name="Hand in").click()
        await seen.page.get_by_text("people can connect").wait_for()


async def test_a_person_pastes_a_key(house: House, chrome: Chrome) -> None:
    """The address of a consent leads to a form for it; what was pasted is in no page, address or history afterwards."""
    object.__setattr__(house.stage.gateway.deps, "base_url", house.url)
    walk = Walk(house.url, house.stage)
    given = {"account": "SKIPASS-SANDBOX", "host": house.stage.sandbox.url, "role": ROLE, "per_user": True}
    await walk.gateway.connections.add(await walk.admin(), ConnectionRequest(name="own", **given))
    file = house.stage.sandbox.user("DANA")
    async with chrome.window() as seen:
        await seen.page.goto(f"{house.url}/connect?connection=own")
        await seen.page.get_by_label("Your one-time link").fill(await house.link("sam"))
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.get_by_label("Your login name in Snowflake").fill("NOBODY")
        await seen.page.get_by_label("Your private key").fill(file.private_key_path.read_text())
        await seen.page.get_by_role("button", name="Sign in with it and keep it").click()
        await seen.page.get_by_role("alert").wait_for()
        assert all("422" in one for one in seen.wrong)
        seen.wrong.clear()
        assert await seen.page.get_by_label("Your private key").input_value() == ""
        await seen.page.get_by_label("Your login name in Snowflake").fill(file.login_name)
        await seen.page.get_by_label("Your private key").fill(file.private_key_path.read_text())
        await seen.page.get_by_role("button", name="Sign in with it and keep it").click()
        await seen.page.get_by_role("heading", name="Connected").wait_for()
        assert file.private_key_path.read_text().splitlines()[1] not in await seen.page.content() + seen.page.url
    assert await walk.state() == "ACTIVE"
