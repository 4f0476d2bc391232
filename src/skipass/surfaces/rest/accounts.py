"""Connected accounts over REST: agents on behalf of the users they act for, people for their own, admins for all."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from skipass.gateway.account_views import account_view, link_url, link_view
from skipass.gateway.core import Gateway
from skipass.gateway.uploading import Brought
from skipass.secret import Secret
from skipass.surfaces.edge.bearer import bearer_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.accounts_shapes import (
    AccountDefaults,
    AuthorizationLink,
    ConnectedAccount,
    NewAccount,
    NewLink,
    OneTimeCode,
    OwnCredential,
)
from skipass.surfaces.rest.bodies import Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.parsing import identifier_of
from skipass.surfaces.rest.replies import empty, reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

_BASE = "/connected-accounts"


class WelcomingRoute(CallerRoute):
    """The route that makes an account: an application's end user is known from the first time it is named."""

    async def _admit(self, request: Request, headers: Headers, body: Any) -> None:
        gateway: Gateway = request.app.state.gateway
        identifier, welcome = identifier_of(headers, body), gateway.accounts.welcome
        request.state.principal = await gateway.authenticator.authenticate(
            bearer_from(headers), identifier=identifier, welcome=welcome
        )


making = routes(WelcomingRoute, "connected-accounts")
router = routes(CallerRoute, "connected-accounts")


@making.post(_BASE, response_model=ConnectedAccount, summary="Get or make a connected account")
async def get_or_create_account(body: NewAccount, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Return the account of a user on a connection, the same one however often it is asked for."""
    make = partial(gateway.accounts.get_or_create, caller, body.connection_name, body.identifier)
    return await once(make, account_view, status=200)


@router.get(_BASE, response_model=shapes.Page[ConnectedAccount], summary="List connected accounts")
async def list_accounts(
    gateway: TheGateway,
    caller: Caller,
    connection_name: Annotated[str | None, Query(max_length=255, description="Of this connection alone.")] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """List the accounts of the user acted for; people who see all see the tenant's."""
    after = paging.ACCOUNTS.after(cursor)
    found = await gateway.accounts.list(caller, connection=connection_name, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda full: full.account.id, account_view))


@router.get(f"{_BASE}/{{id}}", response_model=ConnectedAccount, summary="Show a connected account")
async def get_account(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Show where an account stands, why, and what to do about it."""
    return reply(account_view(await gateway.accounts.get(caller, id)))


@router.patch(f"{_BASE}/{{id}}", response_model=ConnectedAccount, summary="Change an account's defaults")
async def update_account(
    id: Segment,  # noqa: A002
    body: AccountDefaults,
    gateway: TheGateway,
    caller: Caller,
) -> Response:
    """Set the defaults that are named; null is the connection's own."""
    changes = body.model_dump(by_alias=True, exclude_unset=True)
    return reply(account_view(await gateway.accounts.update(caller, id, changes)))


@router.delete(f"{_BASE}/{{id}}", status_code=204, summary="Delete a connected account")
async def delete_account(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Disconnect an account and forget its defaults; by an admin also which Snowflake login it was of."""
    await gateway.disconnecting.delete(caller, id)
    return empty()


@router.post(
    f"{_BASE}/{{id}}/authorization-link", status_code=201, response_model=AuthorizationLink, summary="Make a link"
)
async def create_authorization_link(
    id: Segment,  # noqa: A002
    gateway: TheGateway,
    caller: Caller,
    once: OnceFor,
    body: NewLink | None = None,
) -> Response:
    """Make the one-time link by which the user agrees to a role; it is in this answer only and voids earlier ones."""
    wish, base_url = body or NewLink(), gateway.deps.base_url
    make = partial(gateway.linking.invite, caller, id, role=wish.role, return_url=wish.return_url)
    return await once(make, link_view, shown_once=lambda made: {"link": link_url(made, base_url)})


@router.post(f"{_BASE}/{{id}}/verify", response_model=ConnectedAccount, summary="Verify who linked")
async def verify_account(
    id: Segment,  # noqa: A002
    body: OneTimeCode,
    gateway: TheGateway,
    caller: Caller,
) -> Response:
    """Put a sign-in in force on the word of the application whose end user it is."""
    return reply(account_view(await gateway.landing.verify(caller, id, body.code.get_secret_value())))


@router.post(f"{_BASE}/{{id}}/accept-login", response_model=ConnectedAccount, summary="Accept another login")
async def accept_login(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Accept, as an admin, that the last sign-in was of another Snowflake login than before."""
    return reply(account_view(await gateway.landing.accept_login(caller, id)))


@router.post(f"{_BASE}/{{id}}/credential", response_model=ConnectedAccount, summary="Hand in a key or token")
async def upload_credential(
    id: Segment,  # noqa: A002
    body: OwnCredential,
    gateway: TheGateway,
    caller: Caller,
) -> Response:
    """Seal a person's own key or programmatic access token, once a sign-in with it has worked."""
    given = {"private_key": body.private_key, "passphrase": body.passphrase, "token": body.token}
    brought = Brought(login=body.login, **{name: _secret(value) for name, value in given.items()})
    return reply(account_view(await gateway.uploading.upload(caller, id, brought)))


@router.post(f"{_BASE}/{{id}}/disconnect", response_model=ConnectedAccount, summary="Disconnect an account")
async def disconnect_account(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Cancel what runs, tell the provider where it takes that, and destroy the tokens."""
    return reply(account_view(await gateway.disconnecting.disconnect(caller, id)))


@router.post(f"{_BASE}/{{id}}/revoke", response_model=ConnectedAccount, summary="Take an account away")
async def revoke_account(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """End an account as an admin: nothing is sent for it until it is linked again."""
    return reply(account_view(await gateway.disconnecting.revoke(caller, id)))


def _secret(given: SecretStr | None) -> Secret[str] | None:
    return Secret(given.get_secret_value()) if given else None
