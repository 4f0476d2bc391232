"""Administration of connections over REST. A secret comes in and never goes out."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import SecretStr
from starlette.responses import Response

from skipass.access.sqlguard import canonical_scope
from skipass.gateway.account_views import registration_view
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import OAUTH, ConnectionRequest
from skipass.gateway.views import connection_view, when
from skipass.nouns.account import ClientAuth
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.accounts_views import added_body, registered_body
from skipass.surfaces.rest.bodies import Segment
from skipass.surfaces.rest.connections_bodies import (
    ChangedClient,
    ChangedConnection,
    NewConnection,
    NewRegistration,
    ReplacedCredential,
    TestedConnection,
)
from skipass.surfaces.rest.connections_shapes import (
    AddedConnection,
    ChangedRegistration,
    Checked,
    Registered,
    Registration,
    Registrations,
    SetupLink,
    ShownConnection,
)
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.views import check_body, credentialed_body

router = routes(CallerRoute, "connections")


@router.post("/connections", status_code=201, response_model=AddedConnection, summary="Register a connection")
async def create_connection(body: NewConnection, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Register a Snowflake target and open its MCP slug; every secret is sealed as it arrives."""
    view = partial(added_body, base_url=gateway.deps.base_url)
    return await once(partial(gateway.connections.add, caller, _request(body)), view)


@router.post("/connections/check", response_model=Checked, summary="Check what would be registered")
async def try_connection(body: NewConnection, gateway: TheGateway, caller: Caller) -> Response:
    """Say what is wrong with a connection before it is registered, or how it was read; nothing is stored."""
    return reply({"remarks": list((await gateway.connections.check(caller, _request(body))).remarks)})


@router.get("/connections", response_model=shapes.Page[shapes.Connection], summary="List connections by name")
async def list_connections(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the tenant's connections."""
    after = paging.CONNECTIONS.after(cursor) or ""
    found = await gateway.connections.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda connection: connection.name, connection_view))


@router.get("/connections/{name}", response_model=ShownConnection, summary="Show a connection")
async def show_connection(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Show a connection with the fingerprint of its key and its clients; never a secret."""
    known = await gateway.connections.show(caller, name)
    clients = [registration_view(one, gateway.deps.base_url) for one in known.registrations]
    return reply(credentialed_body(known.connection, known.credential) | {"registrations": clients})


@router.post(
    "/connections/{name}/registrations", status_code=201, response_model=Registered, summary="Register an account"
)
async def create_registration(
    name: Segment, body: NewRegistration, gateway: TheGateway, caller: Caller, once: OnceFor
) -> Response:
    """Register a client for one more Snowflake account of a template; its secret is sealed as it arrives."""
    view = partial(registered_body, base_url=gateway.deps.base_url)
    return await once(partial(gateway.registrations.add, caller, name, _client(body)), view)


@router.get("/connections/{name}/registrations", response_model=Registrations, summary="List registrations")
async def list_registrations(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """List a connection's clients by account; never a secret."""
    found = await gateway.registrations.list(caller, name)
    return reply({"items": [registration_view(one, gateway.deps.base_url) for one in found]})


@router.post("/connections/{name}/setup-link", status_code=201, response_model=SetupLink, summary="Invite a customer")
async def create_setup_link(name: Segment, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Make a one-time link by which a customer's admin registers their own account; it is in this answer only."""
    base_url = gateway.deps.base_url
    return await once(
        partial(gateway.registrations.invite, caller, name),
        lambda made: {"connection": name, "expires_at": when(made[0].expires_at)},
        shown_once=lambda made: {"token": made[1].reveal(), "url": f"{base_url}/connect/setup#{made[1].reveal()}"},
    )


@router.post("/registrations/{id}/client", response_model=ChangedRegistration, summary="Set a registration's client")
async def set_client(
    id: Segment,  # noqa: A002
    body: ChangedClient,
    gateway: TheGateway,
    caller: Caller,
    once: OnceFor,
) -> Response:
    """Give a registration its client id and secret, the first time or after they were renewed in Snowflake."""
    request = ClientRequest(
        client_id=body.client_id,
        secret=_secret(body.client_secret),
        private_key=_secret(body.client_private_key),
        auth=ClientAuth(body.client_auth),
        oauth_metadata=body.oauth_metadata,
    )
    base_url = gateway.deps.base_url
    return await once(
        partial(gateway.registrations.set_client, caller, id, request),
        lambda made: registration_view(made[0], base_url) | {"remarks": list(made[1])},
        status=200,
    )


@router.post("/registrations/{id}/disable", response_model=Registration, summary="Disable a registration")
async def disable_registration(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Stop using a client: nobody links by it any more."""
    return reply(registration_view(await gateway.registrations.disable(caller, id), gateway.deps.base_url))


@router.post("/connections/{name}/test", response_model=shapes.Tested, summary="Test a connection")
async def check_connection(
    name: Segment, gateway: TheGateway, caller: Caller, body: TestedConnection | None = None
) -> Response:
    """Ask the account; `ok` is true when no check failed. A check that cannot be seen says null."""
    scope = canonical_scope(body.scope) if body and body.scope else None
    checks = await gateway.connections.test(caller, name, scope)
    return reply({"ok": all(c.ok is not False for c in checks), "checks": [check_body(c) for c in checks]})


@router.post("/connections/{name}/disable", response_model=shapes.Connection, summary="Disable a connection")
async def disable_connection(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Stop a connection; nothing on it is admitted any more."""
    return reply(connection_view(await gateway.connections.disable(caller, name)))


@router.post("/connections/{name}/enable", response_model=shapes.Connection, summary="Enable a connection")
async def enable_connection(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Let a disabled connection answer again; what ended when it was disabled stays ended."""
    return reply(connection_view(await gateway.changing.enable(caller, name)))


@router.post("/connections/{name}/change", response_model=shapes.Connection, summary="Change a connection")
async def change_connection(name: Segment, body: ChangedConnection, gateway: TheGateway, caller: Caller) -> Response:
    """Change defaults, roles, limits and settings; members left out stay. Sessions in a role that is gone end."""
    given = {"schema" if one == "schema_" else one for one in body.model_fields_set} - {"dry_run"}
    changes = {one: value for one, value in body.model_dump(by_alias=True).items() if one in given}
    changed = await gateway.changing.change(caller, name, changes, dry_run=body.dry_run)
    return reply(connection_view(changed))


@router.post("/connections/{name}/credential", response_model=shapes.KnownConnection, summary="Replace a credential")
async def replace_credential(
    name: Segment, body: ReplacedCredential, gateway: TheGateway, caller: Caller, once: OnceFor
) -> Response:
    """Give a connection that serves everybody its next key or token; the one before is destroyed, sessions go on."""
    given = {"private_key": _secret(body.private_key), "passphrase": _secret(body.passphrase)}
    replace = partial(gateway.replacing.replace, caller, name, **given, token=_secret(body.token))
    return await once(replace, lambda made: credentialed_body(*made), status=200)


def _request(body: NewConnection) -> ConnectionRequest:
    method = AuthMethod(body.auth)
    settings: dict[str, Any] = {"login_claim": body.login_claim} if body.login_claim else {}
    return ConnectionRequest(
        name=body.name,
        account=body.account,
        login=body.login,
        role=body.role,
        auth_method=method,
        private_key=_secret(body.private_key),
        passphrase=_secret(body.passphrase),
        token=_secret(body.token),
        per_user=body.per_user,
        template=body.template,
        client=_client(body) if method in OAUTH and not body.template else None,
        settings=settings | ({} if body.verify_end_users else {"verify_end_users": False}),
        host=body.host,
        warehouse=body.warehouse,
        database=body.database,
        schema=body.schema_,
        allowed_roles=body.allowed_roles,
        policy=body.policy,
        slug=body.slug,
    )


def _client(body: NewConnection | NewRegistration) -> ClientRequest:
    return ClientRequest(
        account=body.account,
        host=body.host,
        client_id=body.client_id,
        secret=_secret(body.client_secret),
        private_key=_secret(body.client_private_key),
        auth=ClientAuth(body.client_auth),
        allowed_roles=body.allowed_roles,
        single_use=body.single_use,
        oauth_metadata=body.oauth_metadata,
    )


def _secret(given: SecretStr | None) -> Secret[str] | None:
    return Secret(given.get_secret_value()) if given else None
