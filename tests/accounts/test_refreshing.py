"""Refresh through an identity provider: the same rules with another token endpoint."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.walk import Walk
from skipass.errors import SkipassError
from skipass.gateway.clients import Clients
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.refresh import Refresher
from skipass.gateway.renewal import Renewal
from skipass.gateway.revocation import Epoch
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Credential
from skipass.vault.refreshing import Rules

pytestmark = pytest.mark.anyio


async def through_the_provider(walk: Walk) -> str:
    """Link an account through the provider and return an agent's key for it."""
    await walk.by_provider()
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(await walk.of(key), "idp"))
    return str(key)


async def run_out(walk: Walk) -> Credential:
    """Let the access token's time be over, and return the credential."""
    (account,) = await walk.stage.every(ConnectedAccount)
    (credential,) = await walk.stage.every(Credential, account_id=account.id)

    async def age(unit: UnitOfWork) -> None:
        await unit.change(credential, expires_at=unit.now - timedelta(minutes=1))

    await walk.stage.gateway.deps.journal.write(age)
    return credential


async def test_a_providers_tokens_are_refreshed(walk: Walk) -> None:
    """An access token past its end is renewed at the provider, and statements run on as the same person."""
    key = await through_the_provider(walk)
    credential = await run_out(walk)
    assert {call["user"] for call in await walk.query(key, "idp")} == {"DANA"}
    (renewed,) = await walk.stage.every(Credential, id=credential.id)
    assert (renewed.state.value, renewed.generation) == ("active", 2)
    asked = [call for call in walk.stage.sandbox.control.calls() if call["path"].endswith("/v1/token")]
    assert [call["grant_type"] for call in asked] == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize("kind", ["error_html", "wrong_json", "cut_after", "hang"])
async def test_an_outage_of_the_provider_ends_nothing(walk: Walk, kind: str) -> None:
    """Whatever comes in place of tokens, the account stays ACTIVE, and the next try after the pause brings them."""
    await through_the_provider(walk)
    credential = await run_out(walk)
    walk.stage.sandbox.control.faults({"kind": kind, "status": 503, "path": "/v1/token", "count": 1})
    with pytest.raises(SkipassError) as caught:
        await process(walk).turn(credential.id)
    assert (caught.value.code, caught.value.retryable) == ("snowflake_unavailable", True)
    (waiting,) = await walk.stage.every(Credential, id=credential.id)
    assert (waiting.state.value, await walk.state()) == ("refreshing", "ACTIVE")

    async def pause(unit: UnitOfWork) -> None:
        await unit.change(waiting, deadline=unit.now)

    await walk.stage.gateway.deps.journal.write(pause)
    held = await process(walk).turn(credential.id)
    (renewed,) = await walk.stage.every(Credential, id=credential.id)
    assert (held.generation, renewed.state.value, await walk.state()) == (2, "active", "ACTIVE")


def process(walk: Walk) -> Refresher:
    """Return what another process would have, which does not wait long for an answer."""
    deps = walk.stage.gateway.deps
    return Refresher(deps, Renewal(deps, Clients(deps), Rules(timeout=timedelta(seconds=2))), Epoch(deps))


async def test_a_person_who_left_is_noticed(walk: Walk) -> None:
    """Disabled at the provider, the person's refresh token is refused and the account is REVOKED."""
    await through_the_provider(walk)
    credential = await run_out(walk)
    walk.stage.sandbox.control.provider("disable", login="dana@example.com")
    try:
        with pytest.raises(SkipassError) as caught:
            await walk.stage.gateway.refresher.turn(credential.id)
        assert caught.value.code == "consent_required"
        (account,) = await walk.stage.every(ConnectedAccount)
        assert account.state.value == "REVOKED"
    finally:
        walk.stage.sandbox.control.provider("enable", login="dana@example.com")
