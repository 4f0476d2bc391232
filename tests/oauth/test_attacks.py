"""Attacks on the authorization server of MCP clients, each played to its end: no code, token or consent came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlencode

import aiohttp
import pytest

from oauth.program import AUTHORIZE, BACK, LOCAL, REGISTER, TOKEN, Quarter
from skipass.gateway.oauth_clients import REGISTERED_BY_ONE_A_MINUTE, RegistrationRefused
from skipass.nouns.grants import AuthCode
from skipass.nouns.oauth import Consent
from skipass.nouns.people import ApiKey, KeyUse
from skipass.snowflake.auth.oauth import Proof
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio
Attack: TypeAlias = Callable[[Quarter, Browser], Awaitable[None]]
ATTACKS: list[Attack] = []
EVIL = "https://evil.example.com/callback"


def attack(script: Attack) -> Attack:
    ATTACKS.append(script)
    return script


async def nothing(at: Quarter) -> None:
    """Hold that nobody agreed to anything, and nothing was given."""
    assert await at.stage.every(Consent) == []
    assert await at.stage.every(AuthCode) == []
    assert await at.stage.every(ApiKey, use=KeyUse.MCP_TOKEN) == []


async def stays(browser: Browser, path: str) -> None:
    """Hold that a request gets a page of ours, and the browser is sent nowhere."""
    page = await browser.get(path, allow_redirects=False)
    assert (page.status, "location" in page.headers) == (400, False), page.text
    assert not page.has_form(AUTHORIZE)


@attack
async def redirect_beside_the_registered_one(at: Quarter, sam: Browser) -> None:
    """Addresses that look like the client's own."""
    editor = await at.program()
    for uri in (
        EVIL,
        f"{BACK}/",
        f"{BACK}/../x",
        f"{BACK}?x=1",
        f"{BACK}#x",
        BACK.replace("https", "http"),
        BACK.replace("client.", "CLIENT."),
        BACK.replace(".com/", ".com:443/"),
        BACK.replace("https://", "https://client.example.com@evil.example.com/"),
        BACK.replace(".com/", ".com.evil.example.com/"),
        BACK.replace("/callback", "/Callback"),
        f"{BACK}\n",
        f" {BACK}",
        BACK.replace("/callback", "\\@evil.example.com/callback"),
        BACK.replace("/callback", "/%63allback"),
    ):
        await stays(sam, editor.request(redirect_uri=uri))
        await stays(sam, editor.request(redirect_uri=uri, response_type="token"))


@attack
async def redirect_left_out(at: Quarter, sam: Browser) -> None:
    """No address at all: none is taken for it."""
    await stays(sam, (await at.program()).request(redirect_uri=""))


@attack
async def redirect_of_another_client(at: Quarter, sam: Browser) -> None:
    """A good client's id with the attacker's registered address, and the other way round."""
    good, bad = await at.program(), await at.program(redirect_uris=[EVIL])
    await stays(sam, good.request(redirect_uri=EVIL))
    await stays(sam, bad.request(redirect_uri=BACK))


@attack
async def loopback_beside_the_registered_path(at: Quarter, sam: Browser) -> None:
    """Any port of this machine, but no other path, host, scheme or query."""
    tool = await at.program(redirect_uris=["http://127.0.0.1/callback"])
    for uri in (
        "http://127.0.0.1:5/other",
        "http://127.0.0.1:5/callback?x=1",
        "http://localhost:5/callback",
        "http://[::1]:5/callback",
        "https://127.0.0.1:5/callback",
        "http://127.0.0.1:5@evil.example.com/callback",
        "http://127.0.0.1.evil.example.com:5/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.1:5/callback",
    ):
        await stays(sam, tool.request(redirect_uri=uri))
    assert (await tool.asked(sam, redirect_uri=LOCAL)).status == 200


@attack
async def nobody_of_that_name(at: Quarter, sam: Browser) -> None:
    """Client ids that nobody has: a page, whatever address is named."""
    editor = await at.program()
    for name in ("", "cli_00000000000000000000000000", f"{editor.client_id} ", "' OR 1=1 --", "x" * 2000, "\ud800"[:0]):
        await stays(sam, editor.request(client_id=name))


@attack
async def dangerous_redirects_registered(at: Quarter, _: Browser) -> None:
    """What a browser would run, open from disk, or send in the clear; and what two readers read differently."""
    assert (await at.registered(redirect_uris=["javascript:alert(1)"]))[1]["error"] == "invalid_redirect_uri"
    uris = (
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "blob:https://client.example.com/x",
        "http://client.example.com/callback",
        "http://169.254.169.254/callback",
        "unknown-app://callback",
        "cursor:",
        "https://client.example.com/callback#fragment",
        "https://user:password@client.example.com/callback",
        "https://client.example.com\\@evil.example.com/",
        "https:client.example.com/callback",
        "https:///callback",
        "//client.example.com/callback",
        "JAVASCRIPT:alert(1)",
        "java\tscript:alert(1)",
        "https://client.example.com/call back",
        "https://client.example.com/\u202eback",
        "https://client.example.com:99999/callback",
        'https://client.example.com/";script-src *',
        "",
    )
    for number, uri in enumerate(uris):
        with pytest.raises(RegistrationRefused) as refusal:
            await at.gateway.oauth_clients.register({"redirect_uris": [BACK, uri]}, f"192.0.2.{number}")
        assert refusal.value.error == "invalid_redirect_uri", uri


@attack
async def registration_that_is_none(at: Quarter, _: Browser) -> None:
    """Metadata of other shapes, twice the same member, deep, large, or of another type."""
    for fields in ({"redirect_uris": []}, {"redirect_uris": BACK}, {"redirect_uris": [1]}, {"client_name": {"a": 1}}):
        assert (await at.registered(**fields))[0] == 400
    for fields in ({"grant_types": ["implicit"]}, {"response_types": ["token"]}):
        assert (await at.registered(**fields))[1]["error"] == "invalid_client_metadata"
    assert (await at.registered(token_endpoint_auth_method="private_key_jwt"))[0] == 400
    json, name = {"content-type": "application/json"}, f'"redirect_uris":["{BACK}"]'
    for body, headers in (
        (f'{{"redirect_uris":["{EVIL}"],{name}}}', json),
        ("[" * 5000 + "]" * 5000, json),
        (f'{{{name},"x":"{"a" * 20_000}"}}', json),
        (f"{{{name}}}", {"content-type": "text/plain"}),
        ("null", json),
        ("", json),
    ):
        async with aiohttp.ClientSession() as http, http.post(at.url + REGISTER, data=body, headers=headers) as said:
            assert said.status == 400, body[:60]


@attack
async def registrations_in_floods(at: Quarter, _: Browser) -> None:
    """One address registers a number of clients a minute, and is then told to wait."""
    seen = [(await at.registered())[0] for _ in range(REGISTERED_BY_ONE_A_MINUTE + 1)]
    assert seen == [201] * REGISTERED_BY_ONE_A_MINUTE + [429]


@attack
async def proof_left_out(at: Quarter, sam: Browser) -> None:
    """No challenge, a plain one, or one that is none: back with an error, never with a code."""
    editor = await at.program()
    for bent in ({"code_challenge": ""}, {"code_challenge_method": "plain"}, {"code_challenge_method": ""}):
        assert (await editor.answer(sam, **bent))["error"] == "invalid_request"
    assert (await editor.answer(sam, code_challenge="a" * 44))["error"] == "invalid_request"


@attack
async def token_by_the_front_door(at: Quarter, sam: Browser) -> None:
    """Implicit and hybrid answers are not given."""
    editor = await at.program()
    for kind in ("token", "code token", "id_token", "none", ""):
        answer = await editor.answer(sam, response_type=kind)
        assert answer["error"] == "unsupported_response_type"
        assert answer["iss"] == at.base_url


@attack
async def consent_by_an_address(at: Quarter, sam: Browser) -> None:
    """The victim's browser opens an address that already says yes."""
    editor = await at.program()
    page = await sam.get(f"{editor.request()}&word=allow&form=x", allow_redirects=False)
    assert page.status == 200


@attack
async def consent_by_a_foreign_form(at: Quarter, sam: Browser) -> None:
    """Another site posts the form; or one of ours is posted without its token, or with another's."""
    editor = await at.program()
    form = {**(await editor.asked(sam)).form(AUTHORIZE), "word": "allow"}
    assert (await sam.post(AUTHORIZE, form, origin="https://evil.example.com")).status == 403
    assert (await sam.post(AUTHORIZE, form, origin="null")).status == 403
    for token in ("", "0" * 64):
        assert (await sam.post(AUTHORIZE, {**form, "form": token})).status == 403


@attack
async def consent_form_of_another_sign_in(at: Quarter, sam: Browser) -> None:
    """A form that the attacker fetched while signed in, posted by the victim's browser."""
    await at.open("sam", "grace")
    editor = await at.program()
    async with at.browser() as other:
        form = (await editor.asked(await at.signed_in(other, "grace"))).form(AUTHORIZE)
    assert (await sam.post(AUTHORIZE, {**form, "word": "allow"})).status == 403


@attack
async def consent_form_for_something_else(at: Quarter, sam: Browser) -> None:
    """A form whose client, address, slug, scope, challenge or state was changed after the person read it."""
    await at.open("sam", slug="snowflake")
    editor, other = await at.program(), await at.program(redirect_uris=[EVIL])
    form = {**(await editor.asked(sam)).form(AUTHORIZE), "word": "allow"}
    for bent in (
        {"client_id": other.client_id, "redirect_uri": EVIL},
        {"client_id": "skipass-cli", "redirect_uri": LOCAL},
        {"redirect_uri": EVIL},
        {"resource": at.resource("snowflake")},
        {"scope": "tools:read sessions:request tools:write"},
        {"code_challenge": Proof().challenge},
        {"state": "attacker"},
    ):
        assert (await sam.post(AUTHORIZE, {**form, **bent})).status in (400, 403), bent


@attack
async def consent_page_in_a_frame(at: Quarter, sam: Browser) -> None:
    """The page refuses every frame, by both of the headers that browsers know."""
    page = await (await at.program()).asked(sam)
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


@attack
async def script_in_a_clients_name(at: Quarter, sam: Browser) -> None:
    """What a client calls itself is text, and what would not show is spelled out."""
    name = "<script>alert(1)</script>\u202e\u200bEditor"
    page = await (await at.program(client_name=name)).asked(sam)
    assert "<script" not in page.html
    assert "<script>alert(1)</script>Editor" in page.text


@attack
async def resource_that_is_none_of_ours(at: Quarter, sam: Browser) -> None:
    """Other hosts, other slugs, other spellings, nothing at all, and a slug that does not let the person in."""
    editor = await at.program()
    for resource in (
        "",
        "https://evil.example.com/jit/mcp",
        at.resource("nothing"),
        at.resource("snowflake"),
        f"{at.resource()}/",
        f"{at.resource()}?x=1",
        f"{at.resource()}#x",
        at.resource().upper(),
        at.resource("jit/../jit"),
        at.base_url,
        f"{at.base_url}/api/v1",
    ):
        answer = await editor.answer(sam, resource=resource)
        assert (answer["error"], "code" in answer) == ("invalid_target", False), resource


@attack
async def scopes_that_are_none_of_ours(at: Quarter, sam: Browser) -> None:
    """Scopes of decisions or of everything are not there; beside known ones they are not granted."""
    editor = await at.program()
    for scope in ("approvals:decide", "*", "admin", "tools:read2", "session:role:ACCOUNTADMIN"):
        assert (await editor.answer(sam, scope=scope))["error"] == "invalid_scope"
    page = await editor.asked(sam, scope="tools:read approvals:decide")
    assert "approvals:decide" not in page.text


@attack
async def one_parameter_twice(at: Quarter, sam: Browser) -> None:
    """What two readers could read differently is read by none: a page, or invalid_request."""
    editor = await at.program()
    for name, value in (("redirect_uri", EVIL), ("client_id", "x"), ("resource", "x"), ("scope", "x")):
        await stays(sam, f"{editor.request()}&{urlencode({name: value})}")
    body = f"grant_type=refresh_token&client_id={editor.client_id}&refresh_token=a&refresh_token=b"
    sent = {"content-type": "application/x-www-form-urlencoded"}
    async with aiohttp.ClientSession() as http, http.post(at.url + TOKEN, data=body, headers=sent) as said:
        assert (said.status, (await said.json())["error"]) == (400, "invalid_request")


@attack
async def fetching_of_inner_addresses(at: Quarter, sam: Browser) -> None:
    """Client ids that lead inside, or are no plain https address: nothing is fetched, and the browser stays."""
    editor = await at.program()
    for client_id in (
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/client",
        "https://[fd00::1]/client",
        "https://[::ffff:10.0.0.1]/client",
        "https://2130706433/client",
        "https://0x7f.1/client",
        "https://x.privatelink.snowflakecomputing.com.invalid/client",
        "http://client.example.com/client",
        "ftp://client.example.com/client",
        "https://client.example.com",
        "https://client.example.com/",
        "https://client.example.com/a/../client",
        "https://client.example.com/%2e%2e/client",
        "https://user@client.example.com/client",
        "https://client.example.com/client#x",
        "file:///etc/passwd",
    ):
        await stays(sam, editor.request(client_id=client_id))


@pytest.mark.parametrize("script", ATTACKS, ids=lambda script: script.__name__)
async def test_an_attack_before_consent_gets_nothing(quarter: Quarter, sam: Browser, script: Attack) -> None:
    """Each script plays one attack; afterwards there is no consent, no code and no token."""
    await script(quarter, sam)
    await nothing(quarter)
