"""Where a person goes on after signing in: one of our own pages, or the first of them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

HOME = "/console"
_PLACES = {"apr": "/console/approvals/", "rvw": "/console/reviews/"}
_PLACE = re.compile(r"(apr|rvw)_[0-9a-z]{26}")
_CONNECT = "/connect?"
_QUERY = ("connection", "role")
_MOST = 600


def kept(to: str) -> str:
    """Return what may be carried through a sign-in, empty for anything that is none of our own pages."""
    return to if _PLACE.fullmatch(to) else _connect(to)


def path_of(to: str) -> str:
    """Return the path that a carried text leads to."""
    return f"{_PLACES[to[:3]]}{to}" if _PLACE.fullmatch(to) else _connect(to) or HOME


def connect_path(connection: str, role: str | None) -> str:
    """Return the address of the page where a signed-in person connects an account."""
    return f"{_CONNECT}{urlencode({'connection': connection} | ({'role': role} if role else {}))}"


def _connect(to: str) -> str:
    """Return the page's address as we write it ourselves, so that nothing of what was sent is kept but two names."""
    if not to.startswith(_CONNECT) or len(to) > _MOST:
        return ""
    given = dict(parse_qsl(to.removeprefix(_CONNECT), max_num_fields=4))
    if not given.get("connection") or not set(given) <= set(_QUERY):
        return ""
    return connect_path(given["connection"], given.get("role"))
