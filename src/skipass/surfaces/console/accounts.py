"""Connected accounts: the list, what of it needs a hand, and one of them with what is wrong and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from skipass.errors import SkipassError
from skipass.gateway.account_access import FullAccount
from skipass.gateway.account_status import HINTS
from skipass.gateway.account_views import link_url
from skipass.gateway.people import require
from skipass.gateway.sessions import sees_all
from skipass.nouns.account import AccountState
from skipass.nouns.connection import Credential
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

_HERE = "/console/accounts"
_PAGE = 50
TROUBLED = (AccountState.EXPIRED, AccountState.REVOKED)
_CONFIRM: Mapping[str, str] = {
    "disconnect": "What runs over the account is cancelled, the authorisation is given back, and what was sealed is "
    "destroyed. The person can connect it again.",
    "revoke": "The account is taken away: what runs is cancelled, and nothing is sent for it until the person connects "
    "it again.",
    "delete": "The account is disconnected, and forgotten with the login it was of: another login may take its place.",
}
"""What is asked about first, and what it does."""


class AccountPages:
    """`/console/accounts…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def list(self, asked: Asked) -> Reply:
        """Show a page of accounts, with `show=trouble` of those that need a hand, to people who look at everything."""
        by, query = await self._frame.caller(asked), asked.named()
        _check(by.principal)
        troubled, after = query.get("show") == "trouble", query.get("after") or None
        states = TROUBLED if troubled else ()
        found = await self._gateway.accounts.list(by.principal, states=states, after=after, limit=_PAGE + 1)
        kept = {"show": "trouble"} if troubled else {}
        more = urlencode({**kept, "after": found[_PAGE - 1].account.id}) if len(found) > _PAGE else None
        rows = [_line(one) for one in found[:_PAGE]]
        return self._frame.page("accounts.html", by, here=_HERE, rows=rows, more=more, after=after, troubled=troubled)

    async def show(self, asked: Asked) -> Reply:
        """Show one account, to admins with the ways to end it."""
        by = await self._frame.caller(asked)
        _check(by.principal)
        return await self._page(by, last_step(asked))

    async def change(self, asked: Asked) -> Reply:
        """Do one thing with an account; what ends it is asked about first."""
        account_id = last_step(asked)
        by, form = await self._frame.posted(asked, f"account\0{account_id}", "word", "sure")
        require(by.principal, Role.ADMIN)
        await self._gateway.accounts.get(by.principal, account_id)
        if form["word"] in _CONFIRM and form["sure"] != "yes":
            return self._confirm(by, account_id, form["word"])
        try:
            link = await self._done(by.principal, account_id, form["word"])
        except SkipassError as problem:
            return await self._page(by, account_id, problem)
        if link is not None:
            return await self._page(by, account_id, link=link)
        return moved(_HERE if form["word"] == "delete" else f"{_HERE}/{account_id}")

    async def _done(self, principal: Principal, account_id: str, word: str) -> str | None:
        """Do it, and return the link that is shown once, if one was made."""
        match word:
            case "disconnect":
                await self._gateway.disconnecting.disconnect(principal, account_id)
            case "revoke":
                await self._gateway.disconnecting.revoke(principal, account_id)
            case "delete":
                await self._gateway.disconnecting.delete(principal, account_id)
            case "accept":
                await self._gateway.landing.accept_login(principal, account_id)
            case "link":
                made = await self._gateway.linking.invite(principal, account_id)
                return link_url(made, self._gateway.deps.base_url)
            case _:
                raise SkipassError("invalid_request", "The form does not say what to do.")
        return None

    def _confirm(self, by: SignedIn, account_id: str, word: str) -> Reply:
        around: dict[str, Any] = {"action": f"{_HERE}/{account_id}", "fields": {"word": word}, "told": _CONFIRM[word]}
        around |= {"title": f"{word.capitalize()} this account?", "label": "Yes, do it"}
        token = form_token(by.cookie, f"account\0{account_id}")
        return self._frame.page("sure.html", by, here=_HERE, form=token, **around)

    async def _page(
        self, by: SignedIn, account_id: str, problem: SkipassError | None = None, link: str | None = None
    ) -> Reply:
        full = await self._gateway.accounts.get(by.principal, account_id)
        values = _values(full) | {"may_end": Role.ADMIN in by.principal.roles, "problem": problem, "link": link}
        token, status = form_token(by.cookie, f"account\0{account_id}"), STATUS[problem.kind] if problem else 200
        return self._frame.page("account.html", by, here=_HERE, status=status, form=token, **values)


def _check(principal: Principal) -> None:
    """Pass for people who look at everything; one's own accounts are on the page of one's own access."""
    if not sees_all(principal):
        raise SkipassError("forbidden", "This page is for people who administer, decide or audit.")


def _line(full: FullAccount) -> dict[str, Any]:
    account = full.account
    return {
        "id": account.id,
        "user": full.identifier,
        "connection": full.connection.name,
        "login": account.login or "",
        "standing": account.state.value,
        "hint": HINTS.get(account.reason or "", ""),
    }


def _values(full: FullAccount) -> dict[str, Any]:
    account = full.account
    facts = [("Login", account.login), ("Snowflake account", account.account), ("Leads to", account.host)]
    chosen = [(name.capitalize(), getattr(account, name)) for name in ("role", "warehouse", "database", "schema")]
    return _line(full) | {
        "facts": [(name, text) for name, text in (*facts, *chosen) if text],
        "active": account.state is AccountState.ACTIVE,
        "pending": account.state is AccountState.PENDING_VERIFICATION,
        "ended": account.state is AccountState.DISCONNECTED,
        "end_user": full.user.end_user_of is not None,
        "reason": account.reason,
        "created_at": account.created_at,
        "linked_at": account.linked_at,
        "credentials": [_credential(one) for one in full.credentials],
    }


def _credential(one: Credential) -> dict[str, Any]:
    return {
        "role": one.role or "any role",
        "times": one.generation,
        "expires_at": one.expires_at,
        "next_at": one.deadline,
        "ends_at": one.refresh_expires_at,
    }
