"""The identity provider goes wrong, is slow, is down, or is somebody else: nobody comes in, and the page says why."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from gateways import served, stage
from people.rogue import CLIENT, Rogue, another, document
from people.walk import CALLBACK, Town
from serving import serving
from skipass.gateway import oidc
from skipass.nouns.people import User
from skipass.nouns.signin import SignIn
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.anyio
DISCOVERY, KEYS, TOKEN = "/.well-known/openid-configuration", "/keys", "/token"


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    told = Rogue()
    with serving(told) as url:
        told.issuer = url
        yield told


@pytest.fixture
async def town(
    sandbox: RunningSandbox, rogue: Rogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    settings = {"ISSUER": rogue.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": "s3cr3t!/ +", "CREATE": "member"}
    for name, value in settings.items():
        monkeypatch.setenv(f"SKIPASS_OIDC_{name}", value)
    sandbox.control.reset()
    async with stage(sandbox, tmp_path / "home") as at, served(at) as url:
        yield Town(url, at)


async def begun(town: Town, rogue: Rogue, browser: Browser, **claims: Any) -> str:
    """Begin, have the provider say something, and return the answer's address."""
    query = parse_qs(urlsplit(await town.leave(browser)).query)
    now = int(town.gateway.deps.journal.now().timestamp())
    right = {"iss": rogue.issuer, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": query["nonce"][0]}
    rogue.claims = {**right, "preferred_username": "dana", **claims}
    return f"{CALLBACK}?{urlencode({'code': 'c', 'state': query['state'][0]})}"


async def entered(town: Town, rogue: Rogue, **claims: Any) -> Page:
    async with town.browser() as browser:
        return await browser.get(await begun(town, rogue, browser, **claims))


async def nobody(town: Town) -> bool:
    return await town.stage.every(SignIn) == [] and await town.stage.every(User, name="dana") == []


async def test_a_right_provider_signs_in(town: Town, rogue: Rogue) -> None:
    """The client proves itself by header, the verifier goes along, and nothing is in the address of the token call."""
    page = await entered(town, rogue)
    assert "You are signed in as dana" in page.text
    (form,) = [form for path, form in rogue.asked if path == TOKEN]
    assert (form["grant_type"], form["redirect_uri"]) == ("authorization_code", town.gateway.entering.redirect_uri)
    assert len(form["code_verifier"]) >= 43
    assert "client_secret" not in form


async def test_a_provider_that_takes_the_secret_in_the_form_gets_it_there(town: Town, rogue: Rogue) -> None:
    """What the provider publishes about client authentication is followed."""
    rogue.answers[DISCOVERY] = document(rogue.discovery(token_endpoint_auth_methods_supported=["client_secret_post"]))
    await entered(town, rogue)
    (form,) = [form for path, form in rogue.asked if path == TOKEN]
    assert form["client_secret"] == "s3cr3t!/ +"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "https://another.example.com"},
        {"exp": 1},
        {"iat": 1},
        {"sub": ""},
    ],
    ids=str,
)
async def test_a_token_that_is_not_ours_signs_nobody_in(town: Town, rogue: Rogue, claims: dict[str, Any]) -> None:
    """Signed by the right key and still not for us, for this sign-in, or for now."""
    page = await entered(town, rogue, **claims)
    assert page.status == 502
    assert "The ID token is refused" in page.text
    assert await nobody(town)


async def test_an_unsigned_token_signs_nobody_in(town: Town, rogue: Rogue) -> None:
    """`alg` none, straight from the token endpoint, is refused like any other."""
    async with town.browser() as browser:
        address = await begun(town, rogue, browser)
        parts = [json.dumps(one).encode() for one in ({"alg": "none", "kid": "one"}, rogue.claims)]
        text = ".".join([*(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts), ""])
        rogue.answers[TOKEN] = document({"id_token": text})
        assert (await browser.get(address)).status == 502
    assert await nobody(town)


async def test_a_new_key_is_looked_for_once(town: Town, rogue: Rogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotated key is found; unknown ones are not looked for again and again."""
    assert (await entered(town, rogue)).status == 200
    rogue.key = another("two")
    assert (await entered(town, rogue)).status == 502
    assert rogue.count(KEYS) == 1
    monkeypatch.setattr(oidc, "LEAST_S", 0.0)
    assert (await entered(town, rogue)).status == 200
    assert rogue.count(KEYS) == 2
    monkeypatch.setattr(oidc, "LEAST_S", 3600.0)
    rogue.published, rogue.key = [rogue.key], another("three")
    for _ in range(3):
        assert (await entered(town, rogue)).status == 502
    assert rogue.count(KEYS) == 2


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (DISCOVERY, (200, "text/html", b"<html>Sign in to the network</html>")),
        (DISCOVERY, (503, "application/json", b"{}")),
        (DISCOVERY, (200, "application/json", b'{"issuer": "' + b"x" * 300_000 + b'"}')),
        (DISCOVERY, (302, "text/plain", b"http://127.0.0.1:1/")),
        (DISCOVERY, (200, "application/json", b"[]")),
        (DISCOVERY, (200, "application/json", b"{}")),
        (KEYS, (200, "text/html", b"<html>")),
        (KEYS, (200, "application/json", b'{"keys": []}')),
        (KEYS, (500, "application/json", b"{}")),
        (TOKEN, (200, "text/html", b"<html>")),
        (TOKEN, (200, "application/json", b"{}")),
        (TOKEN, (200, "application/json", b'{"id_token": 7}')),
        (TOKEN, (200, "application/json", b'{"id_token": "x.y.z"}')),
        (TOKEN, (400, "application/json", b'{"error": "invalid_grant"}')),
        (TOKEN, (401, "application/json", b'{"error": "invalid_client"}')),
        (TOKEN, (500, "text/plain", b"oops")),
        (TOKEN, (302, "text/plain", b"http://127.0.0.1:1/")),
    ],
    ids=lambda one: one if isinstance(one, str) else f"{one[0]} {one[2][:20]!r}",
)
async def test_an_answer_that_does_not_fit_signs_nobody_in(town: Town, rogue: Rogue, path: str, answer: Any) -> None:
    """HTML, another status, too much, too little or a redirect: a page that says so, and nothing is kept."""
    rogue.answers[path] = answer
    async with town.browser() as browser:
        if path == DISCOVERY:
            page = await browser.get("/oauth/sign-in/start")
        else:
            page = await browser.get(await begun(town, rogue, browser))
    assert page.status in (502, 503)
    assert 'role="alert"' in page.html
    assert await nobody(town)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example.com"},
        {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_what_is_published_is_not_followed_inside(town: Town, rogue: Rogue, changes: dict[str, Any]) -> None:
    """An issuer that is another one, or addresses that are none, are refused before a browser is sent anywhere."""
    rogue.answers[DISCOVERY] = document(rogue.discovery(**changes))
    async with town.browser() as browser:
        page = await browser.get("/oauth/sign-in/start")
    assert page.status == 503
    assert "The identity provider cannot be used" in page.text


async def test_keys_on_a_metadata_address_are_not_fetched(town: Town, rogue: Rogue) -> None:
    """An https address that leads to a link-local one is refused when it is dialled."""
    rogue.answers[DISCOVERY] = document(rogue.discovery(jwks_uri="https://169.254.169.254/keys"))
    page = await entered(town, rogue)
    assert page.status == 503
    assert "never reached" in page.text
    assert await nobody(town)


async def test_a_slow_provider_is_not_waited_for(town: Town, rogue: Rogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hangs on a provider that hangs."""
    monkeypatch.setattr(oidc, "WAIT_S", 0.2)
    rogue.answers[DISCOVERY] = "never"
    async with town.browser() as browser:
        page = await browser.get("/oauth/sign-in/start")
    assert page.status == 503
    assert "does not answer" in page.text


async def test_a_provider_that_names_itself_has_to(town: Town, rogue: Rogue) -> None:
    """Where the provider says that its answers carry `iss`, one without it is somebody else's."""
    rogue.answers[DISCOVERY] = document(rogue.discovery(authorization_response_iss_parameter_supported=True))
    async with town.browser() as browser:
        address = await begun(town, rogue, browser)
        assert (await browser.get(address)).status == 502
        assert (await browser.get(f"{address}&iss={rogue.issuer}")).status == 200


async def test_an_unverified_address_is_no_claim(town: Town, rogue: Rogue) -> None:
    """An e-mail address counts only where the provider verified it: people write theirs themselves elsewhere."""
    await entered(town, rogue, email="ceo@example.com")
    assert (await town.person("dana")).claims == {}
    await entered(town, rogue, email="dana@example.com", email_verified=True)
    assert (await town.person("dana")).claims == {"email": "dana@example.com"}


@pytest.mark.parametrize("name", ["agt_1/someone", "a b", "", "x" * 65, "Ädа", 7])
async def test_a_name_that_is_none_here_makes_nobody(town: Town, rogue: Rogue, name: Any) -> None:
    """A claim that could pass for something else is no name, and the page names the setting."""
    page = await entered(town, rogue, preferred_username=name)
    assert page.status == 403
    assert "SKIPASS_OIDC_USERNAME_CLAIM" in page.text


async def test_a_list_of_groups_that_is_kept_back_lets_nobody_in(town: Town, rogue: Rogue) -> None:
    """No list is not an empty one: a provider that only points to it is asked to send it."""
    page = await entered(town, rogue, _claim_names={"groups": "src1"})
    assert page.status == 502
    assert "keeps the list of groups back" in page.text
