"""MCP servers for those who look after them: who is let in, tools as they are pinned, and what an admin decides.

What may be decided, and by whom, is the gateway's to say; here are the forms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import TypeVar

from skipass.errors import SkipassError
from skipass.gateway.people import require
from skipass.gateway.relay_reading import Facts
from skipass.gateway.sessions import sees_all
from skipass.gateway.slug_names import LISTS, Access, Shown
from skipass.nouns.connection import Drift, SlugSessions
from skipass.nouns.mcp_tool import McpTool, ToolRule, ToolType
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.server_views import line_values, server_values, tool_values
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

E = TypeVar("E", bound=StrEnum)
HERE = "/console/servers"
_PAGE = 50
_NEW = ("slug", "connection", "url")
_TOOL = ("tool", "hash", "rule", "type", "identifier", "warehouse", "writes", "timeout_s")
_DOOR = ("list", "name", "every", "sessions", "drift")
_Form = Mapping[str, str]
_BLANK: _Form = dict.fromkeys(("word", *_TOOL, *_DOOR), "")
_Work = Callable[[Principal, str, _Form], Awaitable[object]]


class ServerPages:
    """`/console/servers` and `/console/slugs/…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway
        servers, relays = self._gateway.servers, self._gateway.relays
        self._works: Mapping[str, _Work] = {
            "close": lambda by, slug, form: servers.disable(by, slug),
            "open": lambda by, slug, form: servers.enable(by, slug),
            "let": lambda by, slug, form: servers.change(by, slug, Access(add=_named(form))),
            "shut": lambda by, slug, form: servers.change(by, slug, Access(remove=_named(form))),
            "settle": lambda by, slug, form: servers.change(by, slug, _settled(form)),
            "look": lambda by, slug, form: relays.tools(by, slug, look=True),
            "pin": lambda by, slug, form: relays.pin(by, slug, form["tool"], form["hash"]),
            "rule": lambda by, slug, form: relays.rule(by, slug, form["tool"], form["hash"], _rule(form)),
            "declare": lambda by, slug, form: relays.declare(by, slug, form["tool"], form["hash"], _facts(form)),
        }

    async def list(self, asked: Asked) -> Reply:
        """Show a page of the servers, to people who look at everything."""
        return await self._list(await self._frame.caller(asked), asked.named().get("after", ""))

    async def _list(
        self, by: SignedIn, after: str = "", problem: SkipassError | None = None, typed: _Form | None = None
    ) -> Reply:
        _check_sees_all(by.principal)
        found = await self._gateway.servers.list(by.principal, after=after, limit=_PAGE + 1)
        unlike = await self._gateway.relays.unlike(by.principal, [one.server.id for one in found])
        return self._frame.page(
            "servers.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE,
            rows=[line_values(one, unlike.get(one.server.id, 0)) for one in found[:_PAGE]],
            more=found[_PAGE - 1].server.slug if len(found) > _PAGE else None,
            form=form_token(by.cookie, HERE) if Role.ADMIN in by.principal.roles else None,
            problem=problem,
            typed=typed or dict.fromkeys(_NEW, ""),
        )

    async def add(self, asked: Asked) -> Reply:
        """Open a server: our tools over a connection, or with an address a relay; nobody is let in yet."""
        by, form = await self._frame.posted(asked, HERE, *_NEW)
        require(by.principal, Role.ADMIN)
        slug, connection, url = (form[name].strip() for name in _NEW)
        try:
            if url:
                made = (await self._gateway.relays.add(by.principal, slug, url, connection=connection)).shown
            else:
                made = await self._gateway.servers.add(by.principal, slug, connection)
        except SkipassError as problem:
            return await self._list(by, problem=problem, typed=form)
        return moved(f"/console/slugs/{made.server.slug}")

    async def show(self, asked: Asked) -> Reply:
        """Show one MCP server, to people who look at everything."""
        return await self._page(await self._frame.caller(asked), last_step(asked))

    async def _page(
        self, by: SignedIn, slug: str, problem: SkipassError | None = None, typed: _Form | None = None
    ) -> Reply:
        _check_sees_all(by.principal)
        shown = await self._gateway.servers.show(by.principal, slug)
        people = {one.id: one.name for one in await self._gateway.people.list(by.principal)}
        admin = Role.ADMIN in by.principal.roles
        return self._frame.page(
            "slug.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE,
            server=server_values(shown, self._gateway.deps.base_url),
            tools=[tool_values(one, people) for one in await self._tools(by.principal, shown)],
            form=form_token(by.cookie, f"server\0{slug}") if admin else None,
            problem=problem,
            typed=typed or _BLANK,
            blank=_BLANK,
            lists=LISTS,
            types=[one.value for one in ToolType if one is not ToolType.UNKNOWN],
            rules=[one.value for one in ToolRule],
        )

    async def _tools(self, principal: Principal, shown: Shown) -> tuple[McpTool, ...]:
        if shown.server.upstream is None:
            return ()
        return await self._gateway.relays.tools(principal, shown.server.slug)

    async def change(self, asked: Asked) -> Reply:
        """Do what one form of the page says; a refusal is told on the page, with what was typed."""
        slug = last_step(asked)
        by, form = await self._frame.posted(asked, f"server\0{slug}", "word", *_TOOL, *_DOOR)
        require(by.principal, Role.ADMIN)
        work = self._works.get(form["word"])
        if work is None:
            raise SkipassError("invalid_request", "The form does not say what to do.")
        try:
            await work(by.principal, slug, form)
        except SkipassError as problem:
            if problem.code == "forbidden":
                raise
            return await self._page(by, slug, problem, form)
        return moved(f"/console/slugs/{slug}")


def _check_sees_all(principal: Principal) -> None:
    if not sees_all(principal):
        raise SkipassError("forbidden", "This page is for people who administer, decide or audit.")


def _named(form: _Form) -> Mapping[str, list[str]]:
    name = form["name"].strip()
    if form["list"] not in LISTS or not name:
        raise SkipassError("invalid_request", "Say which list, and a name for it.")
    return {form["list"]: [name]}


def _settled(form: _Form) -> Access:
    if form["every"] not in ("yes", "no"):
        raise SkipassError("invalid_request", "The form does not say which agents are let in.")
    sessions = _one_of(SlugSessions, form["sessions"])
    drift = _one_of(Drift, form["drift"]) if form["drift"] else None
    return Access(sessions=sessions, drift=drift, agents_of_connection=form["every"] == "yes")


def _rule(form: _Form) -> ToolRule:
    return _one_of(ToolRule, form["rule"])


def _facts(form: _Form) -> Facts:
    told, seconds = partial(_text, form), form["timeout_s"].strip()
    if seconds and not (seconds.isascii() and seconds.isdigit() and 0 < int(seconds[:9]) <= 604_800):
        raise SkipassError("invalid_request", "The time is a number of seconds, a week at most.")
    kind = _one_of(ToolType, form["type"])
    return Facts(
        kind, told("identifier"), told("warehouse"), form["writes"] != "yes", int(seconds) if seconds else None
    )


def _text(form: _Form, name: str) -> str | None:
    return form[name].strip() or None


def _one_of(kind: type[E], given: str) -> E:
    if given not in {one.value for one in kind}:
        raise SkipassError("invalid_request", f"{given[:40]!r} is none of {', '.join(one.value for one in kind)}.")
    return kind(given)
