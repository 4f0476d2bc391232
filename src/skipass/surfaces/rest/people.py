"""People over REST: sign in and out, who am I, and the administration of users."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from skipass.gateway.views import user_view, when
from skipass.identity.keys import LINK_LIFE
from skipass.nouns.people import User
from skipass.nouns.principal import Role
from skipass.secret import Secret
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import NewUser, Segment, SignIn
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import empty, reply
from skipass.surfaces.rest.route import Caller, CallerRoute, OpenRoute, TheGateway, routes
from skipass.surfaces.rest.views import caller_body, link_body

entrance = routes(OpenRoute, "sign-in")
router = routes(CallerRoute, "users")


@entrance.post(
    "/sign-in",
    status_code=201,
    response_model=shapes.SignedIn,
    summary="Sign in with a one-time link",
    openapi_extra={"security": []},
)
async def sign_in(body: SignIn, gateway: TheGateway) -> Response:
    """Trade the token of a one-time link for a person's token. The link is good for one sign-in."""
    user, issued = await gateway.people.sign_in(body.token.get_secret_value())
    told = {"token": issued.text.reveal(), "user": user_view(user), "expires_at": when(issued.key.expires_at)}
    return reply(told, 201)


@router.post("/sign-out", status_code=204, summary="Sign out", tags=["sign-in"])
async def sign_out(gateway: TheGateway, caller: Caller) -> Response:
    """Revoke the token this request was made with."""
    await gateway.people.sign_out(caller)
    return empty()


@router.get("/whoami", response_model=shapes.WhoAmI, summary="Who is asking", tags=["sign-in"])
async def whoami(caller: Caller) -> Response:
    """Return the caller, the user acted for, and a person's roles."""
    return reply(caller_body(caller))


@router.post("/users", status_code=201, response_model=shapes.User, summary="Add a person")
async def create_user(body: NewUser, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Add a person; the link that signs them in is made by `…/link`."""
    roles = [Role(role) for role in dict.fromkeys(body.roles)]
    return await once(partial(gateway.people.create, caller, body.name, roles), user_view)


@router.get("/users", response_model=shapes.Page[shapes.User], summary="List people by name")
async def list_users(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List everybody."""
    after = paging.USERS.after(cursor) or ""
    found = await gateway.people.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda user: user.name, user_view))


@router.post("/users/{name}/link", status_code=201, response_model=shapes.Link, summary="Make a sign-in link")
async def link_user(name: Segment, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Make a one-time sign-in link, shown once; it voids the person's earlier ones."""

    def shown(made: tuple[User, Secret[str]]) -> dict[str, object]:
        token = made[1].reveal()
        return {"token": token, "url": f"{gateway.deps.base_url}/sign-in#{token}"}

    life_s = int(LINK_LIFE.total_seconds())
    make = partial(gateway.people.link, caller, name)
    return await once(make, lambda made: link_body(made[0]) | {"expires_in_s": life_s}, shown_once=shown)


@router.post("/users/{name}/disable", response_model=shapes.User, summary="Disable a person")
async def disable_user(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Stop a person's tokens; nothing is admitted for them any more."""
    return reply(user_view(await gateway.people.disable(caller, name)))


@router.post("/users/{name}/unbind", response_model=shapes.User, summary="Forget who a person is at the provider")
async def unbind_user(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Take back who the identity provider says a person is; what they opened ends, and the next sign-in binds them."""
    return reply(user_view(await gateway.unbinding.unbind(caller, name)))
