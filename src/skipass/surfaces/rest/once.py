"""`Idempotency-Key` on a route that creates: one answer a key, and no secret in its replays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from skipass.gateway.idempotency import Idempotency, IdempotentCall, Repeated, idempotent_call
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.idempotency import idempotency_key
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, TheGateway

T = TypeVar("T")
View = Callable[[T], dict[str, Any]]


class Once:
    """Runs the use case behind one request, once if the caller named a key."""

    def __init__(self, idempotency: Idempotency, call: IdempotentCall | None) -> None:
        self._idempotency, self._call = idempotency, call

    async def __call__(
        self, work: Callable[[], Awaitable[T]], view: View[T], *, status: int = 201, shown_once: View[T] | None = None
    ) -> Response:
        """Answer with `view` of the result, and `shown_once` beside it the first time only."""
        if self._call is None:
            result: T | Repeated = await work()
        else:
            result = await self._idempotency.once(self._call, work, view)
        if isinstance(result, Repeated):
            return reply(result.answer, status, {"idempotency-replayed": "true"})
        return reply(view(result) | (shown_once(result) if shown_once else {}), status)


async def _once(
    request: Request,
    gateway: TheGateway,
    caller: Caller,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Your own key for this request: sent again within 24 hours, it gives the first answer.",
        ),
    ] = None,
) -> Once:
    key = idempotency_key(Headers.of(request.scope))
    route = f"{request.method} {request.url.path}"
    call = idempotent_call(caller, route, key, await request.body()) if key else None
    return Once(Idempotency(gateway.deps.journal), call)


OnceFor = Annotated[Once, Depends(_once)]
