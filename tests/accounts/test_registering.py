"""Registering: every way to prove a client, each method with what it needs and nothing else, no secret coming back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts.walk import ROLE, Walk
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.registrations import same_account
from skipass.nouns.account import ClientAuth
from skipass.nouns.connection import AuthMethod, Connection
from skipass.secret import Secret
from skipass.snowflake.account import parse_account
from skipass.snowflake.auth.keys import generate_key_pair

pytestmark = pytest.mark.anyio
SECRET = Secret("s3cr3t")
CLIENT = ClientRequest(client_id="id", secret=SECRET)
KEY = Secret("no key")
ACCOUNT = {"account": "SKIPASS-SANDBOX", "role": ROLE}
OAUTH, PROVIDER = AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH


@pytest.mark.parametrize("auth", [ClientAuth.BASIC, ClientAuth.POST])
async def test_a_secret_goes_in_the_header_or_the_form(walk: Walk, auth: ClientAuth) -> None:
    """Either way of proving the client by its secret links an account."""
    said = walk.stage.sandbox.said["oauth_client"]
    client = ClientRequest(client_id=said["client_id"], secret=Secret(said["client_secret"]), auth=auth)
    await walk.by_snowflake(client=client)
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        assert (await walk.linked(sam, await walk.invite(agent))).status == 200


async def test_a_client_proves_itself_with_a_key(walk: Walk) -> None:
    """With `private_key_jwt` no secret exists on either side of the sign-in that links."""
    pair = generate_key_pair()
    one = walk.stage.sandbox.account.sign_in.integrations["SKIPASS_OAUTH"]
    one.options["OAUTH_CLIENT_RSA_PUBLIC_KEY"] = (pair.public_key,)
    key = Secret(pair.private_pem.reveal().decode())
    client = ClientRequest(client_id=one.client_id, private_key=key, auth=ClientAuth.PRIVATE_KEY_JWT)
    added = await walk.by_snowflake(client=client)
    assert base64.b64encode(b"PRIVATE") not in repr(added).encode()
    agent = await walk.of(await walk.agent())
    async with walk.signed_in() as sam:
        assert (await walk.linked(sam, await walk.invite(agent))).status == 200


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"auth_method": OAUTH, "client": CLIENT, "account": ""}, "missing_field"),
        ({"auth_method": OAUTH}, "missing_field"),
        ({"auth_method": OAUTH, "client": CLIENT, "role": " "}, "missing_field"),
        ({"auth_method": OAUTH, "client": CLIENT, "login": "SAM"}, "invalid_request"),
        ({"auth_method": OAUTH, "client": CLIENT, "token": SECRET}, "invalid_request"),
        ({"auth_method": OAUTH, "client": CLIENT, "template": True, "account": ""}, "invalid_request"),
        ({"auth_method": OAUTH, "client": CLIENT, "account": "no account"}, "invalid_request"),
        ({"auth_method": OAUTH, "client": CLIENT, "host": "http://sf.example.com"}, "invalid_request"),
        ({"auth_method": OAUTH, "client": ClientRequest(client_id="id", private_key=KEY)}, "missing_field"),
        ({"auth_method": OAUTH, "client": ClientRequest(oauth_metadata={"scope": "x"})}, "invalid_request"),
        ({"auth_method": PROVIDER, "client": CLIENT}, "missing_field"),
        ({"auth_method": PROVIDER, "client": ClientRequest(oauth_metadata={"client_id": "x"})}, "missing_field"),
        ({"auth_method": AuthMethod.PAT, "login": "SAM"}, "missing_field"),
        ({"auth_method": AuthMethod.PAT, "login": "SAM", "token": Secret("two words")}, "invalid_request"),
        ({"auth_method": AuthMethod.KEY_PAIR, "per_user": True, "private_key": KEY}, "invalid_request"),
        ({"auth_method": AuthMethod.KEY_PAIR, "template": True, "account": ""}, "missing_field"),
    ],
)
async def test_what_does_not_fit_is_refused_whole(walk: Walk, wish: dict[str, Any], code: str) -> None:
    """Each method says what it needs or does not take, and no connection is left behind."""
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.connections.add(await walk.admin(), ConnectionRequest(name="own", **{**ACCOUNT, **wish}))
    assert refused.value.code == code
    assert await walk.stage.every(Connection, name="own") == []


async def test_a_token_of_one_login_serves_everybody(walk: Walk) -> None:
    """A connection by programmatic access token is sealed like a key and gives nothing of it away."""
    wish = {**ACCOUNT, "host": walk.stage.sandbox.url, "login": "SKIPASS_SVC", "token": Secret("pat-secret-text")}
    await walk.gateway.connections.add(
        await walk.admin(), ConnectionRequest(name="own", auth_method=AuthMethod.PAT, **wish)
    )
    known = await walk.gateway.connections.show(await walk.admin(), "own")
    assert known.credential is not None
    assert "pat-secret-text" not in repr(known)
    assert (await walk.account(await walk.of(await walk.agent()))).account.state.value == "ACTIVE"


async def test_only_admins_register(walk: Walk) -> None:
    """Approvers and agents register neither connections nor accounts, and make no set-up links."""
    wish = ConnectionRequest(name="x", auth_method=OAUTH, template=True, role=ROLE)
    await walk.gateway.connections.add(await walk.admin(), wish)
    for who in ("approver", "agent"):
        principal = await walk.stage.principal(who)
        for attempt in (
            walk.gateway.connections.add(principal, wish),
            walk.gateway.registrations.add(principal, "x", CLIENT),
            walk.gateway.registrations.invite(principal, "x"),
        ):
            with pytest.raises(SkipassError) as refused:
                await attempt
            assert refused.value.code == "forbidden"


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("ACME-PROD", "https://acme-prod.snowflakecomputing.com/console", True),
        ("acme.prod", "ACME-PROD", True),
        ("ACME-PROD_EU", "acme-prod-eu.snowflakecomputing.com", True),
        ("ACME-PROD", "ACME-TEST", False),
        ("xy12345.eu-central-1", "xy12345.eu-central-1.aws", True),
        ("not an account", "ACME-PROD", False),
    ],
)
def test_an_account_is_known_in_every_form(text: str, other: str, same: bool) -> None:
    """Two texts that name one account are one account, and never two accounts one."""
    assert same_account(text, parse_account(other)) is same
