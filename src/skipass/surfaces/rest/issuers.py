"""Signing keys and login mappings of issuer connections over REST. Public halves only."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from skipass.gateway.issuer import audience_of, issuer_url
from skipass.gateway.issuing import SigningKey
from skipass.gateway.mappings import Mapped
from skipass.gateway.views import when
from skipass.nouns.connection import Connection, CredentialState
from skipass.surfaces.rest.bodies import Body, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name

router = routes(CallerRoute, "issuers")
_USE = {CredentialState.NONE: "next", CredentialState.ACTIVE: "signing"}


class Login(Body):
    """Body of `POST /connections/{name}/logins`."""

    user: Name = Field(description="The user, by name.", examples=["sam"])
    login: Name = Field(description="LOGIN_NAME of the Snowflake user that this user is.", examples=["SAM@EXAMPLE.COM"])


class LoginOf(Body):
    """Body of `POST /connections/{name}/logins/remove`."""

    user: Name = Field(description="The user, by name.", examples=["sam"])


class PublicKey(Shape):
    """The public half of a signing key."""

    id: str = Field(examples=["key_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    key_id: str = Field(description="`kid` of the tokens it signs.", examples=["SHA256:…"])
    public_key: str = Field(description="Base 64 DER, as EXTERNAL_OAUTH_RSA_PUBLIC_KEY takes it.")
    use: Literal["signing", "next", "retired"] = Field(description="`next` is published and signs nothing yet.")
    generation: int
    created_at: AwareDatetime


class Issued(Shape):
    """Who an issuer connection is, and its published keys, the one that signs first."""

    connection: str = Field(examples=["analytics"])
    issuer: str = Field(description="`iss` of its tokens.")
    audience: str = Field(description="`aud` of its tokens.")
    jwks_url: str
    keys: list[PublicKey]


class MappedLogin(Shape):
    """Who one user is in Snowflake."""

    user: str = Field(examples=["sam"])
    login: str = Field(description="Empty where it was taken back: then no claim counts either.")
    by: str = Field(description="Who said so.")
    at: AwareDatetime


class MappedLogins(Shape):
    """The login mappings of one connection."""

    items: list[MappedLogin]


@router.get("/connections/{name}/signing-keys", response_model=Issued, summary="Show an issuer's keys")
async def list_keys(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Show the public halves of an issuer connection's keys."""
    return reply(_issued(*await gateway.issuing.keys(caller, name), gateway.deps.base_url))


@router.post(
    "/connections/{name}/signing-keys", status_code=201, response_model=PublicKey, summary="Publish a further key"
)
async def prepare_key(name: Segment, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Make and publish a further key; it signs nothing until it is activated."""
    return await once(partial(gateway.issuing.prepare, caller, name), lambda made: key_view(made[1]))


@router.post("/connections/{name}/signing-keys/activate", response_model=PublicKey, summary="Sign with the next key")
async def activate_key(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Sign with the published key from now on; the one before stays published while what it signed may live."""
    return reply(key_view((await gateway.issuing.activate(caller, name))[1]))


@router.post("/connections/{name}/signing-keys/revoke", response_model=Issued, summary="Destroy an issuer's keys")
async def revoke_keys(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Destroy every key of the connection and end its sessions; disable the integration in Snowflake as well."""
    return reply(_issued(await gateway.issuing.revoke(caller, name), [], gateway.deps.base_url))


@router.get("/connections/{name}/logins", response_model=MappedLogins, summary="List login mappings")
async def list_logins(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """List which Snowflake login each user is on an issuer connection."""
    return reply({"items": [login_view(one) for one in await gateway.mappings.list(caller, name)]})


@router.post("/connections/{name}/logins", response_model=MappedLogin, summary="Map a user to a login")
async def set_login(name: Segment, body: Login, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Say which Snowflake login a user is; another one than before ends what runs as that."""
    return await once(partial(gateway.mappings.set, caller, name, body.user, body.login), login_view, status=200)


@router.post("/connections/{name}/logins/remove", response_model=MappedLogin, summary="Take a login mapping back")
async def remove_login(name: Segment, body: LoginOf, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Take back which login a user is; what runs as it ends."""
    return await once(partial(gateway.mappings.remove, caller, name, body.user), login_view, status=200)


def _issued(connection: Connection, keys: list[SigningKey], base_url: str) -> dict[str, object]:
    issuer = issuer_url(base_url, connection)
    return {
        "connection": connection.name,
        "issuer": issuer,
        "audience": audience_of(connection),
        "jwks_url": f"{issuer}/jwks.json",
        "keys": [key_view(one) for one in keys],
    }


def key_view(key: SigningKey) -> dict[str, object]:
    """Return the public half of a signing key."""
    row = key.credential
    return {
        "id": row.id,
        "key_id": row.fingerprint,
        "public_key": key.public_key,
        "use": _USE.get(row.state, "retired"),
        "generation": row.generation,
        "created_at": when(row.created_at),
    }


def login_view(one: Mapped) -> dict[str, object]:
    """Return a login mapping."""
    row = one.mapping
    return {"user": one.user, "login": row.login, "by": row.made_by, "at": when(row.created_at)}
