"""The ASGI app of `/api/v1`: the hot route by itself, everything else through the framework, all behind the door."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.rest import (
    accounts,
    agents,
    approvals,
    connections,
    doctor,
    events,
    groups,
    issuers,
    mcp_clients,
    people,
    policies,
    relayed,
    reviews,
    servers,
    sessions,
    tools,
    vault,
)
from skipass.surfaces.rest.execute import PATH, Execute
from skipass.surfaces.rest.openapi import document
from skipass.surfaces.rest.replies import refusal, reply
from skipass.surfaces.rest.route import BASE, OpenRoute, routes

_ROUTERS = (
    sessions.asking,
    sessions.router,
    approvals.router,
    reviews.router,
    events.router,
    tools.router,
    people.entrance,
    people.router,
    groups.router,
    agents.router,
    accounts.making,
    accounts.router,
    connections.router,
    servers.slugs,
    relayed.router,
    doctor.router,
    issuers.router,
    mcp_clients.router,
    policies.router,
    vault.router,
)


def create_rest_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves `/api/v1/…`, the door included."""
    return Door(_RestApp(Execute(gateway, settings), framework(gateway, settings)), settings, clock)


class _RestApp:
    def __init__(self, execute: Execute, rest: FastAPI) -> None:
        self._execute, self._rest = execute, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tool = PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if tool is not None:
            await self._execute(scope, receive, send, tool[1])
        else:
            await self._rest(scope, receive, send)


def framework(gateway: Gateway, settings: EdgeSettings) -> FastAPI:
    """Return the framework's app with every route but the hot one."""
    rest = FastAPI(
        title="skipass",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _no_route},
    )
    rest.state.gateway, rest.state.settings = gateway, settings
    for router in (*_ROUTERS, _about(rest)):
        rest.router.routes.extend(router.routes)
    return rest


def _about(rest: FastAPI) -> APIRouter:
    router = routes(OpenRoute)

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return reply(document(rest))

    return router


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer for a path or a method that has no route, in the form of every other refusal."""
    headers = Headers.of(request.scope)
    methods = _methods(request)
    if not methods:
        return refusal(SkipassError("not_found", "There is no such path.", f"See {BASE}/openapi.json."), headers)
    allow = ", ".join(methods)
    wrong = SkipassError("invalid_request", f"{request.method} is not served here.", f"Use {allow}.")
    return refusal(wrong, headers, status=405, headers={"allow": allow})


def _methods(request: Request) -> list[str]:
    here = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in here for method in getattr(route, "methods", None) or ()})
