"""A person lets an MCP client in once, and from then on it works as them at that slug, and nowhere else."""

from __future__ import annotations

import aiohttp
import pytest

from oauth.program import AUTHORIZE, BACK, FIRST, LOCAL, Quarter, came, pressed
from skipass.gateway.consents import Consent
from skipass.nouns.people import ActsFor, Agent, ApiKey, KeyUse
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio


async def test_a_client_signs_in_and_works_as_its_person(quarter: Quarter, sam: Browser) -> None:
    """Consent, a code, tokens, the tools, a session, a statement: all of an agent of sam's own."""
    editor = await quarter.program()
    page = await editor.asked(sam)
    for text in ("Editor", "sam", "jit", "https://client.example.com", "registered itself", "tools:read"):
        assert text in page.text
    assert "form-action 'self' https://client.example.com;" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    back = await pressed(sam, page)
    assert back.startswith(f"{BACK}?")
    answer = came(back)
    assert (answer["state"], answer["iss"]) == ("s-1", quarter.base_url)
    status, told = await editor.trade(answer["code"])
    assert (status, told["token_type"], told["scope"], told["expires_in"]) == (200, "Bearer", FIRST, 1800)
    status, _, tools = await quarter.rpc(told["access_token"])
    assert (status, "snowflake_execute_query" in str(tools)) == (200, True)
    assert (await quarter.session(told["access_token"]))["status"] == "success"
    _, _, found = await quarter.query(told["access_token"], "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS")
    assert found["result"]["structuredContent"]["status"] == "success", found
    (agent,) = [one for one in await quarter.stage.every(Agent) if one.client_id]
    assert (agent.acts_for, agent.connections, agent.owner_id) == (ActsFor.OWNER, (), (await quarter.who("sam")).id)


async def test_a_token_is_good_at_its_own_address_alone(quarter: Quarter, sam: Browser) -> None:
    """Neither another slug, REST, the SQL API nor the metrics take it, and each says that it is nobody's there."""
    await quarter.open("sam", slug="snowflake")
    token = await (await quarter.program()).sign_in(sam)
    status, headers, _ = await quarter.rpc(token, "tools/list", "snowflake")
    assert (status, 'error="invalid_token"' in headers["www-authenticate"]) == (401, True)
    sent = {"authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=sent) as http:
        for path in ("/api/v1/whoami", "/api/v1/tools", "/api/v1/sessions", "/api/v1/agents", "/metrics"):
            async with http.get(f"{quarter.url}{path}") as answer:
                assert answer.status == 401, path
        async with http.post(f"{quarter.url}/c/jit/api/v2/statements", json={"statement": "SELECT 1"}) as answer:
            assert answer.status == 401


async def test_who_has_no_token_is_told_the_way(quarter: Quarter) -> None:
    """Without a credential: where the metadata is and what to ask for, and no error. With a bad one: invalid_token."""
    status, headers, _ = await quarter.rpc(None)
    where = f"{quarter.base_url}/.well-known/oauth-protected-resource/jit/mcp"
    assert (status, headers["www-authenticate"]) == (401, f'Bearer resource_metadata="{where}", scope="{FIRST}"')
    status, headers, _ = await quarter.rpc("skp_000000000000_nothing")
    assert (status, 'error="invalid_token"' in headers["www-authenticate"]) == (401, True)
    assert where in headers["www-authenticate"]
    assert FIRST in headers["www-authenticate"]


async def test_a_scope_that_lacks_is_asked_for(quarter: Quarter, sam: Browser) -> None:
    """A call beyond the token's scopes is a 403 that names all to ask for; agreed to, the same call goes through."""
    reader = await quarter.program()
    token = await reader.sign_in(sam, scope="tools:read")
    status, headers, _ = await quarter.call(token, "skipass_request_session", scope={}, ttl_s=60, reason="x")
    assert status == 403
    assert 'error="insufficient_scope"' in headers["www-authenticate"]
    assert f'scope="{FIRST}"' in headers["www-authenticate"]
    token = await reader.sign_in(sam, scope=FIRST)
    assert (await quarter.session(token))["status"] == "success"
    status, headers, _ = await quarter.query(token, "UPDATE OPS_DB.OPS.ORDERS SET NOTE = 'x' WHERE ORDER_ID = 1003")
    assert (status, 'scope="tools:read sessions:request tools:write"' in headers["www-authenticate"]) == (403, True)
    token = await reader.sign_in(sam, scope=f"{FIRST} tools:write")
    _, _, held = await quarter.query(token, "UPDATE OPS_DB.OPS.ORDERS SET NOTE = 'x' WHERE ORDER_ID = 1003")
    assert held["result"]["structuredContent"]["status"] == "approval_required", held


async def test_who_agreed_is_not_asked_again(quarter: Quarter, sam: Browser) -> None:
    """The same client, slug and scopes at the same https host: straight back. More scopes, or `prompt`: asked again."""
    editor = await quarter.program()
    await editor.sign_in(sam)
    assert (await editor.asked(sam)).status == 303
    assert (await editor.asked(sam, scope="tools:read")).status == 303
    assert (await editor.asked(sam, scope=f"{FIRST} tools:write")).status == 200
    assert (await editor.asked(sam, prompt="consent")).status == 200
    assert len(await quarter.stage.every(Consent)) == 1


async def test_a_program_on_this_machine_is_asked_about_every_time(quarter: Quarter, sam: Browser) -> None:
    """Whoever listens on loopback cannot be told apart, so the page comes again and warns; any port is the same."""
    tool = await quarter.program(redirect_uris=["http://127.0.0.1/callback"])
    tool.back = LOCAL
    assert "any program there" in (await tool.asked(sam)).text
    await tool.sign_in(sam)
    assert (await tool.asked(sam)).status == 200


async def test_an_editors_own_scheme_is_led_to(quarter: Quarter, sam: Browser) -> None:
    """A listed private-use scheme is a redirect address, and the page's form may lead there."""
    uris = ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback"]
    cursor = await quarter.program(redirect_uris=[*uris, "http://localhost:8787/callback"])
    page = await cursor.asked(sam)
    assert "form-action 'self' cursor:;" in page.headers["content-security-policy"]
    assert (await pressed(sam, page)).startswith("cursor://anysphere.cursor-mcp/oauth/callback?code=")


async def test_who_is_not_signed_in_comes_back_to_the_question(quarter: Quarter) -> None:
    """The whole request is carried through the sign-in, a long one as well."""
    editor = await quarter.program()
    async with quarter.browser() as browser:
        page = await browser.get(editor.request(state="s" * 900))
        assert page.url.path == "/sign-in"
        form = {**page.form("/sign-in"), "link": await quarter.link("sam")}
        page = await browser.post("/sign-in", form)
        assert (page.status, page.url.path) == (200, AUTHORIZE)
        assert came(await pressed(browser, page))["state"] == "s" * 900


async def test_a_no_goes_back_as_one(quarter: Quarter, sam: Browser) -> None:
    """The client learns that the person refused; there is no consent and no agent."""
    answer = await (await quarter.program()).answer(sam, "deny")
    assert (answer["error"], answer["iss"], answer["state"]) == ("access_denied", quarter.base_url, "s-1")
    assert await quarter.stage.every(Consent) == []


async def test_a_client_with_a_secret_shows_it(quarter: Quarter, sam: Browser) -> None:
    """By header or by form; without it, or with another, there are no tokens."""
    server = await quarter.program(token_endpoint_auth_method="client_secret_basic")
    code = (await server.answer(sam))["code"]
    secret, server.secret = server.secret, None
    assert (await server.trade(code))[1]["error"] == "invalid_client"
    assert (await server.trade(code, client_secret="x"))[1]["error"] == "invalid_client"
    status, told = await server.trade(code, client_secret=str(secret))
    assert status == 200
    server.secret, server.tokens = secret, told
    assert (await server.refresh())[0] == 200


async def test_what_ends_a_client_ends_its_token_at_once(quarter: Quarter, sam: Browser) -> None:
    """Consent taken back, agent disabled, slug closed to the person: the next call finds nobody, or no door."""
    admin = await quarter.stage.principal("admin")
    editor = await quarter.program()
    token = await editor.sign_in(sam)
    (given,) = await quarter.gateway.consents.list(admin)
    await quarter.gateway.consents.revoke(admin, given.consent.id)
    assert (await quarter.rpc(token))[0] == 401
    assert (await editor.refresh())[1]["error"] == "invalid_grant"
    token = await editor.sign_in(sam)
    assert (await quarter.rpc(token))[0] == 200
    await quarter.open()
    assert "error" in (await quarter.rpc(token))[2]
    await quarter.open("sam")
    await quarter.gateway.agents.disable(admin, given.agent.name)
    assert (await quarter.rpc(token))[0] == 401
    assert (await editor.refresh())[1]["error"] == "invalid_grant"


async def test_a_client_gives_its_token_back(quarter: Quarter, sam: Browser) -> None:
    """Either of the pair ends both; a stranger's and another client's token is answered alike, and stays."""
    editor, other = await quarter.program(), await quarter.program()
    token = await editor.sign_in(sam)
    assert await other.revoke(token) == (200, None)
    assert await editor.revoke("nothing") == (200, None)
    assert (await quarter.rpc(token))[0] == 200
    assert await editor.revoke(token) == (200, None)
    assert (await quarter.rpc(token))[0] == 401
    assert (await editor.refresh())[1]["error"] == "invalid_grant"
    token = await editor.sign_in(sam)
    assert await editor.revoke(editor.tokens["refresh_token"]) == (200, None)
    assert (await quarter.rpc(token))[0] == 401


async def test_nothing_of_it_is_in_the_record(quarter: Quarter, sam: Browser) -> None:
    """Neither code, token nor secret stands in an event or a row."""
    server = await quarter.program(token_endpoint_auth_method="client_secret_post")
    secret = str(server.secret)
    code = (await server.answer(sam))["code"]
    _, told = await server.trade(code)
    found = await quarter.gateway.events.list(await quarter.stage.principal("admin"), after=None, limit=1000)
    rows = await quarter.stage.every(ApiKey, use=KeyUse.MCP_TOKEN)
    text = f"{[record.body for record in found]} {rows}"
    assert [one for one in (code, secret, told["access_token"], told["refresh_token"]) if one in text] == []
