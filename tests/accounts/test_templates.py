"""Templates: a product's customers bring their own account, each with a client of its own."""

from __future__ import annotations

import pytest

from accounts.walk import ROLE, Walk
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
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


async def test_an_account_is_registered_once_in_whatever_form(walk: Walk) -> None:
    """A second registration of the same account is a conflict."""
    await template(walk)
    await registered(walk)
    again = ClientRequest(account="skipass-sandbox.snowflakecomputing.com", client_id="x", secret=Secret("y"))
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.registrations.add(await walk.admin(), "own", again)
    assert refused.value.code == "conflict"
