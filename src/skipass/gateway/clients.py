"""Our registered clients at token endpoints: a code or a refresh token goes out, tokens or a refusal come back.

The one place where a client's secret is unsealed. Knows nothing of who asks, keeps nothing, and repeats nothing.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from skipass.gateway.deps import Deps
from skipass.gateway.discovery import send
from skipass.nouns.account import ClientAuth, Registration
from skipass.secret import Secret
from skipass.snowflake.account import Target, target_of
from skipass.snowflake.auth import keypair, oauth
from skipass.snowflake.auth.endpoint import TokenEndpoint
from skipass.snowflake.auth.grants import Grant
from skipass.snowflake.auth.keys import load_private_key
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.sqlapi.wire import Call
from skipass.vault.seal import Place, unseal

EXCHANGE_S = 20.0


def registration_place(registration: Registration) -> Place:
    """Return where a client's secret is sealed to: its tenant, connection, row and column."""
    return Place(registration.tenant_id, "registrations.sealed", registration.id, registration.connection_id)


def token_url(registration: Registration) -> str:
    """Return the token endpoint: the provider's where its metadata names one, else that of the Snowflake account."""
    named = registration.metadata.get("token_endpoint")
    return str(named) if named else f"{target_of(None, registration.host).base_url}{oauth.TOKEN_PATH}"


class Clients:
    """Sends token requests for registrations, each over a connection of its own that is closed before this returns.

    Raises `InvalidGrant`, `InvalidClient` and other `OAuthError`s as the endpoint answers, `SnowflakeUnavailable` and
    `ProtocolError` with `outcome_unknown` where it may have used up what was sent, `SnowflakeConfigError` and
    `snowflake_misconfigured` where the endpoint may not be dialled, `vault_key`.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def exchange(
        self, registration: Registration, code: Secret[str], *, verifier: Secret[str], redirect_uri: str
    ) -> Grant:
        """Return the tokens for a code, which is used up by this."""
        single = bool(registration.metadata.get("single_use_refresh_tokens"))
        call = oauth.exchange_call(
            self._client(registration), code, redirect_uri=redirect_uri, verifier=verifier, single_use=single
        )
        return await self._ask(registration, call, EXCHANGE_S)

    async def refresh(self, registration: Registration, refresh_token: Secret[str], *, timeout_s: float) -> Grant:
        """Return the tokens for a refresh token; of a single-use one nobody else may send it meanwhile."""
        return await self._ask(registration, oauth.refresh_call(self._client(registration), refresh_token), timeout_s)

    async def revoke(self, registration: Registration, refresh_token: Secret[str], *, timeout_s: float) -> None:
        """Tell a provider whose metadata names where that a refresh token ends; its answer says nothing about it."""
        target, path, query = _endpoint(str(registration.metadata["revocation_endpoint"]))
        call = replace(oauth.revocation_call(self._client(registration), refresh_token), path=path, query=query)
        await send(self._deps.upstream.egress, target.base_url, call, timeout_s)

    async def _ask(self, registration: Registration, call: Call, timeout_s: float) -> Grant:
        target, path, query = _endpoint(token_url(registration))
        egress = self._deps.upstream.egress
        egress.check_literal(target.host, target.port or (443 if target.scheme == "https" else 80))
        endpoint = TokenEndpoint(target, connector_factory=egress.connector)
        try:
            return await endpoint.ask(replace(call, path=path, query=query), timeout_s=timeout_s)
        finally:
            await endpoint.aclose()

    def _client(self, registration: Registration) -> oauth.OAuthClient:
        if registration.sealed is None or registration.client_auth is ClientAuth.NONE:
            return oauth.OAuthClient(registration.client_id)
        plain = unseal(self._deps.kek, registration.sealed, registration_place(registration))
        if registration.client_auth is ClientAuth.PRIVATE_KEY_JWT:
            return oauth.OAuthClient(registration.client_id, assertion=self._assertion(registration, plain))
        secret = Secret(plain.decode())
        return oauth.OAuthClient(
            registration.client_id, client_secret=secret, in_form=registration.client_auth is ClientAuth.POST
        )

    def _assertion(self, registration: Registration, plain: bytes) -> Secret[str]:
        now_s = int(self._deps.clock.now().timestamp())
        claims = oauth.assertion_claims(registration.client_id, token_url(registration), now_s)
        return Secret(keypair.sign(claims, load_private_key(plain)))


def _endpoint(url: str) -> tuple[Target, str, dict[str, str]]:
    """Return where a token endpoint is, its path and its query; plain http only on this machine itself."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise SnowflakeConfigError("The token endpoint is no address.", hint="Name it as https://HOST/PATH.")
    target = target_of(None, f"{parts.scheme}://{parts.netloc}")
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    return target, parts.path or "/", {name: value for name, _, value in pairs}
