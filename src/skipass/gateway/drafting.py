"""From what an admin types to the rows of a connection: checked whole, secrets sealed, nothing stored here.

One function for each auth method; each takes what the method needs and refuses what it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from skipass.access.policy import policy_from
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import (
    ClientRequest,
    draft_registration,
    pat,
    private,
    sealed_credential,
    target,
)
from skipass.gateway.deps import Deps
from skipass.gateway.issuing import signing_key
from skipass.ids import new_id
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.secret import Secret
from skipass.snowflake.auth.keys import generate_key_pair
from skipass.snowflake.errors import SnowflakeConfigError

OAUTH = (AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH)
BROUGHT = (AuthMethod.KEY_PAIR, AuthMethod.PAT)


def takes_own(connection: Connection) -> bool:
    """Return whether each user of a connection brings a key or a token of their own."""
    return connection.per_user and connection.auth_method in BROUGHT


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What `connection add` registers; names of role, warehouse, database and schema are as Snowflake shows them.

    `host` overrides the host derived from `account` (port and path prefix allowed, http on loopback only).
    `private_key` is PEM or DER text, with its passphrase where it is encrypted; with `own_key` the gateway makes the
    pair itself, and nobody ever has the private half. Without `per_user` the auth method decides: OAuth and the issuer
    are always each user's own. A `template` takes registrations later.
    """

    name: str
    role: str
    account: str = ""
    login: str = ""
    private_key: Secret[str] | None = None
    passphrase: Secret[str] | None = None
    host: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    allowed_roles: Sequence[str] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    slug: str | None = None
    auth_method: AuthMethod = AuthMethod.KEY_PAIR
    per_user: bool = False
    template: bool = False
    token: Secret[str] | None = None
    client: ClientRequest | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    own_key: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """The rows of a new connection, and remarks on how its metadata was read."""

    connection: Connection
    credential: Credential | None = None
    registration: Registration | None = None
    remarks: tuple[str, ...] = ()


async def draft(deps: Deps, tenant_id: str, request: ConnectionRequest) -> Draft:
    """Return the rows of a connection, or raise `invalid_request` or `missing_field` saying what is wrong with it."""
    _check(request)
    try:
        bare = _connection(deps, tenant_id, request)
        if bare.auth_method in OAUTH:
            return await _by_oauth(deps, bare, request)
        if bare.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
            return Draft(bare, await signing_key(deps, bare, 1, CredentialState.ACTIVE))
        return Draft(bare, await _credential_of(deps, bare, request))
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def outline(deps: Deps, tenant_id: str, request: ConnectionRequest) -> Connection:
    """Return what a connection would be, before any secret of it is there; raises as `draft` does of the rest."""
    _check_name(request)
    needed = {"account": not request.template, "role": True}
    needed |= {"login": request.auth_method in BROUGHT and not request.per_user}
    missing = [one for one, is_needed in needed.items() if is_needed and not getattr(request, one).strip()]
    if missing:
        raise SkipassError("missing_field", f"A connection needs {' and '.join(missing)}.", details={"fields": missing})
    try:
        return _connection(deps, tenant_id, request)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def _check_name(request: ConnectionRequest) -> None:
    plain = request.name.replace("-", "").replace("_", "")
    if not plain.isalnum() or not request.name.isascii() or len(request.name) > 40:
        raise SkipassError("invalid_request", "A connection's name is 1 to 40 letters, digits, - and _.")


def _check(request: ConnectionRequest) -> None:
    _check_name(request)
    oauth = request.auth_method in OAUTH
    needed: dict[str, Any] = {"role": request.role, "account": request.account or request.template}
    broker = request.auth_method in (AuthMethod.KEY_PAIR, AuthMethod.PAT) and not request.per_user
    if broker:
        needed["login"] = request.login
        key = request.auth_method is AuthMethod.KEY_PAIR
        needed["private_key" if key else "token"] = (request.private_key or request.own_key) if key else request.token
    if oauth and not request.template:
        needed["client"] = request.client
    for member, given in needed.items():
        if not given or (isinstance(given, str) and not given.strip()):
            message = f"A connection by {request.auth_method.value} needs {member}."
            raise SkipassError("missing_field", message, details={"fields": [member]})
    _check_extra(request, oauth=oauth, broker=broker)


def _check_extra(request: ConnectionRequest, *, oauth: bool, broker: bool) -> None:
    extra: dict[str, Any] = {"client": request.client and (not oauth or request.template)}
    extra |= {"template": request.template and not oauth}
    extra |= {"token": request.token and not (broker and request.auth_method is AuthMethod.PAT)}
    by_key = broker and request.auth_method is AuthMethod.KEY_PAIR
    extra |= {"private_key": request.private_key and (not by_key or request.own_key)}
    extra |= {"key of the gateway's own": request.own_key and not by_key}
    extra |= {"login": request.login and not broker}
    wrong = [member for member, given in extra.items() if given]
    if wrong:
        kind = "template" if request.template else "connection"
        raise SkipassError("invalid_request", f"A {kind} by {request.auth_method.value} takes no {', '.join(wrong)}.")


def _connection(deps: Deps, tenant_id: str, request: ConnectionRequest) -> Connection:
    now, own = deps.journal.now(), request.auth_method not in (AuthMethod.KEY_PAIR, AuthMethod.PAT)
    return Connection(
        id=new_id("connection", now),
        tenant_id=tenant_id,
        name=request.name,
        account=request.account,
        host="" if request.template else target(deps, request.account, request.host).base_url,
        auth_method=request.auth_method,
        login=request.login,
        role=request.role,
        allowed_roles=tuple(request.allowed_roles),
        policy=policy_from(request.policy).as_dict(),
        created_at=now,
        warehouse=request.warehouse,
        database=request.database,
        schema=request.schema,
        per_user=request.per_user or own,
        template=request.template,
        settings=dict(request.settings),
    )


async def _credential_of(deps: Deps, connection: Connection, request: ConnectionRequest) -> Credential | None:
    if connection.per_user:
        return None
    if request.own_key:
        # Making an RSA key takes a good part of a second.
        pair = await asyncio.to_thread(generate_key_pair)
        return sealed_credential(deps, connection, pair.private_pem.reveal(), pair.fingerprint)
    if connection.auth_method is AuthMethod.PAT and request.token is not None:
        return sealed_credential(deps, connection, *pat(request.token))
    return sealed_credential(deps, connection, *private(request.private_key, request.passphrase))


async def _by_oauth(deps: Deps, connection: Connection, request: ConnectionRequest) -> Draft:
    if request.client is None:
        return Draft(connection)
    wanted = replace(request.client, account=request.account, host=request.host)
    registration, remarks = await draft_registration(deps, connection, wanted)
    return Draft(connection, None, registration, remarks)
