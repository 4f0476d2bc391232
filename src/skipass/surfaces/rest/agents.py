"""Administration of agents over REST. A key is shown in one answer and never again."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from skipass.gateway.agent_details import KeptKey
from skipass.gateway.agents import AgentKeys
from skipass.gateway.views import agent_view, when
from skipass.nouns.people import Agent
from skipass.surfaces.rest import agents_shapes as own
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import AgentConnection, AgentUser, NewAgent, RevokedKey, Rotated, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

router = routes(CallerRoute, "agents")


@router.post("/agents", status_code=201, response_model=shapes.NewKey, summary="Register an agent")
async def create_agent(body: NewAgent, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Register an agent; `api_key` and `client_secret` are in this answer only."""
    create = partial(gateway.agents.create, caller, body.name, owner=body.owner)
    create = partial(create, end_users=body.end_users, return_urls=body.return_urls, public_key=body.public_key)
    return await once(partial(create, users=body.users, connections=body.connections), _plain, shown_once=_key)


@router.get("/agents", response_model=shapes.Page[shapes.Agent], summary="List agents by name")
async def list_agents(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the tenant's agents."""
    after = paging.AGENTS.after(cursor) or ""
    found = await gateway.agents.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda agent: agent.name, agent_view))


# A name may hold a slash, which a server decodes before the path is matched.
@router.post("/agents/{name:path}/rotate", response_model=shapes.NewKey, summary="Give an agent a new key")
async def rotate_agent(
    name: Segment, gateway: TheGateway, caller: Caller, once: OnceFor, body: Rotated | None = None
) -> Response:
    """Issue a second key and client secret, in this answer only; the earlier ones end a day later, key pairs too."""
    rotate = partial(gateway.agents.rotate, caller, name, body.public_key if body else None)
    return await once(rotate, _plain, status=200, shown_once=_key)


@router.post("/agents/{name:path}/disable", response_model=shapes.Agent, summary="Disable an agent")
async def disable_agent(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Stop an agent's keys; nothing of it is admitted any more."""
    return reply(agent_view(await gateway.agents.disable(caller, name)))


@router.post("/agents/{name:path}/enable", response_model=shapes.Agent, summary="Enable an agent")
async def enable_agent(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Let a disabled agent in again, with the keys it has; its sessions stay over."""
    return reply(agent_view(await gateway.agents.enable(caller, name)))


@router.get("/agents/{name:path}/keys", response_model=own.AgentKeys, summary="List an agent's keys")
async def list_agent_keys(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """List its keys, client secrets and key pairs, never their text, and when each was used last."""
    return reply({"items": [_told(one) for one in await gateway.agent_details.keys(caller, name)]})


@router.post("/agents/{name:path}/keys/revoke", response_model=shapes.Agent, summary="End one key of an agent")
async def revoke_agent_key(name: Segment, body: RevokedKey, gateway: TheGateway, caller: Caller) -> Response:
    """End one key, client secret or key pair now; with a client secret every token that was traded."""
    return reply(agent_view(await gateway.agents.revoke_key(caller, name, body.prefix)))


@router.post("/agents/{name:path}/connections/add", response_model=shapes.Agent, summary="Give an agent a connection")
async def add_agent_connection(name: Segment, body: AgentConnection, gateway: TheGateway, caller: Caller) -> Response:
    """Let an agent use one more connection; its sessions there are asked for and decided as ever."""
    return reply(agent_view(await gateway.agent_connections.give(caller, name, body.connection)))


@router.post("/agents/{name:path}/connections/remove", response_model=shapes.Agent, summary="Take that back")
async def remove_agent_connection(
    name: Segment, body: AgentConnection, gateway: TheGateway, caller: Caller
) -> Response:
    """Take a connection from an agent; what it has open there ends."""
    return reply(agent_view(await gateway.agent_connections.take(caller, name, body.connection)))


@router.post("/agents/{name:path}/users/add", response_model=shapes.Agent, summary="Let an agent act for a person")
async def add_agent_user(name: Segment, body: AgentUser, gateway: TheGateway, caller: Caller) -> Response:
    """Let an agent act for you, or as an admin for anybody of the company."""
    return reply(agent_view(await gateway.agent_users.allow(caller, name, body.user)))


@router.post("/agents/{name:path}/users/remove", response_model=shapes.Agent, summary="Take that back")
async def remove_agent_user(name: Segment, body: AgentUser, gateway: TheGateway, caller: Caller) -> Response:
    """Have an agent act for you no longer, or as an admin for anybody; its sessions for them end."""
    return reply(agent_view(await gateway.agent_users.disallow(caller, name, body.user)))


def _told(kept: KeptKey) -> dict[str, object]:
    key, seen = kept.key, kept.seen
    return {
        "prefix": key.prefix,
        "use": key.use.value,
        "live": kept.live,
        "created_at": when(key.created_at),
        "expires_at": when(key.expires_at),
        "revoked_at": when(key.revoked_at),
        "last_used_at": when(kept.seen_at),
        "last_used_from": (seen.address or None) if seen else None,
        "last_used_by": (seen.client or None) if seen else None,
    }


def _plain(made: tuple[Agent, AgentKeys]) -> dict[str, object]:
    return {"agent": agent_view(made[0]), "client_id": made[0].id}


def _key(made: tuple[Agent, AgentKeys]) -> dict[str, object]:
    return {"api_key": made[1].text.reveal(), "client_secret": made[1].client_secret.reveal()}
