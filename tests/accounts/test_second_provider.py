"""Refresh at a certified provider of somebody else's, whose refresh tokens serve once: used twice, all is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from accounts.walk import ROLE, Walk
from gateways import BASE_URL
from people.second import Second, installed, running, through
from sandbox.client import Client
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest, redirect_uri
from skipass.gateway.clients import Clients
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.refresh import Refresher
from skipass.gateway.renewal import Renewal
from skipass.gateway.revocation import Epoch
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import ConnectedAccount, Registration
from skipass.nouns.connection import AuthMethod, Credential
from skipass.vault.seal import unseal
from skipass.vault.tokens import TokenSet, unpack
from surfaces.console.browser import Browser, Page

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SCOPE = f"session:role:{ROLE}"
LOGIN = "dana@example.com"


@dataclass(frozen=True, slots=True)
class Trusting:
    """A gateway whose connection `idp` goes by the provider, which the account trusts."""

    walk: Walk
    second: Second
    registration: Registration
    key: str

    async def configure(self, prompt: str = "?prompt=consent") -> None:
        """Paste the provider's metadata; it gives refresh tokens only to who asks to be asked."""
        metadata = {"issuer": self.second.issuer, "scope": f"{SCOPE} offline_access"}
        metadata |= {"client_id": self.second.client_id, "client_secret": self.second.client_secret}
        metadata |= {"authorization_endpoint": f"{self.second.issuer}/auth{prompt}"}
        request = ClientRequest(oauth_metadata=metadata)
        await self.walk.gateway.registrations.set_client(await self.walk.admin(), self.registration.id, request)

    async def linked(self, sam: Browser) -> Page:
        """Walk from a fresh link through the provider's pages and back."""
        back = redirect_uri(BASE_URL, self.registration)
        token = await self.walk.invite(await self.walk.of(self.key), "idp")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as there:
            gone = await self.walk.to_the_sign_in(sam, token)
            address, _ = await through(there, gone, LOGIN, back)
        return await self.walk.land(sam, address)

    async def connect(self) -> None:
        """Configure the client and link the account of the agent's owner, with nothing left to remark."""
        await self.configure()
        async with self.walk.signed_in() as sam:
            page = await self.linked(sam)
        assert "Connected" in page.text, page.text
        assert "Not granted" not in page.text

    async def credential(self) -> Credential:
        """Return the newest credential of the one account."""
        return max(await self.walk.every_credential(), key=lambda one: one.generation)

    async def tokens(self) -> TokenSet:
        """Return what is sealed for the account now."""
        one = await self.credential()
        return unpack(unseal(self.walk.gateway.deps.kek, one.sealed, credential_place(one)))

    async def run_out(self) -> None:
        """Let the access token's time be over."""
        credential = await self.credential()

        async def age(unit: UnitOfWork) -> None:
            await unit.change(credential, expires_at=unit.now - timedelta(minutes=1), deadline=None)

        await self.walk.gateway.deps.journal.write(age)

    def process(self) -> Refresher:
        """Return what another process over the same rows would have."""
        deps = self.walk.gateway.deps
        return Refresher(deps, Renewal(deps, Clients(deps)), Epoch(deps))

    async def consent_required(self) -> dict[str, Any]:
        """Hold that a caller is sent to connect again, and that the provider is not asked any more."""
        credential = await self.credential()
        for _ in range(3):
            with pytest.raises(SkipassError) as caught:
                await self.process().turn(credential.id)
            assert caught.value.code == "consent_required"
        assert (await self.credential()).sealed == b""
        return dict(caught.value.details)

    async def ask(self, path: str, **form: str) -> tuple[int, dict[str, Any]]:
        """Post to the provider as our own client does."""
        secret = quote(self.second.client_secret, safe="")  # RFC 6749 §2.3.1
        headers = {"authorization": aiohttp.encode_basic_auth(self.second.client_id, secret)}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.second.issuer}{path}", data=form, headers=headers) as said,
        ):
            return said.status, await said.json() if said.content_type == "application/json" else {}


@asynccontextmanager
async def trusting(walk: Walk, cache: Path, life_s: int = 3600) -> AsyncIterator[Trusting]:
    """Register a connection, then the provider with the redirect URI that it told; `life_s` is a refresh token's."""
    found = installed(cache)
    if found is None:
        pytest.skip("npm, Node 22 or the oidc-provider package is not installed")
    place = {"account": "SKIPASS-SANDBOX", "host": walk.stage.sandbox.url, "role": ROLE, "warehouse": "AGENT_WH"}
    request = ConnectionRequest(name="idp", auth_method=AuthMethod.EXTERNAL_OAUTH, client=ClientRequest(), **place)
    added = await walk.gateway.connections.add(await walk.admin(), request)
    registration, audience = added.registration, f"https://{walk.stage.sandbox.account.host}"
    assert registration is not None
    with running(*found, redirect_uri(BASE_URL, registration), audience, SCOPE, str(life_s)) as second:
        admin = Client.of(walk.stage.sandbox, "ADMIN")
        reply = admin.sql(
            "CREATE SECURITY INTEGRATION second TYPE = EXTERNAL_OAUTH ENABLED = TRUE EXTERNAL_OAUTH_TYPE = CUSTOM "
            f"EXTERNAL_OAUTH_ISSUER = '{second.issuer}' EXTERNAL_OAUTH_JWS_KEYS_URL = '{second.issuer}/jwks' "
            "EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE = 'scope' EXTERNAL_OAUTH_SCOPE_DELIMITER = ' ' "
            "EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'sub' "
            "EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'LOGIN_NAME' IS_AGENTIC = TRUE"
        )
        assert reply.status == 200, reply.body
        try:
            yield Trusting(walk, second, registration, await walk.agent(connection="idp"))
        finally:
            admin.sql("DROP SECURITY INTEGRATION second")


@pytest.fixture
def cache(tmp_path: Path, pytestconfig: pytest.Config) -> Path:
    return pytestconfig.cache.mkdir("second-provider") if pytestconfig.cache else tmp_path / "second"


@pytest.fixture
async def idp(walk: Walk, cache: Path) -> AsyncIterator[Trusting]:
    async with trusting(walk, cache) as made:
        yield made


@pytest.fixture
async def own(idp: Trusting) -> Trusting:
    """The same, with the account of the agent's owner linked."""
    await idp.connect()
    return idp


async def test_statements_run_on_through_rotated_tokens(own: Trusting) -> None:
    """Each time the access token is over, one refresh for all callers of two processes brings the next generation."""
    seen = {(await own.tokens()).refresh_token}
    for generation in (2, 3, 4):
        await own.run_out()
        credential, both = await own.credential(), (own.process(), own.process())
        held = await asyncio.gather(*(one.turn(credential.id) for one in both for _ in range(20)))
        assert len({one.token.value.reveal() for one in held}) == 1
        seen.add((await own.tokens()).refresh_token)
        row = await own.credential()
        assert (row.state.value, row.generation, row.rotates) == ("active", generation, True)
    assert len(seen) == 4
    assert {call["user"] for call in await own.walk.query(own.key, "idp")} == {"DANA"}


async def test_a_replayed_refresh_token_is_noticed(own: Trusting) -> None:
    """Whoever uses one a second time is refused, all that came of it ends, and the account says so at the next turn."""
    stolen = (await own.tokens()).refresh_token
    assert stolen is not None
    await own.run_out()
    await own.process().turn((await own.credential()).id)
    again = {"grant_type": "refresh_token", "refresh_token": stolen.reveal()}
    status, said = await own.ask("/token", **again)
    assert (status, said["error"]) == (400, "invalid_grant")
    await own.run_out()
    assert (await own.consent_required())["reason"] == "unknown"
    account = await own.walk.one(ConnectedAccount)
    assert (account.state.value, account.reason) == ("REVOKED", "unknown")


async def test_a_revocation_at_the_provider_is_noticed_and_healed_by_a_new_link(own: Trusting) -> None:
    """Revoked there, the account is REVOKED here and a statement brings a link; the same person by it is ACTIVE."""
    before = (await own.tokens()).refresh_token
    assert before is not None
    status, _ = await own.ask("/token/revocation", token=before.reveal(), token_type_hint="refresh_token")
    assert status == 200
    await own.run_out()
    assert "/connect?connection=idp" in (await own.consent_required())["url"]
    assert await own.walk.state() == "REVOKED"
    async with own.walk.signed_in() as sam:
        assert "Connected" in (await own.linked(sam)).text
    assert await own.walk.state() == "ACTIVE"
    assert {call["user"] for call in await own.walk.query(own.key, "idp")} == {"DANA"}


async def test_a_refresh_token_that_ran_out_there_asks_for_a_new_link(walk: Walk, cache: Path) -> None:
    """Past its own life, of which the provider tells nobody, it is refused once and never sent again."""
    async with trusting(walk, cache, life_s=1) as short:
        await short.connect()
        last = (await short.tokens()).refresh_token
        assert last is not None
        while (await short.ask("/token/introspection", token=last.reveal()))[1]["active"]:
            await asyncio.sleep(0.05)
        await short.run_out()
        assert "/connect?connection=idp" in (await short.consent_required())["url"]
        assert await walk.state() == "REVOKED"


async def test_giving_up_an_account_ends_its_grant_there(own: Trusting) -> None:
    """Disconnecting revokes at the endpoint that the provider's own metadata names: the refresh token is dead."""
    last = (await own.tokens()).refresh_token
    assert last is not None
    _, alive = await own.ask("/token/introspection", token=last.reveal())
    assert alive["active"] is True
    account = await own.walk.one(ConnectedAccount)
    await own.walk.gateway.disconnecting.disconnect(await own.walk.of(own.key), account.id)
    _, dead = await own.ask("/token/introspection", token=last.reveal())
    assert dead["active"] is False


async def test_a_provider_that_wants_to_be_asked_for_consent_is_said(idp: Trusting) -> None:
    """Without `prompt=consent` it gives no refresh token, and the page says that one is missing; nothing is kept."""
    await idp.configure(prompt="")
    async with idp.walk.signed_in() as sam:
        page = await idp.linked(sam)
    assert "brings no refresh token" in page.text
    assert await idp.walk.state() == "PENDING_AUTH"
