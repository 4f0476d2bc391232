"""The entrance: signing in with a one-time link or with the identity provider, and signing out."""

from __future__ import annotations

from skipass.surfaces.console.frame import PAGES, SIGN_OUT, Frame
from skipass.surfaces.edge.forms import form_from
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.return_to import kept, path_of


class Entrance:
    """`/sign-in` and `/console/sign-out`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._sign_ins = frame, frame.gateway.sign_ins

    async def show(self, asked: Asked) -> Reply:
        """Show how to sign in."""
        to = kept(asked.named().get("to", ""))
        provider = self._frame.gateway.deps.provider
        if provider is None:
            return PAGES.html("sign_in.html", script=True, onward=to)
        return PAGES.html("sign_in_with.html", label=provider.label, start=self._frame.start(to))

    async def enter(self, asked: Asked) -> Reply:
        """Use up a one-time link."""
        form = form_from(asked.body, asked.headers, ("link", "to"))
        text = await self._sign_ins.open(form["link"].strip().rpartition("#")[2])
        return moved(path_of(form["to"]), self._frame.cookies.keep(text))

    async def leave(self, asked: Asked) -> Reply:
        """End the sign-in."""
        by, _ = await self._frame.posted(asked, SIGN_OUT)
        await self._sign_ins.end(by.principal)
        return moved("/sign-in", self._frame.cookies.drop())
