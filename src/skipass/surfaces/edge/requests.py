"""What pages and the endpoints beside them are asked with, as plain values; and who is signed in with the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl

from skipass.errors import SkipassError
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.surfaces.edge.asgi import Receive, Scope, client_address
from skipass.surfaces.edge.cookies import Cookies
from skipass.surfaces.edge.forms import FORM, MAX_BYTES, form_from
from skipass.surfaces.edge.headers import Headers

_MOST_QUERY = 16_384
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    address: str | None

    @classmethod
    async def of(cls, scope: Scope, receive: Receive) -> Asked:
        """Return what an ASGI request asks."""
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope["path"].rstrip("/") or "/"
        return cls(scope["method"], path, query, Headers.of(scope), body, client_address(scope))

    def named(self) -> Mapping[str, str]:
        """Return the query by name; raises `invalid_request` for one that two readers could read differently."""
        try:
            pairs = parse_qsl(self.query, keep_blank_values=True, max_num_fields=_MOST_NAMES, errors="strict")
        except (ValueError, UnicodeError):
            pairs = []
        found = dict(pairs)
        if len(self.query) > _MOST_QUERY or len(found) != len(pairs) or (self.query and not pairs):
            raise SkipassError("invalid_request", "The address cannot be read.", "Start again.")
        return found

    def program_form(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the fields of a program's form, absent ones empty; unknown ones are ignored, as RFC 6749 §3.2 has it.

        Raises `invalid_request` for a field that is there twice.
        """
        kind = (self.headers.get("content-type") or "").partition(";")[0].strip().lower()
        try:
            text = self.body.decode("ascii") if kind == FORM and len(self.body) <= MAX_BYTES else "%"
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=30, errors="strict")
        except (ValueError, UnicodeError):
            raise SkipassError("invalid_request", "The body is not a form.") from None
        found = dict(pairs)
        if len(found) != len(pairs):
            raise SkipassError("invalid_request", "A field of the form is there twice.")
        return {name: found.get(name, "") for name in names}

    def form(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the fields of a posted form, absent ones empty."""
        return form_from(self.body, self.headers, names)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in with this browser, and the text of its cookie."""

    cookie: Secret[str]
    principal: Principal


class SignIns(Protocol):
    """What knows the cookies of those who are signed in."""

    async def principal(self, text: str) -> Principal:
        """Return whose cookie this is; raises `sign_in_required`."""
        ...


async def signed_in(sign_ins: SignIns, cookies: Cookies, asked: Asked) -> SignedIn | None:
    """Return who is signed in, None for nobody."""
    try:
        return await caller(sign_ins, cookies, asked)
    except SkipassError:
        return None


async def caller(sign_ins: SignIns, cookies: Cookies, asked: Asked) -> SignedIn:
    """Return who is signed in; raises `sign_in_required`."""
    cookie = cookies.read(asked.headers)
    if cookie is None:
        raise SkipassError("sign_in_required")
    return SignedIn(cookie, await sign_ins.principal(cookie.reveal()))
