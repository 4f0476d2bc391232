"""Serves `/issuers/{connection}/.well-known/openid-configuration` and `…/jwks.json`; nothing else, and no secret."""

from __future__ import annotations

import re

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.surfaces.edge.answers import send_json
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.settings import EdgeSettings

_DOCUMENT = re.compile(r"/issuers/(con_[0-9a-z]{26})/(jwks\.json|\.well-known/openid-configuration)")


def create_issuers_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app, the door included."""
    return Door(_Issuers(gateway), settings, clock)


class _Issuers:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _DOCUMENT.fullmatch(scope["path"])
        if asked is None or scope["method"] not in ("GET", "HEAD"):
            raise SkipassError("not_found", "There is no such document.")
        discovery, keys = await self._gateway.issuing.documents(asked[1])
        await send_json(send, 200, keys if asked[2] == "jwks.json" else discovery)
