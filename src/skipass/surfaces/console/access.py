"""My access: what a person has let in, and how they take it back."""

from __future__ import annotations

import re
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_access import FullAccount
from skipass.gateway.account_status import HINTS
from skipass.gateway.consents import Given
from skipass.gateway.way_out import connect_url
from skipass.nouns.account import AccountState
from skipass.nouns.people import ActsFor, Agent
from skipass.nouns.principal import Role
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.session_views import row
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn
from skipass.tools.snippets import Client, mcp_url, snippet

_PURPOSE = "access"
_MOST = 200
_HERE = "/console/access"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class AccessPage:
    """`/console/access` and `/console/servers/…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show the caller's accounts, agents, clients and live sessions."""
        by, connected = await self._frame.caller(asked), asked.named().get("connected", "")
        if _NAME.fullmatch(connected) and Role.ADMIN in by.principal.roles:
            # Whoever sets a connection up comes here from connecting their own account: the next step is there.
            return moved(f"/console/connecting/{connected}")
        own = await self._gateway.own_access.of(by.principal)
        given = await self._gateway.consents.list(by.principal, own=True, limit=_MOST)
        now = self._gateway.deps.journal.now()
        return self._frame.page(
            "access.html",
            by,
            here=_HERE,
            accounts=[_account(one) for one in own.accounts],
            connectable=[{"name": one.name, "url": connect_url(one, None, "")} for one in own.connectable],
            agents=[_agent(one, by) for one in own.agents if one.client_id is None],
            owned=[_agent(one, by) for one in own.owned],
            clients=[_client(one) for one in given],
            sessions=[row(one, now) for one in own.sessions],
            servers=[one.slug for one in own.servers],
            form=form_token(by.cookie, _PURPOSE),
        )

    async def server(self, asked: Asked) -> Reply:
        """Show what to paste into each MCP client for one server: to sign a person in, or with `key` for an agent."""
        by, key = await self._frame.caller(asked), asked.named().get("key") == "yes"
        server = await self._gateway.own_access.server(by.principal, last_step(asked))
        url = mcp_url(self._gateway.deps.base_url, server.slug)
        found = [snippet(client, server.slug, url, key=key) for client in Client]
        return self._frame.page("server.html", by, slug=server.slug, url=url, snippets=found, key=key)

    async def change(self, asked: Asked) -> Reply:
        """Take one thing back: disconnect an account, stop an agent or a client from acting for the caller."""
        by, form = await self._frame.posted(asked, _PURPOSE, "word", "what")
        what = form["what"]
        match form["word"]:
            case "disconnect":
                await self._gateway.disconnecting.disconnect(by.principal, await self._own(by, what))
            case "stop":
                await self._gateway.agent_users.disallow(by.principal, what)
            case "forget":
                await self._gateway.consents.revoke(by.principal, what, own=True)
            case _:
                raise SkipassError("invalid_request", "The form does not say what to do.")
        return moved(_HERE)

    async def _own(self, by: SignedIn, account_id: str) -> str:
        """Return the id if that account is the caller's own; an admin ends others' elsewhere, and knowingly."""
        full = await self._gateway.accounts.get(by.principal, account_id)
        if full.user.id != by.principal.user_id:
            raise SkipassError("not_found", "You have no such account.")
        return account_id


def _account(full: FullAccount) -> dict[str, Any]:
    account = full.account
    return {
        "id": account.id,
        "connection": full.connection.name,
        "status": account.state.value,
        "active": account.state is AccountState.ACTIVE,
        "hint": HINTS.get(account.reason or "", ""),
        "login": account.login,
        "account": account.account,
        "roles": ", ".join(one.role or "any" for one in full.credentials),
        "linked_at": account.linked_at,
        "again": connect_url(full.connection, None, ""),
        "ended": account.state is AccountState.DISCONNECTED,
    }


def _agent(agent: Agent, by: SignedIn) -> dict[str, Any]:
    own = agent.owner_id == by.principal.user_id
    others = agent.acts_for is ActsFor.USERS and len(agent.users) > 1
    return {"id": agent.id, "name": agent.name, "own": own, "others": others}


def _client(given: Given) -> dict[str, Any]:
    consent = given.consent
    told = {"id": consent.id, "name": given.client.name, "resource": consent.resource, "at": consent.created_at}
    return told | {"scopes": " ".join(consent.scopes), "to": consent.redirect_to}
