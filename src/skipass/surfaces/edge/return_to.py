"""Where a person goes on after signing in: one of our own pages, or the first of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode

HOME = "/console"
_PLACES = {"apr": "/console/approvals/", "rvw": "/console/reviews/", "ses": "/console/sessions/"}
_PLACE = re.compile(r"(apr|rvw|ses)_[0-9a-z]{26}")
_DECIDED = ("apr", "rvw")
_PAGE = re.compile(r"/console/[a-z]{1,20}(?:/[A-Za-z0-9_-]{1,40})?", re.ASCII)
_CONNECT = "/connect?"
_QUERY = ("connection", "role")
_AUTHORIZE = "/oauth/authorize?"
AUTHORIZE_NAMES = (
    "client_id",
    "redirect_uri",
    "response_type",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "scope",
    "prompt",
)
"""What of an authorization request is understood and carried on; the rest is ignored, as RFC 6749 §3.1 has it."""
_DEVICE = "/oauth/device?"
_MOST = 4000


def kept(to: str) -> str:
    """Return what may be carried through a sign-in, empty for anything that is none of our own pages."""
    return to if _PLACE.fullmatch(to) else _written(to)


def wants_decision(to: str) -> bool:
    """Return whether a carried text leads to where a person decides, which takes a fresh sign-in."""
    return _PLACE.fullmatch(to) is not None and to[:3] in _DECIDED


def sign_in_for(path: str) -> str:
    """Return where somebody signs in who asked for a page of the console and was not, to be led there afterwards."""
    last = path.rpartition("/")[2]
    to = kept(last if _PLACE.fullmatch(last) else path)
    return f"/sign-in?to={quote(to, safe='')}" if to else "/sign-in"


def path_of(to: str) -> str:
    """Return the path that a carried text leads to."""
    return f"{_PLACES[to[:3]]}{to}" if _PLACE.fullmatch(to) else _written(to) or HOME


def connect_path(connection: str, role: str | None) -> str:
    """Return the address of the page where a signed-in person connects an account."""
    return f"{_CONNECT}{urlencode({'connection': connection} | ({'role': role} if role else {}))}"


def authorize_path(query: Mapping[str, str]) -> str:
    """Return the address of the page where a signed-in person lets a program act for them."""
    return f"{_AUTHORIZE}{urlencode({name: query[name] for name in AUTHORIZE_NAMES if query.get(name)})}"


def device_path(code: str) -> str:
    """Return the address of the page where a signed-in person types a program's code."""
    return f"{_DEVICE}{urlencode({'user_code': code})}"


def _written(to: str) -> str:
    """Return the page's address as we write it ourselves, so that nothing of what was sent is kept but known names."""
    if len(to) > _MOST:
        return ""
    if _PAGE.fullmatch(to):
        return to
    if given := _given(to, _CONNECT, _QUERY):
        return connect_path(given["connection"], given.get("role")) if given.get("connection") else ""
    if given := _given(to, _AUTHORIZE, AUTHORIZE_NAMES):
        return authorize_path(given)
    given = _given(to, _DEVICE, ("user_code",))
    return device_path(given["user_code"]) if given else ""


def _given(to: str, page: str, names: Sequence[str]) -> Mapping[str, str]:
    """Return the query of a page's address, empty for another page or one with names that are not its own."""
    if not to.startswith(page):
        return {}
    found = dict(parse_qsl(to.removeprefix(page), max_num_fields=len(names), keep_blank_values=True))
    return found if set(found) <= set(names) else {}
