"""Signing in with the identity provider: off to it, and back."""

from __future__ import annotations

from pathlib import Path

from skipass.gateway.core import Gateway
from skipass.gateway.entering import LIFE_S
from skipass.surfaces.edge.cookies import Cookies
from skipass.surfaces.edge.pages import Pages, Reply, moved
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.return_to import kept, path_of, wants_decision

PAGES = Pages(Path(__file__).parent / "templates")


class SignIn:
    """`/oauth/sign-in/start` and `/oauth/sign-in/callback`."""

    def __init__(self, gateway: Gateway, cookies: Cookies) -> None:
        self._gateway, self._cookies = gateway, cookies
        # Lax: it has to come along when the provider sends the browser back here.
        self._leaving = Cookies(cookies.secure, "skipass-sign-in", "Lax", LIFE_S)

    async def start(self, asked: Asked) -> Reply:
        """Send the browser off; where a decision waits, the provider asks the person again."""
        to = kept(asked.named().get("to", ""))
        sent = await self._gateway.entering.start(to, fresh=wants_decision(to))
        return moved(sent.url, self._leaving.keep(sent.cookie))

    async def callback(self, asked: Asked) -> Reply:
        """Check what the browser brings, and sign the person in.

        A page of our own goes on from here: a browser that another site sent does not show our cookie to the next.
        """
        entered = await self._gateway.entering.land(asked.named(), self._leaving.read(asked.headers))
        cookies = (self._cookies.keep(entered.text), self._leaving.drop())
        return PAGES.html("entered.html", *cookies, me=entered.user.name, onward=path_of(entered.to))
