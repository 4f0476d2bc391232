"""Templates: a product's customers bring their own account, each with a client of its own."""

from __future__ import annotations

import json
from html import unescape

import pytest

from accounts.walk import ROLE, Walk
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest, redirect_uri
from skipass.gateway.drafting import ConnectionRequest
from skipass.nouns.account import ConnectedAccount, Registration
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret

pytestmark = pytest.mark.anyio


async def template(walk: Walk) -> None:
    request = ConnectionRequest(name="own", role=ROLE, auth_method=AuthMethod.SNOWFLAKE_OAUTH, template=True)
    await walk.gateway.connections.add(await walk.admin(), request)


async def registered(walk: Walk) -> Registration:
    said = walk.stage.sandbox.said["oauth_client"]
    client = ClientRequest(
        account="SKIPASS-SANDBOX",
        host=walk.stage.sandbox.url,
        client_id=said["client_id"],
        secret=Secret(said["client_secret"]),
    )
    made, _ = await walk.gateway.registrations.add(await walk.admin(), "own", client)
    walk.allow(made)
    return made


async def test_a_customer_names_their_account_and_connects(walk: Walk) -> None:
    """In whatever form it is typed the account's own registration is found, and the host is fixed from then on."""
    await template(walk)
    made = await registered(walk)
    key = await walk.agent()
    async with walk.signed_in() as sam:
        page = await sam.post("/connect", {"link": await walk.invite(await walk.of(key)), "word": "open"})
        assert 'name="account"' in page.html
        form = {**page.form("/connect"), "account": "https://skipass-sandbox.snowflakecomputing.com", "word": "account"}
        page = await sam.post("/connect", form)
        assert "SKIPASS-SANDBOX" in page.text
        done = await walk.land(sam, await walk.agree(await walk.press(sam, page)))
    assert "Connected" in done.text, done.text
    account = await walk.one(ConnectedAccount)
    assert (account.host, account.registration_id) == (made.host, made.id)
    async with walk.signed_in() as sam:
        page = await sam.post("/connect", {"link": await walk.invite(await walk.of(key)), "word": "open"})
        assert 'placeholder="MYORG-MYACCOUNT"' not in page.html


async def test_an_account_nobody_registered_is_said(walk: Walk) -> None:
    """The link is not used up, and the page says who does what."""
    await template(walk)
    async with walk.signed_in() as sam:
        token = await walk.invite(await walk.of(await walk.agent()))
        page = await sam.post("/connect", {"link": token, "word": "open"})
        form = {**page.form("/connect"), "account": "NOBODY-HERE", "word": "account"}
        refused = await sam.post("/connect", form)
        assert "NOBODY-HERE is not registered" in refused.text
        wrong = await sam.post("/connect", {**form, "account": "not an account"})
        assert wrong.status == 400
    (attempt,) = await walk.attempts()
    assert attempt.state.value == "made"


async def test_a_customer_s_admin_registers_by_a_link_once(walk: Walk) -> None:
    """The one-time set-up link takes one registration, shows its redirect address, and is then used up."""
    await template(walk)
    _, token = await walk.gateway.registrations.invite(await walk.admin(), "own")
    async with walk.browser() as customer:
        page = await customer.post("/connect/setup", {"link": token.reveal(), "word": "open"})
        form = {**page.form("/connect/setup"), "account": "ACME-PROD", "client_id": "abc=", "client_secret": "s3cr3t/="}
        done = await customer.post("/connect/setup", {**form, "word": "register"})
        assert done.status == 200, done.text
        (made,) = await walk.stage.every(Registration)
        assert f"/oauth/upstream-callback/{made.id}" in done.text
        assert "s3cr3t" not in done.html
        again = await customer.post("/connect/setup", {**form, "account": "ACME-TEST", "word": "register"})
        assert again.status == 401
    assert made.account == "ACME-PROD"


async def test_a_customer_s_admin_gets_the_script_and_hands_the_client_in(walk: Walk) -> None:
    """The first link registers the account and shows the whole script; the next takes its client; each is good once."""
    await template(walk)
    _, token = await walk.gateway.registrations.invite(await walk.admin(), "own")
    async with walk.browser() as customer:
        page = await customer.post("/connect/setup", {"link": token.reveal(), "word": "open"})
        form = {**page.form("/connect/setup"), "account": "ACME-PROD", "word": "register"}
        wrong = await customer.post("/connect/setup", {**form, "schema": "no schema"})
        assert wrong.status == 400
        shown = await customer.post("/connect/setup", {**form, "schema": "sales.public"})
        (made,) = await walk.stage.every(Registration)
        assert made.client_id == ""
        script = unescape(shown.html)
        assert f"OAUTH_REDIRECT_URI = '{redirect_uri(walk.gateway.deps.base_url, made)}'" in script
        assert 'GRANT USAGE ON SCHEMA "SALES"."PUBLIC"' in script
        assert (await customer.post("/connect/setup", {"link": token.reveal(), "word": "open"})).status == 401
        following = shown.form("/connect/setup")["link"]
        again = await customer.post("/connect/setup", {"link": following, "word": "open"})
        assert "Show the script" in again.text
        client = {"link": following, "client_id": "abc=", "client_secret": "s3cr3t/=", "word": "client"}
        done = await customer.post("/connect/setup", client)
        assert "people can connect" in done.text
        assert "s3cr3t" not in done.html
        assert (await customer.post("/connect/setup", client)).status == 401
    (made,) = await walk.stage.every(Registration)
    assert (made.account, made.client_id) == ("ACME-PROD", "abc=")


async def test_a_set_up_link_does_one_thing(walk: Walk) -> None:
    """One that registers takes no client, one that takes a client registers nothing, and neither is used up by that."""
    await template(walk)
    _, token = await walk.gateway.registrations.invite(await walk.admin(), "own")
    client = ClientRequest(account="ACME-PROD", client_id="x", secret=Secret("y"))
    with pytest.raises(SkipassError, match="registers an account first"):
        await walk.gateway.setup_links.hand_in(token.reveal(), client)
    made, _, following = await walk.gateway.setup_links.register(token.reveal(), ClientRequest(account="ACME-PROD"))
    assert following is not None
    with pytest.raises(SkipassError, match="takes the client"):
        await walk.gateway.setup_links.register(following.reveal(), client)
    assert (await walk.gateway.setup_links.hand_in(following.reveal(), client)).id == made.id


async def test_an_account_is_registered_once_in_whatever_form(walk: Walk) -> None:
    """A second registration of the same account is a conflict."""
    await template(walk)
    await registered(walk)
    again = ClientRequest(account="skipass-sandbox.snowflakecomputing.com", client_id="x", secret=Secret("y"))
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.registrations.add(await walk.admin(), "own", again)
    assert refused.value.code == "conflict"


async def by_provider(walk: Walk) -> str:
    """Make a template of customers with identity providers of their own, and return a set-up link's token."""
    request = ConnectionRequest(name="own", role=ROLE, auth_method=AuthMethod.EXTERNAL_OAUTH, template=True)
    await walk.gateway.connections.add(await walk.admin(), request)
    _, token = await walk.gateway.registrations.invite(await walk.admin(), "own")
    return str(token.reveal())


async def test_a_customer_with_a_provider_of_their_own_gets_the_script(walk: Walk) -> None:
    """It trusts the issuer they name, with its keys and audience; then the page takes the provider's metadata, once."""
    said, token = walk.stage.sandbox.said["idp"], await by_provider(walk)
    async with walk.browser() as customer:
        page = await customer.post("/connect/setup", {"link": token, "word": "open"})
        assert 'name="client_secret"' not in page.html
        form = {**page.form("/connect/setup"), "account": "ACME-PROD", "word": "register"}
        page = await customer.post("/connect/setup", form)
        (made,) = await walk.stage.every(Registration)
        assert redirect_uri(walk.gateway.deps.base_url, made) in page.text
        assert f"https://acme-prod.snowflakecomputing.com session:role:{ROLE}" in page.text
        following = page.form("/connect/setup")["link"]
        asked = {
            "link": following,
            "schema": "sales.public",
            "word": "open",
            "issuer": "https://acme.okta.com/oauth2/x",
        }
        script = unescape((await customer.post("/connect/setup", {**asked, "idp": "okta"})).html)
        assert "EXTERNAL_OAUTH_ISSUER = 'https://acme.okta.com/oauth2/x'" in script
        assert "EXTERNAL_OAUTH_JWS_KEYS_URL = 'https://acme.okta.com/oauth2/x/v1/keys'" in script
        keys = {"keys_url": "https://acme.example.com/keys", "audience": "api://it's"}
        script = unescape((await customer.post("/connect/setup", {**asked, **keys, "idp": "custom"})).html)
        assert "EXTERNAL_OAUTH_JWS_KEYS_URL = 'https://acme.example.com/keys'" in script
        assert "EXTERNAL_OAUTH_AUDIENCE_LIST = ('api://it''s')" in script
        given = {
            "issuer": said["issuer"],
            "client_id": "abc",
            "client_secret": "s3cr3t/=",
            "scope": f"session:role:{ROLE}",
        }
        handed = {"link": following, "oauth_metadata": json.dumps({"oauth_metadata": given}), "word": "client"}
        done = await customer.post("/connect/setup", handed)
        assert "people can connect" in done.text, done.text
        assert "s3cr3t" not in done.html
        assert (await customer.post("/connect/setup", handed)).status == 401
    (made,) = await walk.stage.every(Registration)
    assert (made.client_id, made.metadata["issuer"]) == ("abc", said["issuer"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://acme.example.com", "idp": "okta"},
        {"issuer": "https://acme.example.com", "idp": "custom"},
        {"issuer": "https://acme.example.com", "idp": "nobody"},
        {"issuer": "https://acme.example.com/'; DROP", "idp": "okta"},
        {"issuer": "https://acme.example.com", "keys_url": "ftp://x", "idp": "custom"},
        {"word": "client", "oauth_metadata": "[]"},
        {"word": "client", "oauth_metadata": "{"},
        {"word": "client", "oauth_metadata": "{}"},
        {"word": "client", "client_id": "x", "client_secret": "y"},
    ],
)
async def test_what_is_no_provider_makes_no_script(walk: Walk, wrong: dict[str, str]) -> None:
    """The page says what is wrong, and the link stays good."""
    token = await by_provider(walk)
    async with walk.browser() as customer:
        form = {"link": token, "account": "ACME-PROD", "word": "register"}
        following = (await customer.post("/connect/setup", form)).form("/connect/setup")["link"]
        asked = {"link": following, "schema": "sales.public", "word": "open", **wrong}
        assert (await customer.post("/connect/setup", asked)).status in (400, 422)
        again = await customer.post("/connect/setup", {"link": following, "word": "open"})
        assert "Show the script" in again.text
    (made,) = await walk.stage.every(Registration)
    assert made.client_id == ""
