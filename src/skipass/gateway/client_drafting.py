"""From what an admin types of a client at an authorization server to its row: checked whole, its secret sealed.

Also what is common to everything that is sealed for a connection. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives import serialization

from skipass.errors import SkipassError
from skipass.gateway.clients import registration_place
from skipass.gateway.deps import Deps
from skipass.gateway.discovery import discover
from skipass.gateway.oauth_metadata import is_any_role, read_metadata
from skipass.gateway.upstream import credential_place
from skipass.ids import digest, new_id
from skipass.nouns.account import ClientAuth, Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.secret import Secret
from skipass.snowflake.account import Target, is_loopback, parse_account, target_of
from skipass.snowflake.auth.keys import fingerprint, load_private_key, public_der
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.vault.seal import seal

_MOST_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """The gateway's client at one authorization server, as it is registered there.

    `secret` goes with `client_secret_basic` and `client_secret_post`, `private_key` (PEM) with `private_key_jwt`.
    `oauth_metadata` is the object of an identity provider as people have it, its own secret in it.
    """

    account: str = ""
    host: str | None = None
    client_id: str = ""
    secret: Secret[str] | None = None
    private_key: Secret[str] | None = None
    auth: ClientAuth = ClientAuth.BASIC
    allowed_roles: Sequence[str] = ()
    single_use: bool = False
    oauth_metadata: Mapping[str, Any] | None = None


async def draft_registration(
    deps: Deps, connection: Connection, request: ClientRequest
) -> tuple[Registration, tuple[str, ...]]:
    """Return the row of a client for one Snowflake account, and remarks; raises as `draft` does."""
    try:
        found = target(deps, request.account, request.host)
        now = deps.journal.now()
        bare = Registration(
            id=new_id("registration", now),
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            account=request.account.strip(),
            host=found.base_url,
            client_id=request.client_id.strip(),
            client_auth=request.auth,
            created_at=now,
            allowed_roles=tuple(request.allowed_roles),
        )
        if connection.auth_method is AuthMethod.EXTERNAL_OAUTH:
            return await _external(deps, connection, bare, request)
        if _awaits_client(request):
            return _snowflake(bare, request), (_next_steps(deps, connection, bare),)
        if not bare.client_id:
            hint = "SELECT SYSTEM$SHOW_OAUTH_CLIENT_SECRETS('NAME') prints it; see skipass connection setup-sql."
            raise SkipassError("missing_field", "A connection by snowflake_oauth needs client_id.", hint)
        return _with_secret(deps, _snowflake(bare, request), _plain_secret(request)), ()
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def _snowflake(bare: Registration, request: ClientRequest) -> Registration:
    if request.oauth_metadata is not None:
        raise SkipassError("invalid_request", "oauth_metadata goes with external_oauth.")
    return replace(bare, metadata={"single_use_refresh_tokens": True} if request.single_use else {})


def _awaits_client(request: ClientRequest) -> bool:
    """An integration needs our redirect URI before there is a client id: then the client comes later."""
    return not (request.client_id or request.secret or request.private_key)


def _next_steps(deps: Deps, connection: Connection, registration: Registration) -> str:
    name, uri = connection.name, redirect_uri(deps.base_url, registration)
    return f"Redirect URI: {uri}. Next: skipass connection setup-sql {name}, then skipass connection client {name}."


def _redirect_first(deps: Deps, connection: Connection, registration: Registration) -> str:
    name, uri = connection.name, redirect_uri(deps.base_url, registration)
    return f"Redirect URI: {uri}. Next: skipass connection setup-idp {name}, then connection client {name}."


def _plain_secret(request: ClientRequest) -> bytes | None:
    by_key, secret = request.auth is ClientAuth.PRIVATE_KEY_JWT, request.secret
    by_secret = request.auth in (ClientAuth.BASIC, ClientAuth.POST)
    if by_key is not (request.private_key is not None) or by_secret is not (secret is not None):
        needed = "client_private_key" if by_key else "client_secret" if by_secret else "no secret"
        raise SkipassError("missing_field", f"{request.auth.value} needs {needed} and nothing else.")
    return private(request.private_key, None)[0] if by_key else secret.reveal().encode() if secret else None


async def _external(
    deps: Deps, connection: Connection, bare: Registration, request: ClientRequest
) -> tuple[Registration, tuple[str, ...]]:
    if request.oauth_metadata is None and _awaits_client(request):
        return bare, (_redirect_first(deps, connection, bare),)
    if request.oauth_metadata is None or request.client_id or request.secret:
        raise SkipassError(
            "missing_field", "A connection by external_oauth needs oauth_metadata, with the client in it."
        )
    read = read_metadata(request.oauth_metadata)
    _check_scope(connection, read.scope)
    issuer = read.needs_discovery
    if issuer is not None:
        read = read.discovered(await discover(deps.upstream.egress, issuer))
    by_key = read.client_auth is ClientAuth.PRIVATE_KEY_JWT
    if by_key is not (request.private_key is not None):
        raise SkipassError("missing_field", "private_key_jwt, and nothing else, needs client_private_key.")
    plain = private(request.private_key, None)[0] if by_key else None
    if read.client_secret is not None:
        plain = read.client_secret.reveal().encode()
    kept = dict(read.kept) | {"scope": read.scope}
    named = replace(bare, client_id=read.client_id, client_auth=read.client_auth, metadata=kept)
    return _with_secret(deps, named, plain), (*read.remarks, *_about_redirect(deps, named, read.redirect_uri))


def _check_scope(connection: Connection, scope: str) -> None:
    if "session:" not in scope.lower():
        hint = f"Snowflake takes no token without one: session:role:{connection.role}"
        raise SkipassError("invalid_request", "oauth_metadata.scope names no role.", hint)
    if "refresh_token" in scope.split() and not is_any_role(scope):
        hint = "refresh_token is a scope of Snowflake's own server; an identity provider knows offline_access."
        raise SkipassError("invalid_request", "oauth_metadata.scope is Snowflake's, not a provider's.", hint)


def _about_redirect(deps: Deps, registration: Registration, given: str | None) -> tuple[str, ...]:
    ours = redirect_uri(deps.base_url, registration)
    added = f"Add this redirect URI in your identity provider: {ours}"
    return (added,) if given in (None, ours) else (f"The redirect_uri {given} is not ours and was replaced.", added)


async def pasted_later(
    deps: Deps, connection: Connection, registration: Registration, request: ClientRequest
) -> tuple[Registration, tuple[str, ...]]:
    """Return a provider's registration as its metadata says, and remarks; the redirect URI stays the same."""
    if connection.auth_method is not AuthMethod.EXTERNAL_OAUTH:
        raise SkipassError("invalid_request", "oauth_metadata goes with external_oauth.")
    try:
        return await _external(deps, connection, replace(registration, sealed=None), request)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def renewed(deps: Deps, registration: Registration, request: ClientRequest) -> Registration:
    """Return the registration with the client, and its secret, of a request; the redirect URI stays the same."""
    client_id = request.client_id.strip() or registration.client_id
    if not client_id:
        raise SkipassError("missing_field", "The client needs client_id, or of a provider oauth_metadata.")
    named = replace(registration, client_id=client_id, client_auth=request.auth, sealed=None)
    try:
        return _with_secret(deps, named, _plain_secret(request))
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def _with_secret(deps: Deps, registration: Registration, plain: bytes | None) -> Registration:
    if plain is None:
        return registration
    if not plain.strip() or len(plain) > _MOST_BYTES:
        raise SkipassError("invalid_request", "The client's secret is empty or too long.")
    return replace(registration, sealed=seal(deps.kek, plain, registration_place(registration)))


def redirect_uri(base_url: str, registration: Registration) -> str:
    """Return the one address that answers for this registration come back to; no two registrations share one."""
    return f"{base_url}/oauth/upstream-callback/{registration.id}"


def target(deps: Deps, account: str, host: str | None) -> Target:
    """Return where an account is dialled; raises `SnowflakeConfigError`, or `snowflake_misconfigured` if it may not.

    For this machine people mean either scheme, so they say which.
    """
    found = target_of(parse_account(account), host)
    if host and "://" not in host and is_loopback(found.host):
        hint = f"Write http://{host} or https://{host}; plain http goes to this machine only."
        raise SnowflakeConfigError(f"{host} is this machine, with http or https?", hint=hint)
    deps.upstream.egress.check_literal(found.host, found.port or 443)
    return found


def private(pem: Secret[str] | None, passphrase: Secret[str] | None) -> tuple[bytes, str]:
    """Return a private key as PKCS#8 PEM and the fingerprint of its public half."""
    key = load_private_key(pem.reveal() if pem else "", passphrase.reveal() if passphrase else None)
    return pkcs8(key), fingerprint(public_der(key))


def pat(token: Secret[str]) -> tuple[bytes, str]:
    """Return a programmatic access token's bytes and a name for it that gives nothing away."""
    text = token.reveal().strip()
    if not text or len(text) > _MOST_BYTES or not (text.isascii() and text.isprintable()) or " " in text:
        raise SkipassError("invalid_request", "That is no programmatic access token.", "Paste the token_secret.")
    return text.encode(), digest(b"pat", text.encode())[:32]


def sealed_credential(
    deps: Deps, connection: Connection, plain: bytes, print_: str, generation: int = 1, **whose: Any
) -> Credential:
    """Return an active credential of a connection with `plain` sealed in its own place; `whose` are further fields."""
    now = deps.journal.now()
    bare = Credential(
        id=new_id("key", now),
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        generation=generation,
        state=CredentialState.ACTIVE,
        sealed=b"",
        fingerprint=print_,
        created_at=now,
        **whose,
    )
    return replace(bare, sealed=seal(deps.kek, plain, credential_place(bare)))


def pkcs8(key: Any) -> bytes:
    """Return an RSA key as unencrypted PKCS#8 PEM, which is what is sealed."""
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
