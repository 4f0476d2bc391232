"""The connect wizard in a real browser, before a new Snowflake account: from the first page to a governed call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client as McpClient
from mcp.client.streamable_http import streamable_http_client

from browser.chrome import Chrome, Seen
from browser.test_pages import ENOUGH, TELEPHONE
from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from surfaces.console.browser import House
from surfaces.console.worksheet import paste, script_on

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
READ = {"statement": "SELECT id FROM sales_db.public.orders"}
WISH = {"scope": {"schemas": ["SALES_DB.PUBLIC"]}, "ttl_s": 300, "reason": "a first look"}
MADE = (
    "CREATE WAREHOUSE LOADING_WH",
    "CREATE DATABASE SALES_DB",
    "CREATE TABLE SALES_DB.PUBLIC.ORDERS (ID NUMBER)",
    "INSERT INTO SALES_DB.PUBLIC.ORDERS VALUES (7)",
)


@pytest.fixture(scope="module")
def fresh() -> Iterator[RunningSandbox]:
    """A new account with one table of its own."""
    with running_sandbox(bare=True) as running:
        admin = Client.of(running, "ADMIN")
        for statement in MADE:
            reply = admin.sql(statement, role="ACCOUNTADMIN", warehouse="LOADING_WH")
            assert reply.status == 200, (statement, reply.body)
        yield running


async def fill(seen: Seen, **typed: str) -> None:
    """Type into the fields with these names."""
    for name, text in typed.items():
        await seen.page.locator(f"main [name={name}]").fill(text)


async def go(seen: Seen, button: str) -> None:
    """Press a button, by keyboard, and wait for the page that comes."""
    async with seen.page.expect_navigation():
        await seen.page.get_by_role("button", name=button).press("Enter")


async def described(seen: Seen, house: House, fresh: RunningSandbox, way: str, name: str, **more: str) -> None:
    """Go from the list to the last form before the connection."""
    await seen.page.goto(f"{house.url}/sign-in")
    await seen.page.get_by_label("Your one-time link").fill(await house.link("ada"))
    await go(seen, "Sign in")
    await seen.page.get_by_role("link", name="Connections").click()
    await seen.page.get_by_role("link", name="Add a connection").click()
    await seen.page.get_by_role("link", name=way).click()
    await seen.page.get_by_text("More", exact=True).click()
    await fill(seen, account="https://app.snowflake.com/skipass/sandbox", host=fresh.url, name=name, **more)
    await fill(seen, schema="sales_db.public")
    await go(seen, "Go on")
    assert fresh.url in await seen.page.locator("main").inner_text()
    await go(seen, "Register the connection")


async def ticked(seen: Seen) -> str:
    """Press the button of the test, and return what was found."""
    await go(seen, "Test it")
    await seen.page.get_by_role("status").wait_for()
    assert await seen.page.locator(".checks .failed").count() == 0
    return await seen.page.locator(".checks").inner_text()


async def called(seen: Seen) -> Any:
    """Call the gateway as the configuration for Cursor on the page says, with the key on the page."""
    key = re.findall(r"SKIPASS_API_KEY=(\S+)", await seen.page.locator("pre").first.inner_text())[0]
    shown = json.loads(await seen.page.locator("section", has_text=".cursor/mcp.json").locator("pre").inner_text())
    (server,) = shown["mcpServers"].values()
    headers = {name: value.replace("${env:SKIPASS_API_KEY}", key) for name, value in server["headers"].items()}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        McpClient(streamable_http_client(server["url"], http_client=http)) as client,
    ):
        await client.call_tool("skipass_request_session", WISH)
        return (await client.call_tool("snowflake_execute_query", READ)).structured_content


def at_home(house: House) -> None:
    """Have the pages name the address that the gateway is served at."""
    object.__setattr__(house.stage.gateway.deps, "base_url", house.url)


async def test_a_service_user_by_a_key_that_nobody_has(house: House, chrome: Chrome, fresh: RunningSandbox) -> None:
    """Without a script: the gateway makes the key, its script is run, the test is well, the shown agent reads a row."""
    at_home(house)
    async with chrome.window(scripts=False) as seen:
        await described(seen, house, fresh, "One service user, by key pair", "fresh", login="FRESH_AGENT")
        paste(fresh, script_on(await seen.page.content()))
        await seen.page.get_by_role("link", name="Next: Test").click()
        assert "FRESH_AGENT on" in await ticked(seen)
        await seen.page.get_by_role("link", name="Next: Agent").click()
        await fill(seen, agent="fresh-agent")
        await go(seen, "Make it and show its key")
        answer = await called(seen)
    assert (answer["status"], answer["data"]["data"]) == ("success", [["7"]])


async def test_each_person_by_snowflake_oauth(house: House, chrome: Chrome, fresh: RunningSandbox) -> None:
    """On a telephone: script, client, both sign-ins and back, the test as oneself, and a call as that person."""
    at_home(house)
    admin = fresh.user("ADMIN")
    async with chrome.window(width=TELEPHONE) as seen:
        await described(seen, house, fresh, "Each person signs in to Snowflake", "team")
        await seen.page.get_by_text("Change the script").click()
        await fill(seen, users="ADMIN")
        await go(seen, "Show the script")
        assert await seen.page.get_by_role("button", name="Copy the script").count() == 1
        shown = json.loads(paste(fresh, script_on(await seen.page.content())))
        assert await seen.overflow() <= 0
        assert await seen.contrast() >= ENOUGH
        await seen.page.get_by_role("link", name="Next: Client").click()
        await fill(seen, client_id=shown["OAUTH_CLIENT_ID"], client_secret=shown["OAUTH_CLIENT_SECRET"])
        await go(seen, "Hand in")
        await seen.page.get_by_role("link", name="Connect my account").click()
        await seen.page.get_by_role("button", name="Go to the sign-in").click()
        await seen.page.locator("input[name=username]").fill(admin.login_name)
        await seen.page.locator("input[name=password]").fill(admin.password)
        await seen.page.keyboard.press("Enter")
        await seen.page.locator("button[value=allow]").click()
        await seen.page.get_by_role("link", name="go on in the console").click()
        await seen.page.get_by_role("heading", name="Test").wait_for()
        assert "ADMIN on" in await ticked(seen)
        assert await seen.overflow() <= 0
        await seen.page.get_by_role("link", name="Next: Agent").click()
        await fill(seen, agent="team-agent")
        await go(seen, "Make it and show its key")
        assert await seen.overflow() <= 0
        answer = await called(seen)
    assert (answer["status"], answer["data"]["data"]) == ("success", [["7"]])
