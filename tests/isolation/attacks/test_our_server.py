"""Attacks on our own authorization server: where it sends a browser, what a code is good for, and for whom."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from accounts.walk import Walk
from isolation.attacks.script import Attack, collected, part
from skipass.nouns.people import Agent
from skipass.snowflake.auth.oauth import Proof
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio
ATTACKS: list[Attack] = []
attack = collected(ATTACKS)
OURS = "http://127.0.0.1:8976/callback"
CLI = "skipass-cli"


def asked(proof: Proof, **bent: str) -> dict[str, str]:
    right = {"client_id": CLI, "redirect_uri": OURS, "response_type": "code", "state": "s"}
    return right | {"code_challenge": proof.challenge, "code_challenge_method": "S256"} | bent


async def token(walk: Walk, auth: tuple[str, str] | None = None, **form: str) -> tuple[int, Any]:
    pair = base64.b64encode(":".join(quote(one, safe="") for one in auth).encode()).decode() if auth else ""
    sent, url = {"authorization": f"Basic {pair}"} if auth else {}, f"{walk.url}/oauth/token"
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=sent) as said:
        return said.status, await said.json()


async def code_of(browser: Browser, proof: Proof) -> str:
    """Return the code that a person gives the command line."""
    page = await browser.get(f"/oauth/authorize?{urlencode(asked(proof))}")
    form = {**page.form("/oauth/authorize"), "word": "allow"}
    sent = {"origin": browser.url}
    url = f"{browser.url}/oauth/authorize"
    async with browser.http.post(url, data=form, headers=sent, allow_redirects=False) as gone:
        assert gone.headers["location"].startswith(f"{OURS}?")
        return part(gone.headers["location"], "code")


def trade(code: str, proof: Proof) -> dict[str, str]:
    right = {"grant_type": "authorization_code", "client_id": CLI, "code": code, "redirect_uri": OURS}
    return right | {"code_verifier": proof.verifier.reveal()}


@attack
async def open_redirect(walk: Walk) -> None:
    """Addresses beside our own listener's: the browser stays here, whoever is signed in."""
    async with walk.signed_in() as sam:
        for uri in (
            "https://evil.example.com/callback",
            "http://127.0.0.1:8976/callback/../x",
            "http://127.0.0.1:8976@evil.example.com/callback",
            "http://127.0.0.1.evil.example.com:1/callback",
            "http://localhost:8976/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:8976/callback#x",
            "http://127.0.0.1:8976/callback?x=y",
            "http://127.0.0.1:8976/Callback",
            "http://127.0.0.1:8976/callback\n",
            "https://127.0.0.1:8976/callback",
            "javascript:alert(1)",
            "",
        ):
            for error in ({}, {"response_type": "token"}):
                query = urlencode(asked(Proof(), redirect_uri=uri, **error))
                page = await sam.get(f"/oauth/authorize?{query}", allow_redirects=False)
                assert page.status == 400
                assert "location" not in page.headers


@attack
async def proof_left_out(walk: Walk) -> None:
    """A request without a challenge, with a plain one, or with one that is none, gets no code."""
    async with walk.signed_in() as sam:
        for bent in ({"code_challenge_method": "plain"}, {"code_challenge": ""}, {"code_challenge": "a" * 44}):
            query = urlencode(asked(Proof(), **bent))
            page = await sam.get(f"/oauth/authorize?{query}", allow_redirects=False)
            assert part(page.headers["location"], "error") == "invalid_request"


@attack
async def consent_by_a_cookie_alone(walk: Walk) -> None:
    """A signed-in victim's browser is made to agree by an address, a foreign form, or a form for another client."""
    proof = Proof()
    async with walk.signed_in() as sam:
        page = await sam.get(f"/oauth/authorize?{urlencode(asked(proof))}&word=allow", allow_redirects=False)
        assert "location" not in page.headers
        form = {**page.form("/oauth/authorize"), "word": "allow"}
        for bent in ({"form": ""}, {"form": "0" * 64}, {"redirect_uri": "http://127.0.0.1:1/callback"}, {"state": "x"}):
            assert (await sam.post("/oauth/authorize", {**form, **bent})).status in (403, 422)
        assert (await sam.post("/oauth/authorize", form, origin="https://evil.example.com")).status == 403


@attack
async def form_of_another_sign_in(walk: Walk) -> None:
    """A form that the attacker fetched, posted by the victim's browser."""
    async with walk.signed_in() as sam, walk.signed_in("grace") as attacker:
        page = await attacker.get(f"/oauth/authorize?{urlencode(asked(Proof()))}")
        form = {**page.form("/oauth/authorize"), "word": "allow"}
        assert (await sam.post("/oauth/authorize", form)).status == 403


@attack
async def stolen_code(walk: Walk) -> None:
    """A code without its verifier, with another's, for another address or client: nothing for it."""
    proof = Proof()
    async with walk.signed_in() as sam:
        code = await code_of(sam, proof)
    for bent in (
        {"code_verifier": ""},
        {"code_verifier": Proof().verifier.reveal()},
        {"code_verifier": proof.challenge},
        {"redirect_uri": "http://127.0.0.1:1/callback"},
        {"client_id": "reporting-agent"},
        {"code": f"{code}x"},
    ):
        status, said = await token(walk, **(trade(code, proof) | bent))
        assert (status, "access_token" in said) in ((400, False), (401, False)), bent


@attack
async def replayed_code(walk: Walk) -> None:
    """A code that comes twice ends the token it was traded for."""
    proof = Proof()
    async with walk.signed_in() as sam:
        code = await code_of(sam, proof)
        status, said = await token(walk, **trade(code, proof))
        assert status == 200
        assert (await token(walk, **trade(code, proof)))[0] == 400
        bearer = {"authorization": f"Bearer {said['access_token']}"}
        assert (await sam.get("/api/v1/whoami", headers=bearer)).status == 401


@attack
async def device_code_sent_to_a_victim(walk: Walk) -> None:
    """The attacker's code in an address the victim opens: it is filled in and never taken."""
    url = f"{walk.url}/oauth/device_authorization"
    async with aiohttp.ClientSession() as http, http.post(url, data={"client_id": CLI}) as answer:
        waits = await answer.json()
    async with walk.signed_in() as victim:
        page = await victim.get(f"/oauth/device?user_code={waits['user_code']}&word=allow")
        assert page.status in (200, 400)
        form = {"user_code": waits["user_code"], "word": "allow", "form": "0" * 64}
        assert (await victim.post("/oauth/device", form)).status == 403
        assert (await victim.post("/oauth/device", form, origin="https://evil.example.com")).status == 403
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    _, said = await token(walk, grant_type=grant, client_id=CLI, device_code=waits["device_code"])
    assert said["error"] == "authorization_pending"


@attack
async def device_code_guessed(walk: Walk) -> None:
    """Ten wrong codes of one person, and even the right one is not found."""
    waits = await walk.gateway.devices.ask(CLI, None)
    async with walk.signed_in() as sam:
        form = (await sam.get("/oauth/device")).form("/oauth/device")
        for _ in range(10):
            assert (await sam.post("/oauth/device", {**form, "user_code": "BBBB-BBBB", "word": ""})).status == 404
        assert (await sam.post("/oauth/device", {**form, "user_code": waits.user_code, "word": ""})).status == 404


@attack
async def secret_of_another_client(walk: Walk) -> None:
    """An agent's own good credential under another agent's name, its key for its secret, and two ways at once."""
    given = await walk.gateway.agents.create(await walk.admin(), "thief", owner="sam", users=[], connections=[])
    secret, key = given[1].client_secret.reveal(), given[1].text.reveal()
    (victim,) = await walk.stage.every(Agent, name="reporting-agent")
    for name, text in ((victim.id, secret), (victim.name, secret), ("thief", key), ("thief", ""), ("", secret)):
        status, said = await token(walk, auth=(name, text), grant_type="client_credentials")
        assert (status, said["error"]) == (401, "invalid_client")
    status, said = await token(walk, auth=("thief", secret), grant_type="client_credentials", client_id=victim.id)
    assert said["error"] == "invalid_request"
    assert (await token(walk, auth=("thief", secret), grant_type="client_credentials"))[0] == 200


@attack
async def sign_in_that_leads_away(walk: Walk) -> None:
    """An address beside our own pages carried through a sign-in."""
    for to in (
        "https://evil.example.com",
        "//evil.example.com",
        "/\\evil.example.com",
        "/connect?x=//evil",
        "/console/../x",
    ):
        async with walk.browser() as sam:
            page = await sam.sign_in(await walk.link("sam"), to)
            assert page.url.path == "/console"
            assert str(page.url).startswith(walk.url)


@attack
async def sign_in_by_somebody_elses_page(walk: Walk) -> None:
    """Login CSRF: a foreign page posts the attacker's link, and the victim stays nobody."""
    link = await walk.link("grace")
    async with walk.browser() as victim:
        assert (
            await victim.post("/sign-in", {"link": link, "to": ""}, origin="https://evil.example.com")
        ).status == 403
        assert (await victim.get("/console")).url.path == "/sign-in"


@pytest.mark.parametrize("script", ATTACKS, ids=lambda script: script.__name__)
async def test_an_attack_on_our_server_gets_nowhere(walk: Walk, script: Attack) -> None:
    """Each script plays one attack to its end and holds that no token, code or sign-in came of it."""
    await script(walk)
