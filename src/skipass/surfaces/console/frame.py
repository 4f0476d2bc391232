"""What every room of the console stands on: the gateway, who is signed in, and the page around what a room shows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.sessions import sees_all
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.events import Events, Fragment
from skipass.surfaces.edge.forms import MAX_BYTES, form_from
from skipass.surfaces.edge.pages import Pages, Reply
from skipass.surfaces.edge.requests import Asked, SignedIn, caller

PAGES = Pages(Path(__file__).parent / "templates")
SIGN_OUT = "sign-out"
_EVERYBODY = (("/console", "Waiting"), ("/console/sessions", "Sessions"), ("/console/access", "My access"))
_WATCHERS = (
    ("/console/overview", "Overview"),
    ("/console/connections", "Connections"),
    ("/console/accounts", "Accounts"),
    ("/console/agents", "Agents"),
    ("/console/people", "People"),
    ("/console/servers", "MCP servers"),
    ("/console/clients", "MCP clients"),
    ("/console/policy", "Policy"),
)
_READERS = (("/console/audit", "Record"),)
_ADMINS = (("/console/settings", "Settings"),)


@dataclass(frozen=True, slots=True)
class Frame:
    """The gateway as people see it."""

    gateway: Gateway
    cookies: Cookies

    async def caller(self, asked: Asked) -> SignedIn:
        """Return who is signed in; raises `sign_in_required`."""
        return await caller(self.gateway.sign_ins, self.cookies, asked)

    async def posted(
        self, asked: Asked, purpose: str, *names: str, most_bytes: int = MAX_BYTES
    ) -> tuple[SignedIn, Mapping[str, str]]:
        """Return who posted one of our forms and its fields; raises where it is not of this sign-in and purpose."""
        by = await self.caller(asked)
        form = form_from(asked.body, asked.headers, ("form", *names), most_bytes)
        check_form(by.cookie, purpose, form["form"])
        return by, form

    def page(self, template: str, by: SignedIn, *, status: int = 200, script: bool = True, **values: Any) -> Reply:
        """Return a page for somebody who is signed in, with the ways to what they may look at.

        With the value `live` it carries what follows a stream of `events`; `now` is the gateway's time.
        """
        around: dict[str, Any] = {
            "me": by.principal.user_name,
            "out": form_token(by.cookie, SIGN_OUT),
            "menu": menu(by.principal),
            "now": self.gateway.deps.journal.now(),
        }
        return PAGES.html(template, status=status, script=script, scripted=script, **around, **values)

    def events(self, asked: Asked, by: SignedIn, fragments: AsyncGenerator[Fragment, None]) -> Events:
        """Return an answer that goes on while this sign-in lasts and the person's roles stay as they are."""

        async def may_look() -> None:
            now = await self.caller(asked)
            if now.principal.roles != by.principal.roles:
                raise SkipassError("forbidden", "What you may look at has changed.")

        return Events(f"{by.principal.user_id}", fragments, may_look)

    def start(self, to: str) -> str:
        """Return where signing in begins for a page that is to be opened then."""
        if self.gateway.deps.provider is None:
            return f"/sign-in?to={quote(to, safe='')}"
        return f"/oauth/sign-in/start?to={quote(to, safe='')}"

    def again(self, to: str) -> dict[str, str]:
        """Return the words and the way of a fresh sign-in, for a card that shows and cannot be decided on."""
        provider = self.gateway.deps.provider
        words = f"Sign in again with {provider.label}" if provider else "Sign in with a new one-time link"
        return {"again": words, "start": self.start(to)}


def menu(principal: Principal) -> tuple[tuple[str, str], ...]:
    """Return the address and the name of each page this person may open."""
    reads = {Role.ADMIN, Role.AUDITOR} & principal.roles
    looks = (*(_WATCHERS if sees_all(principal) else ()), *(_READERS if reads else ()))
    return (*_EVERYBODY, *looks, *(_ADMINS if Role.ADMIN in principal.roles else ()))


def last_step(asked: Asked) -> str:
    """Return the last step of a path: the id of what it is about."""
    return asked.path.rpartition("/")[2]
