"""A provider's client that comes after its redirect URI: awaited, pasted, used, and renewed."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.walk import ROLE, Walk
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest, redirect_uri
from skipass.gateway.drafting import ConnectionRequest
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret

pytestmark = pytest.mark.anyio


async def awaiting(walk: Walk) -> tuple[Registration, str]:
    """Register a connection whose provider does not know us yet."""
    place = {"account": "SKIPASS-SANDBOX", "host": walk.stage.sandbox.url, "role": ROLE, "warehouse": "AGENT_WH"}
    request = ConnectionRequest(name="idp", auth_method=AuthMethod.EXTERNAL_OAUTH, client=ClientRequest(), **place)
    added = await walk.gateway.connections.add(await walk.admin(), request)
    assert added.registration is not None
    (remark,) = added.remarks
    return added.registration, remark


def pasted(walk: Walk) -> dict[str, Any]:
    said = walk.stage.sandbox.said["idp"]
    metadata = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
    return {**metadata, "scope": f"session:role:{ROLE} offline_access", "tenant": "unheard of"}


async def test_a_provider_is_pasted_once_it_knows_our_redirect_uri(walk: Walk) -> None:
    """The URI is told before there is a client, stays, and with the metadata a person can connect by it."""
    registration, remark = await awaiting(walk)
    assert (registration.client_id, registration.sealed) == ("", None)
    ours = redirect_uri(walk.gateway.deps.base_url, registration)
    assert ours in remark
    told, remarks = await walk.gateway.registrations.set_client(
        await walk.admin(), registration.id, ClientRequest(oauth_metadata=pasted(walk))
    )
    assert redirect_uri(walk.gateway.deps.base_url, told) == ours
    assert any("tenant" in one for one in remarks)
    assert "client_secret" not in told.metadata
    assert told.metadata["jwks_uri"].startswith(walk.stage.sandbox.url)
    async with walk.signed_in() as sam:
        key = await walk.agent(connection="idp")
        page = await walk.linked(sam, await walk.invite(await walk.of(key), "idp"))
        assert page.status == 200, page.text
    assert await walk.state() == "ACTIVE"


async def test_nobody_is_sent_to_sign_in_before_there_is_a_client(walk: Walk) -> None:
    """A link is refused and the page says so, naming the command, in place of asking which account it is."""
    await awaiting(walk)
    key = await walk.agent(connection="idp")
    with pytest.raises(SkipassError) as refused:
        await walk.invite(await walk.of(key), "idp")
    assert (refused.value.code, "connection client idp" in refused.value.hint) == ("registration_required", True)
    async with walk.signed_in() as sam:
        page = await sam.get("/connect?connection=idp")
    assert page.status == 422
    assert all(word in page.text for word in ("That did not work", "idp has no client yet", "connection client idp"))


async def test_a_secret_alone_is_no_provider(walk: Walk) -> None:
    """Before the metadata came an id and a secret are refused, and a Snowflake client takes no metadata."""
    registration, _ = await awaiting(walk)
    admin, by_secret = await walk.admin(), ClientRequest(client_id="x", secret=Secret("y"))
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.registrations.set_client(admin, registration.id, by_secret)
    assert refused.value.code == "missing_field"
    own = (await walk.by_snowflake()).registration
    assert own is not None
    with pytest.raises(SkipassError) as other:
        await walk.gateway.registrations.set_client(admin, own.id, ClientRequest(oauth_metadata=pasted(walk)))
    assert other.value.code == "invalid_request"
