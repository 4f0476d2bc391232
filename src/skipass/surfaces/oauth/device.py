"""The page of the device grant: a signed-in person types the code that a program shows, and says yes or no.

Source: RFC 8628 §3.3 and §5.4
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn, signed_in
from skipass.surfaces.edge.return_to import device_path
from skipass.surfaces.oauth.sign_in import PAGES

_PURPOSE = "device"


class DevicePage:
    """`/oauth/device`."""

    def __init__(self, gateway: Gateway, cookies: Cookies) -> None:
        self._gateway, self._cookies = gateway, cookies

    async def ask(self, asked: Asked) -> Reply:
        """Ask for the code; one that came along in the address is only filled in, never taken."""
        code = asked.named().get("user_code", "")[:20]
        given = await signed_in(self._gateway.sign_ins, self._cookies, asked)
        if given is None:
            return moved(f"/sign-in?to={quote(device_path(code), safe='')}")
        return _typing(given, code)

    async def answer(self, asked: Asked) -> Reply:
        """Show what waits under the code, and then take the person's word."""
        form = asked.form(("form", "user_code", "word"))
        given = await signed_in(self._gateway.sign_ins, self._cookies, asked)
        if given is None:
            raise SkipassError("sign_in_required", hint="Sign in, then open the page again.")
        check_form(given.cookie, _PURPOSE, form["form"])
        devices, code = self._gateway.devices, form["user_code"][:20]
        try:
            if form["word"] not in ("allow", "deny"):
                waiting = await devices.look(given.principal, code)
                return PAGES.html("device.html", **_values(given, code), waiting=waiting, problem=None)
            await devices.decide(given.principal, code, allow=form["word"] == "allow")
        except SkipassError as problem:
            return _typing(given, code, problem)
        return PAGES.html("decided.html", allowed=form["word"] == "allow", me=given.principal.user_name)


def _typing(given: SignedIn, code: str, problem: SkipassError | None = None) -> Reply:
    status = STATUS[problem.kind] if problem else 200
    return PAGES.html("device.html", status=status, **_values(given, code), waiting=None, problem=problem)


def _values(given: SignedIn, code: str) -> dict[str, Any]:
    return {"me": given.principal.user_name, "code": code, "form": form_token(given.cookie, _PURPOSE)}
