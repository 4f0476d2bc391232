"""The connect wizard up to the connection: how it signs in, where it leads, and what of it is secret.

Nothing is stored before the last form. What was typed stands in the address, so that a page can be left and opened
again; a secret never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from skipass.errors import SkipassError
from skipass.gateway.people import require
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.principal import Role
from skipass.snowflake.account import parse_account
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.console.highlight import highlighted
from skipass.surfaces.console.wizard_forms import METHODS, SECRETS, TYPED, Method, method_of, typed, wanted, wish
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

HERE = "/console/connecting"
_LIST = "/console/connections"
_MOST_BYTES = 65_536


class Wizard:
    """`/console/connecting`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def begin(self, asked: Asked) -> Reply:
        """Show the ways to sign in, then what the chosen one needs, then where that would lead."""
        by, query = await self._frame.caller(asked), asked.named()
        require(by.principal, Role.ADMIN)
        method = method_of(query.get("method", ""))
        if method is None:
            return self._frame.page("wizard.html", by, here=_LIST, methods=METHODS)
        given = typed(query)
        if query.get("look") != "yes":
            return self._details(by, method, given)
        try:
            return await self._last(by, method, given)
        except SkipassError as problem:
            return self._details(by, method, given, problem)

    async def make(self, asked: Asked) -> Reply:
        """Make the connection; a refusal shows the form again, without what is secret."""
        by, form = await self._frame.posted(asked, "connecting", *TYPED, *SECRETS, most_bytes=_MOST_BYTES)
        method, given = method_of(form["method"]), {name: form[name].strip() for name in TYPED}
        if method is None:
            raise SkipassError("invalid_request", "The form does not say how the connection signs in.")
        try:
            request = wanted(method, given, {name: form[name] for name in SECRETS})
            added = await self._gateway.connections.add(by.principal, request)
        except SkipassError as problem:
            return await self._again(by, method, given, problem)
        return moved(f"{HERE}/{added.connection.name}")

    async def _again(self, by: SignedIn, method: Method, given: Mapping[str, str], problem: SkipassError) -> Reply:
        require(by.principal, Role.ADMIN)
        try:
            return await self._last(by, method, given, problem)
        except SkipassError:
            return self._details(by, method, given, problem)

    def _details(
        self, by: SignedIn, method: Method, given: Mapping[str, str], problem: SkipassError | None = None
    ) -> Reply:
        around: dict[str, Any] = {"method": method, "given": given, "problem": problem}
        return self._frame.page("wizard_details.html", by, here=_LIST, status=_status(problem), **around)

    async def _last(
        self, by: SignedIn, method: Method, given: Mapping[str, str], problem: SkipassError | None = None
    ) -> Reply:
        """Show where the connection leads, and ask for what is secret."""
        found = await self._gateway.connections.outline(by.principal, wanted(method, given))
        around: dict[str, Any] = {"method": method, "given": given, "problem": problem, "sql": None}
        if method.auth is AuthMethod.PAT:
            around["sql"] = highlighted(self._gateway.worksheets.before(by.principal, found, wish(given)))
        around |= {"facts": _facts(found), "form": form_token(by.cookie, "connecting")}
        around["back"] = f"{HERE}?{urlencode({name: text for name, text in given.items() if text})}"
        return self._frame.page("wizard_last.html", by, here=_LIST, status=_status(problem), **around)


def _facts(found: Connection) -> list[tuple[str, str]]:
    roles = ", ".join((found.role, *found.allowed_roles))
    schema = f"{found.database}.{found.schema}" if found.database and found.schema else ""
    told = [("Name", found.name), ("Account", _read_as(found.account)), ("Leads to", found.host)]
    told += [("Login", found.login)]
    told += [("Role", roles), ("Warehouse", found.warehouse or ""), ("Schema", schema)]
    return [(name, text) for name, text in told if text]


def _read_as(typed: str) -> str:
    """Return which account a typed text names, in both ways where they differ."""
    if not typed:
        return ""
    account = parse_account(typed)
    name = f"{account.organization}-{account.name}" if account.organization else account.locator or typed
    return name if name == typed else f"{name}, from {typed}"


def _status(problem: SkipassError | None) -> int:
    return STATUS[problem.kind] if problem else 200
