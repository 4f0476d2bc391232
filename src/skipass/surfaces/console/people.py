"""People: who there is, one of them with what is theirs, and what an admin changes about them.

A sign-in link stands in one answer, to the request that made it, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from skipass.errors import SkipassError
from skipass.gateway.account_access import FullAccount
from skipass.gateway.account_status import HINTS
from skipass.gateway.people import require
from skipass.gateway.person_details import FullPerson, Listed
from skipass.gateway.session_lists import Wanted
from skipass.nouns.groups import GroupSource, MemberKind
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.session_views import row
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

HERE = "/console/people"
_PURPOSE = "people"
_PAGE = 50
_SESSIONS = 20
_ONE = ("word", "group")
_BLANK: Mapping[str, str] = dict.fromkeys(_ONE, "")
_ROLES: Mapping[Role, str] = {
    Role.MEMBER: "Member: has agents, and sees what is their own",
    Role.APPROVER: "Approver: decides what is held",
    Role.AUDITOR: "Auditor: looks at everything, the record too",
    Role.ADMIN: "Admin: sets everything up",
}


class PeoplePages:
    """`/console/people…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def list(self, asked: Asked) -> Reply:
        """Show everybody by name, with their roles, groups, and when they signed in last."""
        by, after = await self._frame.caller(asked), asked.named().get("after", "")
        found = await self._gateway.person_details.page(by.principal, after=after, limit=_PAGE + 1)
        more = urlencode({"after": found[_PAGE - 1].user.name}) if len(found) > _PAGE else None
        rows, admin = [_row(one) for one in found[:_PAGE]], Role.ADMIN in by.principal.roles
        return self._frame.page("people.html", by, here=HERE, rows=rows, more=more, after=after, admin=admin)

    async def ask(self, asked: Asked) -> Reply:
        """Show the form of somebody new."""
        by = await self._frame.caller(asked)
        return await self._new(by, {"name": "", Role.MEMBER.value: "yes"})

    async def make(self, asked: Asked) -> Reply:
        """Add a person."""
        by, form = await self._frame.posted(asked, _PURPOSE, "name", *(role.value for role in Role))
        roles = [role for role in Role if form[role.value] == "yes"]
        try:
            made = await self._gateway.people.create(by.principal, form["name"].strip(), roles)
        except SkipassError as problem:
            return await self._new(by, form, problem)
        return moved(f"{HERE}/{made.id}")

    async def show(self, asked: Asked) -> Reply:
        """Show one person."""
        by = await self._frame.caller(asked)
        return await self._one(by, last_step(asked))

    async def change(self, asked: Asked) -> Reply:
        """Do the one thing that a button says, as an admin."""
        user_id = last_step(asked)
        by, form = await self._frame.posted(asked, user_id, *_ONE)
        require(by.principal, Role.ADMIN)
        user = (await self._gateway.person_details.of(by.principal, user_id)).user
        try:
            if form["word"] == "link":
                return await self._link(by, user)
            await self._does(by, user, form)
        except SkipassError as problem:
            return await self._one(by, user_id, problem, form)
        return moved(f"{HERE}/{user_id}")

    def _does(self, by: SignedIn, user: User, form: Mapping[str, str]) -> Awaitable[object]:
        gateway, who, name = self._gateway, by.principal, user.name
        group: dict[str, Any] = {"group": form["group"].strip(), "kind": MemberKind.USER, "member": name}
        ways: Mapping[str, Callable[[], Awaitable[object]]] = {
            "disable": lambda: gateway.people.disable(who, name),
            "unbind": lambda: gateway.unbinding.unbind(who, name),
            "put": lambda: gateway.groups.add(who, **group),
            "take": lambda: gateway.groups.remove(who, **group),
        }
        if form["word"] not in ways:
            raise SkipassError("invalid_request", "The form does not say what to do.")
        return ways[form["word"]]()

    async def _link(self, by: SignedIn, user: User) -> Reply:
        _, token = await self._gateway.people.link(by.principal, user.name)
        url = f"{self._gateway.deps.base_url}/sign-in#{token.reveal()}"
        return self._frame.page("person_link.html", by, here=HERE, id=user.id, name=user.name, url=url)

    async def _new(self, by: SignedIn, given: Mapping[str, str], problem: SkipassError | None = None) -> Reply:
        require(by.principal, Role.ADMIN)
        return self._frame.page(
            "person_new.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE,
            given=given,
            roles=[(role.value, told, given.get(role.value) == "yes") for role, told in _ROLES.items()],
            problem=problem,
            form=form_token(by.cookie, _PURPOSE),
        )

    async def _one(
        self, by: SignedIn, user_id: str, problem: SkipassError | None = None, typed: Mapping[str, str] = _BLANK
    ) -> Reply:
        full = await self._gateway.person_details.of(by.principal, user_id)
        now, admin = self._gateway.deps.journal.now(), Role.ADMIN in by.principal.roles
        wanted = Wanted(user=full.user.name)
        found = await self._gateway.session_lists.page(by.principal, wanted, after=None, limit=_SESSIONS)
        return self._frame.page(
            "person.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=HERE,
            sessions=[row(one, now) for one in found],
            all_sessions=urlencode({"user": full.user.name}),
            admin=admin,
            links=self._gateway.deps.provider is None,
            problem=problem,
            typed=typed,
            form=form_token(by.cookie, user_id) if admin else "",
            **_values(full),
        )


def _row(listed: Listed) -> dict[str, Any]:
    user = listed.user
    return {
        "id": user.id,
        "name": user.name,
        "roles": ", ".join(role.value for role in user.roles),
        "groups": ", ".join(listed.groups),
        "state": user.state.value,
        "at": user.signed_in_at,
    }


def _values(full: FullPerson) -> dict[str, Any]:
    user = full.user
    return {
        **_row(Listed(user, ())),
        "active": user.state is Life.ACTIVE,
        "made_at": user.created_at,
        "subject": user.subject or "",
        "groups": [{"name": one.name, "by_admin": one.source is GroupSource.ADMIN} for one in full.groups],
        "accounts": [_account(one) for one in full.accounts],
        "agents": [{"id": one.id, "name": one.name, "own": one.owner_id == user.id} for one in full.agents],
    }


def _account(full: FullAccount) -> dict[str, Any]:
    account = full.account
    return {
        "connection": full.connection.name,
        "state": account.state.value,
        "login": account.login or "",
        "hint": HINTS.get(account.reason or "", ""),
    }
