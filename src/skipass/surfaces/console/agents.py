"""Agents: what there is, one with its keys, connections and people, and what an admin changes about it.

A key stands in one answer, to the request that made it, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from skipass.errors import SkipassError
from skipass.gateway.agent_details import FullAgent
from skipass.gateway.agents import AgentKeys
from skipass.gateway.people import require
from skipass.gateway.session_lists import Wanted
from skipass.gateway.sessions import sees_all
from skipass.nouns.people import Agent
from skipass.nouns.principal import Role
from skipass.surfaces.console.agent_views import agent_row, agent_values, key_values, parts
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.session_views import row
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

HERE = "/console/agents"
_PURPOSE = "agents"
_PAGE = 50
_SESSIONS = 20
_OFFERED = 200
_NEW = ("name", "owner", "kind", "users", "return_urls", "connection", "public_key")
_ONE = ("word", "what", "user", "public_key")
_BLANK: Mapping[str, str] = dict.fromkeys(_ONE, "")


class AgentPages:
    """`/console/agents…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def list(self, asked: Asked) -> Reply:
        """Show the agents by name, to people who look at everything."""
        by, after = await self._frame.caller(asked), asked.named().get("after", "")
        found = await self._gateway.agents.list(by.principal, after=after, limit=_PAGE + 1)
        more = urlencode({"after": found[_PAGE - 1].name}) if len(found) > _PAGE else None
        rows = [agent_row(one) for one in found[:_PAGE]]
        admin = Role.ADMIN in by.principal.roles
        return self._frame.page("agents.html", by, here=HERE, rows=rows, more=more, after=after, admin=admin)

    async def ask(self, asked: Asked) -> Reply:
        """Show the form of a new agent."""
        by = await self._frame.caller(asked)
        return await self._new(by, dict.fromkeys(_NEW, ""))

    async def make(self, asked: Asked) -> Reply:
        """Register an agent and show its key, this once."""
        by, form = await self._frame.posted(asked, _PURPOSE, *_NEW)
        try:
            made = await self._gateway.agents.create(
                by.principal,
                form["name"].strip(),
                owner=form["owner"].strip() or None,
                users=parts(form["users"]),
                connections=parts(form["connection"]),
                end_users=form["kind"] == "end_users",
                return_urls=parts(form["return_urls"]),
                public_key=form["public_key"].strip() or None,
            )
        except SkipassError as problem:
            return await self._new(by, form, problem)
        return self._key(by, *made)

    async def show(self, asked: Asked) -> Reply:
        """Show one agent, to those who look at everything and to its owner."""
        by = await self._frame.caller(asked)
        return await self._one(by, last_step(asked))

    async def change(self, asked: Asked) -> Reply:
        """Do the one thing that a button says, as an admin."""
        agent_id = last_step(asked)
        by, form = await self._frame.posted(asked, agent_id, *_ONE)
        require(by.principal, Role.ADMIN)
        full = await self._gateway.agent_details.of(by.principal, agent_id)
        try:
            if form["word"] == "key":
                public_key = form["public_key"].strip() or None
                return self._key(by, *await self._gateway.agents.rotate(by.principal, full.agent.name, public_key))
            await self._does(by, full.agent, form)
        except SkipassError as problem:
            return await self._one(by, agent_id, problem, form)
        return moved(f"{HERE}/{agent_id}")

    def _does(self, by: SignedIn, agent: Agent, form: Mapping[str, str]) -> Awaitable[object]:
        gateway, who, name, what = self._gateway, by.principal, agent.name, form["what"].strip()
        user = form["user"].strip()
        ways: Mapping[str, Callable[[], Awaitable[object]]] = {
            "revoke": lambda: gateway.agents.revoke_key(who, name, what),
            "disable": lambda: gateway.agents.disable(who, name),
            "enable": lambda: gateway.agents.enable(who, name),
            "give": lambda: gateway.agent_connections.give(who, name, what),
            "take": lambda: gateway.agent_connections.take(who, name, what),
            "let": lambda: gateway.agent_users.allow(who, name, user),
            "stop": lambda: gateway.agent_users.disallow(who, name, user),
            "automatic": lambda: gateway.automatic.allow(who, agent=name, user=user or None, connection=what),
        }
        if form["word"] not in ways:
            raise SkipassError("invalid_request", "The form does not say what to do.")
        return ways[form["word"]]()

    async def _new(self, by: SignedIn, given: Mapping[str, str], problem: SkipassError | None = None) -> Reply:
        require(by.principal, Role.ADMIN)
        return self._frame.page(
            "agent_new.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE,
            given=given,
            problem=problem,
            form=form_token(by.cookie, _PURPOSE),
            **await self._names(by),
        )

    def _key(self, by: SignedIn, agent: Agent, keys: AgentKeys) -> Reply:
        return self._frame.page("agent_key.html", by, here=HERE, **key_values(agent, keys))

    async def _one(
        self, by: SignedIn, agent_id: str, problem: SkipassError | None = None, typed: Mapping[str, str] = _BLANK
    ) -> Reply:
        full = await self._gateway.agent_details.of(by.principal, agent_id)
        now, admin = self._gateway.deps.journal.now(), Role.ADMIN in by.principal.roles
        wanted = Wanted(agent=full.agent.name)
        found = await self._gateway.session_lists.page(by.principal, wanted, after=None, limit=_SESSIONS)
        sessions = [{**row(one, now), "budgets": one.session.left.as_dict()} for one in found]
        return self._frame.page(
            "agent.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE if sees_all(by.principal) else "",
            sessions=sessions,
            all_sessions=urlencode({"agent": full.agent.name}),
            admin=admin,
            problem=problem,
            typed=typed,
            form=form_token(by.cookie, agent_id) if admin else "",
            **agent_values(full),
            **(await self._offered(by, full) if admin else {"more_connections": [], "people": []}),
        )

    async def _names(self, by: SignedIn) -> dict[str, Any]:
        connections = await self._gateway.connections.list(by.principal, limit=_OFFERED)
        people = await self._gateway.people.list(by.principal, limit=_OFFERED)
        return {"connections": [one.name for one in connections], "people": [one.name for one in people]}

    async def _offered(self, by: SignedIn, full: FullAgent) -> dict[str, Any]:
        names, there = await self._names(by), {one.name for one in full.connections}
        return {
            "more_connections": [one for one in names["connections"] if one not in there],
            "people": names["people"],
        }
