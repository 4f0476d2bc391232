"""Our client at a token endpoint: every way to prove itself, and endpoints that are never dialled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.linked import Linked, linked
from skipass.errors import SkipassError
from skipass.gateway.clients import Clients, registration_place, token_url
from skipass.nouns.account import ClientAuth, Registration
from skipass.sandbox.testing import RunningSandbox
from skipass.secret import Secret
from skipass.snowflake.auth.grants import InvalidClient
from skipass.snowflake.auth.keys import generate_key_pair
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.vault.seal import seal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Linked]:
    async with linked(sandbox, tmp_path / "home") as running:
        yield running


async def registered(own: Linked, auth: ClientAuth, secret: bytes | None) -> Registration:
    """Let the client prove itself in another way, and return its registration."""
    sealed = seal(own.at.gateway.deps.kek, secret, registration_place(own.registration)) if secret else None
    await own.change_registration(client_auth=auth, sealed=sealed)
    (changed,) = await own.at.every(Registration, id=own.registration.id)
    return changed  # type: ignore[no-any-return]


@pytest.mark.parametrize("auth", [ClientAuth.BASIC, ClientAuth.POST])
async def test_a_secret_proves_the_client(own: Linked, auth: ClientAuth) -> None:
    """In the header or in the form the secret is taken, and a wrong one is the client's fault alone."""
    secret = own.app.client["client_secret"].encode()
    await registered(own, auth, secret)
    own.expire()
    await own.replica().token(await own.out())
    assert (await own.credential()).generation == 2
    wrong = await registered(own, auth, b"wrong")
    with pytest.raises(InvalidClient):
        await Clients(own.at.gateway.deps).refresh(wrong, Secret("any"), timeout_s=5)


async def test_a_signature_proves_the_client(own: Linked) -> None:
    """A client that signs needs no secret: its assertion is taken by the account that has its public key."""
    pair = generate_key_pair()
    own.sql(f"ALTER SECURITY INTEGRATION skipass_oauth SET OAUTH_CLIENT_RSA_PUBLIC_KEY = '{pair.public_key}'")
    await registered(own, ClientAuth.PRIVATE_KEY_JWT, pair.private_pem.reveal())
    own.expire()
    await own.replica().token(await own.out())
    assert (await own.credential()).generation == 2


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [
        ("https://169.254.169.254/latest/token", SkipassError),
        ("https://10.0.0.8/token", SkipassError),
        ("http://idp.example.com/token", SnowflakeConfigError),
        ("https://user:pw@idp.example.com/token", SnowflakeConfigError),
        ("ftp://idp.example.com/token", SnowflakeConfigError),
        ("/token", SnowflakeConfigError),
    ],
)
async def test_an_endpoint_that_leads_inside_is_never_asked(own: Linked, endpoint: str, error: type[Exception]) -> None:
    """Metadata addresses, private ranges, plain http and odd addresses are refused before anything is sent."""
    await own.change_registration(metadata={"token_endpoint": endpoint})
    (registration,) = await own.at.every(Registration, id=own.registration.id)
    assert token_url(registration) == endpoint
    with pytest.raises(error):
        await Clients(own.at.gateway.deps).refresh(registration, Secret("planted-refresh-token"), timeout_s=5)
    own.expire()
    with pytest.raises(SkipassError) as caught:
        await own.replica().token(await own.out())
    assert "planted" not in str(caught.value.as_dict())
    credential = await own.credential()
    assert (credential.state.value, credential.generation, credential.ambiguous) == ("active", 1, False)
