"""One route: its caller is known and its request strict before a handler runs, and whatever fails leaves as our error.

Order: JSON is read, the caller is verified, only then is anything said about the request.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.asgi import REQUEST_ID
from skipass.surfaces.edge.bearer import bearer_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.unforeseen import unforeseen
from skipass.surfaces.rest.faults import fault_from, unknown_fields
from skipass.surfaces.rest.parsing import identifier_of, parsed
from skipass.surfaces.rest.replies import refusal
from skipass.tools.call import CallContext

BASE = "/api/v1"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose body was read strictly already."""

    def __init__(self, request: Request, content: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._content, self._value = content, value

    async def body(self) -> bytes:
        """Return the bytes of the body."""
        return self._content

    async def json(self) -> Any:
        """Return what the strict parser made of it."""
        return self._value


class OpenRoute(APIRoute):
    """A route anybody may call."""

    def get_route_handler(self) -> Handler:
        """Return the route's handler behind its checks."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            headers = Headers.of(request.scope)
            try:
                return await inner(await self._checked(request, headers))
            except RequestValidationError as error:
                return refusal(await self._refused(request, fault_from(error.errors())), headers)
            except SkipassError as error:
                return refusal(await self._refused(request, error), headers)
            except Exception as error:  # noqa: BLE001 - the framework would answer for itself and log the text
                return refusal(unforeseen(error, request.scope[REQUEST_ID]), headers)

        return handler

    async def _checked(self, request: Request, headers: Headers) -> Request:
        content = await request.body()
        value, fault = self._read(request, content, headers)
        await self._admit(request, headers, value)
        if fault is not None:
            raise fault
        self._check_members(request, value)
        return StrictRequest(request, content, value)

    def _read(self, request: Request, content: bytes, headers: Headers) -> tuple[Any, SkipassError | None]:
        try:
            return parsed(content, headers, request.app.state.settings), None
        except SkipassError as error:
            return None, error

    async def _admit(self, request: Request, headers: Headers, body: Any) -> None:
        """Let everybody in."""

    async def _refused(self, request: Request, error: SkipassError) -> SkipassError:
        """Return the failure to answer with."""
        return error

    def _check_members(self, request: Request, body: Any) -> None:
        known = {field.alias for field in self.dependant.query_params}
        given = request.query_params.multi_items()
        unknown = [name for name, _ in given if name not in known]
        if self.body_field is None and body not in (None, {}):
            unknown += list(body) if isinstance(body, dict) else ["body"]
        if unknown:
            raise unknown_fields(unknown)
        if len({name for name, _ in given}) != len(given):
            raise SkipassError("invalid_request", "A query parameter was sent more than once.", "Send it once.")


class CallerRoute(OpenRoute):
    """A route for verified callers; the caller is in `request.state.principal`."""

    async def _admit(self, request: Request, headers: Headers, body: Any) -> None:
        gateway: Gateway = request.app.state.gateway
        identifier = self._identifier(headers, body)
        request.state.principal = await gateway.authenticator.authenticate(bearer_from(headers), identifier=identifier)

    def _identifier(self, headers: Headers, body: Any) -> str | None:
        return identifier_of(headers, None)


class SharedRoute(OpenRoute):
    """A route for verified callers that answers each of them alike: whoever acts for several users may name none."""

    async def _admit(self, request: Request, headers: Headers, body: Any) -> None:
        authenticator = cast(Gateway, request.app.state.gateway).authenticator
        identifier = identifier_of(headers, None)
        if identifier is None:
            await authenticator.known(bearer_from(headers))
        else:
            await authenticator.authenticate(bearer_from(headers), identifier=identifier)


class SessionRoute(CallerRoute):
    """The route that asks for a session: its body may name the user, and every refusal is on record."""

    def _identifier(self, headers: Headers, body: Any) -> str | None:
        return identifier_of(headers, body)

    async def _refused(self, request: Request, error: SkipassError) -> SkipassError:
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:
            return error
        gateway: Gateway = request.app.state.gateway
        call = CallContext(request.scope[REQUEST_ID])
        try:
            await gateway.calls.record_refusal(principal, "", error, call, tool="skipass_request_session")
        except SkipassError as unrecorded:
            return unrecorded
        return error


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


TheGateway = Annotated[Gateway, Depends(_gateway)]
Caller = Annotated[Principal, Depends(_principal)]


def routes(route: type[OpenRoute], *tags: str) -> APIRouter:
    """Return a router under `/api/v1` whose operations are named as their functions are."""
    return APIRouter(prefix=BASE, route_class=route, tags=list(tags), generate_unique_id_function=lambda one: one.name)
