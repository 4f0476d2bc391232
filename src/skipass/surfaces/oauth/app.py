"""The ASGI app of `/oauth/…`: routes, one small class an endpoint, and what a refusal looks like. Behind the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.cookies import Cookies
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.forms import check_same_origin
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.oauth.authorize import Authorize
from skipass.surfaces.oauth.clients import Registration, Revocation
from skipass.surfaces.oauth.device import DevicePage
from skipass.surfaces.oauth.metadata import Metadata
from skipass.surfaces.oauth.sign_in import PAGES, SignIn
from skipass.surfaces.oauth.token import TokenEndpoint

Handler = Callable[[Asked], Awaitable[Reply]]


def create_oauth_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves `/oauth/…`, the door included."""
    return Door(_OAuth(gateway), settings, clock)


def create_metadata_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app of the documents that pages of any site may read, the door included."""
    return Door(_Documents(gateway), settings, clock, any_origin=True)


class _Documents:
    def __init__(self, gateway: Gateway) -> None:
        self._metadata = Metadata(gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._metadata.answer(await Asked.of(scope, receive))).send(send)


class _OAuth:
    def __init__(self, gateway: Gateway) -> None:
        cookies = Cookies(gateway.deps.base_url.startswith("https://"))
        sign_in, token = SignIn(gateway, cookies), TokenEndpoint(gateway)
        authorize, device = Authorize(gateway, cookies), DevicePage(gateway, cookies)
        self._pages: Mapping[tuple[str, str], Handler] = {
            ("GET", "/oauth/sign-in/start"): sign_in.start,
            ("GET", "/oauth/sign-in/callback"): sign_in.callback,
            ("GET", "/oauth/authorize"): authorize.ask,
            ("POST", "/oauth/authorize"): authorize.answer,
            ("GET", "/oauth/device"): device.ask,
            ("POST", "/oauth/device"): device.answer,
        }
        self._programs: Mapping[tuple[str, str], Handler] = {
            ("POST", "/oauth/token"): token.token,
            ("POST", "/oauth/device_authorization"): token.device,
            ("POST", "/oauth/register"): Registration(gateway).register,
            ("POST", "/oauth/revoke"): Revocation(gateway).revoke,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await Asked.of(scope, receive)
        program = self._programs.get((asked.method, asked.path))
        if program is not None:
            await (await program(asked)).send(send)
            return
        try:
            reply = await self._page(asked)
        except SkipassError as error:
            reply = PAGES.problem(error)
        await reply.send(send)

    async def _page(self, asked: Asked) -> Reply:
        handler = self._pages.get((asked.method, asked.path))
        if handler is None:
            raise SkipassError("not_found", "There is no such page.")
        if asked.method == "POST":
            check_same_origin(asked.headers)
        return await handler(asked)
