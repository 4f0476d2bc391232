"""Our own token endpoint: agents trade a client secret, the command line a code or a device's, attackers nothing."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from people.walk import Town
from skipass.gateway.devices import WRONG_CODES
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.tokens_issued import TOKENS_A_MINUTE
from skipass.nouns.grants import AuthCode, DeviceGrant
from skipass.nouns.people import ApiKey, KeyUse
from skipass.snowflake.auth.oauth import Proof
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.anyio
TOKEN, DEVICE, AUTHORIZE = "/oauth/token", "/oauth/device_authorization", "/oauth/authorize"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
BACK = "http://127.0.0.1:53123/callback"
CLI = "skipass-cli"


async def agent(town: Town) -> dict[str, str]:
    """Register an agent and return its client."""
    admin = await town.stage.principal("admin")
    make = town.gateway.agents.create
    made, keys = await make(admin, "sdk:bot", owner="sam", users=[], connections=["jit"])
    return {"client_id": made.id, "client_secret": keys.client_secret.reveal()}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"}


async def test_an_agent_trades_its_secret_for_an_hour(town: Town) -> None:
    """By form or by header, by id or by name; the token is the agent's, the secret itself is no bearer."""
    client = await agent(town)
    status, given = await town.posted(TOKEN, grant_type="client_credentials", **client)
    assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 3600)
    status, who = await town.whoami(given["access_token"])
    assert (status, who["kind"], who["name"], who["user"]["name"]) == (200, "agent", "sdk:bot", "sam")
    sent = basic("sdk%3Abot", client["client_secret"])
    assert (await town.posted(TOKEN, sent, grant_type="client_credentials"))[0] == 200
    assert (await town.whoami(client["client_secret"]))[0] == 401


async def test_an_answer_with_a_token_is_not_kept(town: Town) -> None:
    """`Cache-Control: no-store` stands on answers and refusals alike."""
    client = await agent(town)
    async with aiohttp.ClientSession() as http:
        for form in ({"grant_type": "client_credentials", **client}, {"grant_type": "nothing"}):
            async with http.post(f"{town.url}{TOKEN}", data=form) as answer:
                assert answer.headers["cache-control"] == "no-store"


async def test_a_token_ends_with_its_agent_and_its_hour(town: Town) -> None:
    """A disabled agent's token stops at once; one that is over stops by itself."""
    client = await agent(town)
    _, given = await town.posted(TOKEN, grant_type="client_credentials", **client)

    async def age(unit: UnitOfWork) -> None:
        (key,) = await unit.find(ApiKey, use=KeyUse.AGENT_TOKEN)
        await unit.change(key, expires_at=unit.now - timedelta(seconds=1))

    await town.gateway.deps.journal.write(age)
    assert (await town.whoami(given["access_token"]))[0] == 401
    _, given = await town.posted(TOKEN, grant_type="client_credentials", **client)
    await town.gateway.agents.disable(await town.stage.principal("admin"), "sdk:bot")
    assert (await town.whoami(given["access_token"]))[0] == 401
    assert (await town.posted(TOKEN, grant_type="client_credentials", **client))[0] == 401


async def test_two_secrets_overlap(town: Town) -> None:
    """After a rotation both client secrets work for a day, so nothing stops meanwhile."""
    client = await agent(town)
    _, keys = await town.gateway.agents.rotate(await town.stage.principal("admin"), "sdk:bot")
    for secret in (client["client_secret"], keys.client_secret.reveal()):
        again = {**client, "client_secret": secret}
        assert (await town.posted(TOKEN, grant_type="client_credentials", **again))[0] == 200


@pytest.mark.parametrize("change", ["secret", "id", "other agent", "api key", "empty", "person"])
async def test_a_wrong_client_gets_the_one_refusal(town: Town, change: str) -> None:
    """Whatever was wrong, the answer is the same, and it is on record."""
    client = await agent(town)
    _, first = await town.posted(TOKEN, grant_type="client_credentials", **{**client, "client_secret": "x"})
    wrong = {
        "secret": {"client_secret": client["client_secret"][:-1] + "~"},
        "id": {"client_id": "agt_00000000000000000000000000"},
        "other agent": {"client_id": town.stage.keys["agent"]["id"]},
        "api key": {"client_secret": town.stage.keys["agent"]["api_key"]},
        "empty": {"client_secret": ""},
        "person": {"client_secret": town.stage.keys["admin"]["api_key"]},
    }[change]
    status, answer = await town.posted(TOKEN, grant_type="client_credentials", **{**client, **wrong})
    assert (status, answer) == (401, first)
    assert answer["error"] == "invalid_client"


async def test_a_refused_header_is_challenged(town: Town) -> None:
    """A client that came by header is told the scheme. Source: RFC 6749 §5.2"""
    async with aiohttp.ClientSession() as http:
        form = {"grant_type": "client_credentials"}
        async with http.post(f"{town.url}{TOKEN}", data=form, headers=basic("a", "b")) as answer:
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("", "invalid_request"),
        ("%ff", "invalid_request"),
        ("grant_type=authorization_code&client_id=skipass-cli&client_secret=x&code=a", "invalid_client"),
        ("grant_type=authorization_code&client_id=skipass-cli&code=a", "invalid_grant"),
        ("grant_type=authorization_code&client_id=other&code=a", "invalid_client"),
        (f"grant_type={DEVICE_GRANT}&client_id=skipass-cli&device_code=a", "invalid_grant"),
        ("a=b&" * 40 + "grant_type=client_credentials", "invalid_request"),
    ],
)
async def test_a_request_that_is_none_is_refused_in_the_known_words(town: Town, body: str, error: str) -> None:
    """Every refusal is JSON with one of the codes that programs know."""
    sent = {"content-type": "application/x-www-form-urlencoded"}
    async with aiohttp.ClientSession() as http, http.post(f"{town.url}{TOKEN}", data=body, headers=sent) as answer:
        assert answer.status in (400, 401)
        assert (await answer.json())["error"] == error


async def test_an_agent_does_not_flood(town: Town) -> None:
    """A token is for an hour; an agent that asks for one with every call is told to wait."""
    client = await agent(town)
    seen = [
        (await town.posted(TOKEN, grant_type="client_credentials", **client))[0] for _ in range(TOKENS_A_MINUTE + 1)
    ]
    assert seen == [200] * TOKENS_A_MINUTE + [429]


async def test_the_server_says_what_it_can(town: Town) -> None:
    """The metadata names our own address, S256 and the endpoints that are there."""
    where = f"{town.url}/.well-known/oauth-authorization-server"
    async with aiohttp.ClientSession() as http, http.get(where) as answer:
        told = await answer.json()
        assert answer.headers["access-control-allow-origin"] == "*"
    assert told["issuer"] == town.gateway.deps.base_url
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["skipass_one_time_links"] is False
    for name in ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint"):
        assert told[name].startswith(f"{told['issuer']}/oauth/")


# The command line's own sign-in.


def request(proof: Proof, **changes: str) -> str:
    right = {
        "client_id": CLI,
        "redirect_uri": BACK,
        "response_type": "code",
        "state": "s1",
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
    }
    return f"{AUTHORIZE}?{urlencode({**right, **changes})}"


async def said(browser: Browser, page: Page, word: str) -> tuple[int, str]:
    """Press a button of the page and return where the browser is sent."""
    form, sent = {**page.form(AUTHORIZE), "word": word}, {"origin": browser.url}
    async with browser.http.post(f"{browser.url}{AUTHORIZE}", data=form, headers=sent, allow_redirects=False) as gone:
        return gone.status, gone.headers.get("location", "")


async def coded(town: Town, browser: Browser, proof: Proof) -> dict[str, list[str]]:
    status, back = await said(browser, await browser.get(request(proof)), "allow")
    assert status == 303
    assert back.startswith(f"{BACK}?")
    return parse_qs(urlsplit(back).query)


async def test_the_command_line_signs_in_by_a_browser(town: Town) -> None:
    """Consent, a code to the listener with state and `iss`, and a token that is the person and never decides."""
    proof, held = Proof(), await town.held()
    async with town.browser() as dana:
        await town.enter(dana)
        page = await dana.get(request(proof))
        assert "never approve or deny" in page.text
        assert "form-action 'self' http://127.0.0.1:53123;" in page.headers["content-security-policy"]
        answer = await coded(town, dana, proof)
    assert (answer["state"], answer["iss"]) == (["s1"], [town.gateway.deps.base_url])
    form = {"grant_type": "authorization_code", "client_id": CLI, "redirect_uri": BACK}
    trade = {**form, "code": answer["code"][0], "code_verifier": proof.verifier.reveal()}
    status, given = await town.posted(TOKEN, **trade)
    assert (status, given["expires_in"]) == (200, 12 * 3600)
    assert (await town.whoami(given["access_token"]))[1]["name"] == "dana@example.com"
    url = f"{town.url}/api/v1/approvals/{held.fields['approval']['id']}/approve"
    sent = {"authorization": f"Bearer {given['access_token']}"}
    async with aiohttp.ClientSession(headers=sent) as http, http.post(url, json={}) as refused:
        assert (refused.status, (await refused.json())["error"]["code"]) == (401, "sign_in_required")
    assert (await town.posted(TOKEN, **trade))[1]["error"] == "invalid_grant"
    assert (await town.whoami(given["access_token"]))[0] == 401, "a code that comes twice ends what it was traded for"


async def test_who_is_not_signed_in_comes_back_to_the_question(town: Town) -> None:
    """The request is carried through the sign-in, name by name."""
    async with town.browser() as dana:
        page = await dana.get(request(Proof()))
        assert page.url.path == "/sign-in"
        page = await town.enter(dana, to=page.url.query["to"])
        assert page.url.path == AUTHORIZE
        assert "Sign in the command line" in page.text


async def test_a_no_goes_back_as_one(town: Town) -> None:
    """The command line learns that the person refused, and there is no code."""
    async with town.browser() as dana:
        await town.enter(dana)
        _, back = await said(dana, await dana.get(request(Proof())), "deny")
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]
    assert await town.stage.every(AuthCode) == []


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.com/callback",
        "http://127.0.0.1:53123/callback/",
        "http://127.0.0.1:53123/other",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:53123/callback?x=1",
        "http://127.0.0.1:53123/callback#x",
        "http://127.0.0.1:53123@evil.example.com/callback",
        "http://127.0.0.1.evil.example.com:80/callback",
        "http://localhost:53123/callback",
        "https://127.0.0.1:53123/callback",
        "javascript:alert(1)",
        "http://127.0.0.1:53123/callback\n",
        "",
    ],
)
async def test_a_browser_is_sent_to_the_listener_alone(town: Town, uri: str) -> None:
    """Any other redirect address gets a page, never a redirect."""
    async with town.browser() as dana:
        await town.enter(dana)
        page = await dana.get(request(Proof(), redirect_uri=uri))
        assert (page.status, page.url.path) == (400, AUTHORIZE)
        assert (await dana.get(request(Proof(), client_id="other"))).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": ""},
    ],
    ids=str,
)
async def test_a_request_without_s256_goes_back_refused(town: Town, changes: dict[str, str]) -> None:
    """No PKCE, or plain: an error for the client, no page to consent on."""
    async with town.browser() as dana:
        await town.enter(dana)
        async with dana.http.get(f"{town.url}{request(Proof(), **changes)}", allow_redirects=False) as gone:
            assert gone.status == 303
            assert "error=" in gone.headers["location"]


async def test_consent_needs_the_page_of_this_sign_in(town: Town) -> None:
    """A form from elsewhere, or of another request, gives no code."""
    async with town.browser() as dana:
        await town.enter(dana)
        form = {**(await dana.get(request(Proof()))).form(AUTHORIZE), "word": "allow"}
        for changed, headers in (
            ({"redirect_uri": "http://127.0.0.1:1/callback"}, {}),
            ({"form": "x" * 64}, {}),
            ({}, {"origin": "https://127.0.0.1:1"}),
        ):
            assert (await dana.post(AUTHORIZE, {**form, **changed}, **headers)).status == 403
    assert await town.stage.every(AuthCode) == []


@pytest.mark.parametrize("change", ["verifier", "no verifier", "redirect", "late"])
async def test_a_stolen_code_is_worth_nothing(town: Town, change: str) -> None:
    """Without the verifier, the same redirect address, and within a minute, a code gives nothing."""
    proof = Proof()
    async with town.browser() as dana:
        await town.enter(dana)
        code = (await coded(town, dana, proof))["code"][0]
    if change == "late":

        async def age(unit: UnitOfWork) -> None:
            (one,) = await unit.find(AuthCode)
            await unit.change(one, expires_at=unit.now)

        await town.gateway.deps.journal.write(age)
    changed = {
        "verifier": {"code_verifier": Proof().verifier.reveal()},
        "no verifier": {"code_verifier": ""},
        "redirect": {"redirect_uri": "http://127.0.0.1:1/callback"},
    }.get(change, {})
    form = {"grant_type": "authorization_code", "client_id": CLI, "redirect_uri": BACK, "code": code}
    status, answer = await town.posted(TOKEN, **{**form, "code_verifier": proof.verifier.reveal(), **changed})
    assert (status, answer["error"]) == (400, "invalid_grant")


# A program without a browser.


async def waited(town: Town) -> dict[str, Any]:
    """Have a program ask, and let time pass so that it may poll."""
    status, given = await town.posted(DEVICE, client_id=CLI)
    assert status == 200
    return dict(given)


async def polled(town: Town, device_code: str) -> tuple[int, Any]:
    """Poll as if the interval were over."""

    async def long_ago(unit: UnitOfWork) -> None:
        for one in await unit.find(DeviceGrant):
            await unit.change(one, polled_at=None)

    await town.gateway.deps.journal.write(long_ago)
    return await town.posted(TOKEN, grant_type=DEVICE_GRANT, client_id=CLI, device_code=device_code)


async def test_a_device_is_let_in_by_a_person(town: Town) -> None:
    """The program polls, the person reads, types and agrees, and the token is theirs, once."""
    given = await waited(town)
    assert (await polled(town, given["device_code"]))[1]["error"] == "authorization_pending"
    async with town.browser() as dana:
        page = await dana.get(f"/oauth/device?user_code={given['user_code']}")
        assert page.url.path == "/sign-in"
        page = await town.enter(dana, to=page.url.query["to"])
        assert page.form("/oauth/device")["user_code"] == given["user_code"]
        page = await dana.post("/oauth/device", page.form("/oauth/device"))
        assert "From" in page.text
        assert "127.0.0.1" in page.text
        done = await dana.post("/oauth/device", {**page.form("/oauth/device"), "word": "allow"})
        assert "acts as dana@example.com now" in done.text
    status, token = await polled(town, given["device_code"])
    assert (status, (await town.whoami(token["access_token"]))[1]["name"]) == (200, "dana@example.com")
    assert (await polled(town, given["device_code"]))[1]["error"] == "invalid_grant"


async def test_a_code_in_the_address_is_never_taken_by_itself(town: Town) -> None:
    """Opening the complete address changes nothing: it takes two presses of a person."""
    given = await waited(town)
    async with town.browser() as dana:
        await town.enter(dana)
        await dana.get(f"/oauth/device?user_code={given['user_code']}&word=allow")
    assert (await polled(town, given["device_code"]))[1]["error"] == "authorization_pending"


async def test_a_person_turns_a_program_away(town: Town) -> None:
    """The program is told, and nothing is given."""
    given = await waited(town)
    async with town.browser() as dana:
        await town.enter(dana)
        form = (await dana.get("/oauth/device")).form("/oauth/device")
        await dana.post("/oauth/device", {**form, "user_code": given["user_code"].lower(), "word": "deny"})
    assert (await polled(town, given["device_code"]))[1]["error"] == "access_denied"


async def test_codes_are_not_guessed(town: Town) -> None:
    """A signed-in person gets a few wrong codes, and then even the right one waits."""
    given = await waited(town)
    async with town.browser() as dana:
        await town.enter(dana)
        form = (await dana.get("/oauth/device")).form("/oauth/device")
        for _ in range(WRONG_CODES):
            page = await dana.post("/oauth/device", {**form, "user_code": "BBBB-BBBB"})
            assert page.status == 404
        page = await dana.post("/oauth/device", {**form, "user_code": given["user_code"], "word": "allow"})
        assert page.status == 404
        assert "Too many" in page.text
    assert (await polled(town, given["device_code"]))[1]["error"] == "authorization_pending"


async def test_a_program_that_polls_too_fast_is_slowed_down(town: Town) -> None:
    """The second question within the interval is answered `slow_down`, and writes nothing."""
    given = await waited(town)
    await polled(town, given["device_code"])
    form = {"grant_type": DEVICE_GRANT, "client_id": CLI, "device_code": given["device_code"]}
    assert (await town.posted(TOKEN, **form))[1]["error"] == "slow_down"


async def test_a_device_code_ends(town: Town) -> None:
    """After ten minutes neither the person nor the program gets anywhere."""
    given = await waited(town)

    async def age(unit: UnitOfWork) -> None:
        (one,) = await unit.find(DeviceGrant)
        await unit.change(one, expires_at=unit.now)

    await town.gateway.deps.journal.write(age)
    async with town.browser() as dana:
        await town.enter(dana)
        form = (await dana.get("/oauth/device")).form("/oauth/device")
        assert (await dana.post("/oauth/device", {**form, "user_code": given["user_code"]})).status == 404
    assert (await polled(town, given["device_code"]))[1]["error"] == "expired_token"


async def test_nobody_asks_in_floods(town: Town) -> None:
    """One address gets a number of codes a minute; an unknown client none at all."""
    seen = [(await town.posted(DEVICE, client_id=CLI))[0] for _ in range(21)]
    assert seen == [200] * 20 + [429]
    assert (await town.posted(DEVICE, client_id="other"))[0] == 401


async def test_nothing_of_it_is_in_the_record(town: Town) -> None:
    """Neither tokens, codes nor secrets stand in an event."""
    client, given = await agent(town), await waited(town)
    _, token = await town.posted(TOKEN, grant_type="client_credentials", **client)
    secrets = (client["client_secret"], given["device_code"], given["user_code"], token["access_token"])
    found = await town.gateway.events.list(await town.stage.principal("admin"), after=None, limit=1000)
    text = " ".join(str(record.body) for record in found)
    assert [one for one in secrets if one in text] == []
