"""External OAuth: the metadata as people have it, the configured scope above all, and what a provider leaves out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.walk import ROLE, Walk
from gateways import BASE_URL
from skipass.errors import SkipassError
from skipass.nouns.account import ConnectedAccount

pytestmark = pytest.mark.anyio


async def test_a_provider_is_registered_as_pasted(walk: Walk) -> None:
    """A foreign redirect URI is replaced and said, unknown members are kept and named, no secret is."""
    added = await walk.by_provider(logo_uri="https://example.com/logo.png", scopes_supported=["openid"])
    registration = added.registration
    assert registration is not None
    said = " ".join(added.remarks)
    assert "https://elsewhere.example.com/callback is not ours" in said
    assert f"{BASE_URL}/oauth/upstream-callback/{registration.id}" in said
    assert "logo_uri, scopes_supported" in said
    assert registration.metadata["logo_uri"] == "https://example.com/logo.png"
    assert registration.metadata["token_endpoint"].endswith("/v1/token")
    assert "client_secret" not in registration.metadata
    assert walk.stage.sandbox.said["idp"]["client_secret"] not in repr(added)


async def test_a_person_connects_through_the_provider(walk: Walk) -> None:
    """The configured scope goes out as it is written, and the account is ACTIVE as the provider's person."""
    await walk.by_provider()
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        address = await walk.to_the_sign_in(sam, await walk.invite(await walk.of(key), "idp"))
        query = parse_qs(urlsplit(address).query)
        assert query["scope"] == [f"session:role:{ROLE} offline_access"]
        assert query["code_challenge_method"] == ["S256"]
        done = await walk.land(sam, await walk.agree(address))
    assert "Connected" in done.text, done.text
    account = await walk.one(ConnectedAccount)
    assert (account.state.value, account.login) == ("ACTIVE", "DANA")
    assert {call["user"] for call in await walk.query(key, "idp")} == {"DANA"}


async def test_a_dropped_role_scope_is_said(walk: Walk) -> None:
    """Where the provider's rule gives the scope to others only, the page says which was asked for and not granted."""
    await walk.by_provider()
    agent = await walk.of(await walk.agent(connection="idp"))
    walk.stage.sandbox.control.provider("server", rules=[{"scopes": ["offline_access"]}])
    try:
        async with walk.signed_in() as sam:
            page = await walk.linked(sam, await walk.invite(agent, "idp"))
    finally:
        granted = {"scopes": [f"session:role:{ROLE}"], "groups": ["operations"]}
        walk.stage.sandbox.control.provider("server", rules=[granted, {"scopes": ["offline_access"]}])
    assert f"The scope for {ROLE} was asked for and not granted" in page.text
    assert await walk.state() == "PENDING_AUTH"


async def test_a_scope_that_the_provider_does_not_know_is_shown_as_it_says(walk: Walk) -> None:
    """The provider's own words about an unconfigured scope are on the page."""
    await walk.by_provider(scope="session:role:NOBODY_ROLE offline_access")
    agent = await walk.of(await walk.agent(connection="idp"))
    async with walk.signed_in() as sam:
        token = await walk.invite(agent, "idp")
        address = (await walk.to_the_sign_in(sam, token)).replace(ROLE, "NOBODY_ROLE")
        page = await walk.land(sam, await walk.agree(address))
    assert "scopes are not configured" in page.text
    assert await walk.state() == "PENDING_AUTH"


async def test_the_answer_of_another_issuer_is_refused(walk: Walk) -> None:
    """An `iss` that is not the registration's ends the attempt before the code leaves."""
    await walk.by_provider()
    agent = await walk.of(await walk.agent(connection="idp"))
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent, "idp")))
        page = await walk.land(sam, f"{back}&iss=https%3A%2F%2Fevil.example.com")
    assert "another issuer" in page.text
    assert [call for call in walk.stage.sandbox.control.calls() if call["path"].endswith("/v1/token")] == []


@pytest.mark.parametrize("kind", ["error_html", "cut_after", "wrong_json"])
async def test_a_provider_that_is_down_is_said(walk: Walk, kind: str) -> None:
    """Discovery that does not come is a refusal to register; a token endpoint that fails is one to link."""
    added = await walk.by_provider()
    assert added.registration is not None
    agent = await walk.of(await walk.agent(connection="idp"))
    control = walk.stage.sandbox.control
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent, "idp")))
        control.faults({"kind": kind, "path": "/v1/token", "count": 3})
        assert "No tokens came" in (await walk.land(sam, back)).text
    control.faults({"kind": kind, "path": "/.well-known", "count": 9})
    with pytest.raises(SkipassError) as refused:
        await walk.by_provider("second")
    assert refused.value.code == "invalid_request"


async def test_a_provider_that_is_slow_is_given_up_on(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link ends with what did not come and keeps nothing; a registration that would need its metadata is refused."""
    monkeypatch.setattr("skipass.gateway.clients.EXCHANGE_S", 0.3)
    monkeypatch.setattr("skipass.gateway.discovery.WAIT_S", 0.3)
    await walk.by_provider()
    agent = await walk.of(await walk.agent(connection="idp"))
    control = walk.stage.sandbox.control
    async with walk.signed_in() as sam:
        back = await walk.agree(await walk.to_the_sign_in(sam, await walk.invite(agent, "idp")))
        control.faults({"kind": "hang", "path": "/v1/token"})
        assert "did not answer in time" in (await walk.land(sam, back)).text
    assert (await walk.state(), await walk.every_credential()) == ("PENDING_AUTH", [])
    control.faults({"kind": "hang", "path": "/.well-known", "count": 9})
    with pytest.raises(SkipassError) as refused:
        await walk.by_provider("second")
    assert refused.value.code == "invalid_request"
    assert "second" not in [one.name for one in await walk.gateway.connections.list(await walk.admin())]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scope": "openid offline_access"}, "invalid_request"),
        ({"scope": f"refresh_token session:role:{ROLE}"}, "invalid_request"),
        ({"scope": 7}, "invalid_request"),
        ({"client_id": ""}, "invalid_request"),
        ({"issuer": "http://idp.example.com"}, "invalid_request"),
        ({"token_endpoint": "https://user@idp.example.com/token"}, "invalid_request"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_request"),
        ({"issuer": "https://10.0.0.8/oauth2"}, "snowflake_misconfigured"),
    ],
)
async def test_metadata_that_cannot_work_is_refused(walk: Walk, changes: dict[str, object], code: str) -> None:
    """What is wrong is said by member, and no connection is left behind."""
    with pytest.raises(SkipassError) as refused:
        await walk.by_provider(**changes)
    assert refused.value.code == code
    assert "idp" not in [one.name for one in await walk.gateway.connections.list(await walk.admin())]
