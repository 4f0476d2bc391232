"""What the pages of linking are asked with and what they answer, as plain values; and who is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from skipass.errors import SkipassError
from skipass.surfaces.connect import pages
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.asgi import Receive, Scope, Send
from skipass.surfaces.edge.headers import Headers

_MOST_QUERY = 16_384


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a browser."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    @classmethod
    async def of(cls, scope: Scope, receive: Receive) -> Asked:
        """Return what an ASGI request asks."""
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        query = scope.get("query_string", b"").decode("latin-1")
        return cls(scope["method"], scope["path"].rstrip("/") or "/", query, Headers.of(scope), body)

    def named(self) -> Mapping[str, str]:
        """Return the query by name; raises `invalid_request` for one that two readers could read differently."""
        try:
            pairs = parse_qsl(self.query[: _MOST_QUERY + 1], keep_blank_values=True, max_num_fields=20, errors="strict")
        except (ValueError, UnicodeError):
            pairs = []
        found = dict(pairs)
        if len(self.query) > _MOST_QUERY or len(found) != len(pairs) or (self.query and not pairs):
            raise SkipassError("invalid_request", "The address cannot be read.", "Open the link again.")
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookie: str | None = None

    async def send(self, send: Send) -> None:
        """Send it."""
        named = {**self.headers, "content-length": str(len(self.body))}
        named |= {"set-cookie": self.cookie} if self.cookie else {}
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def html(template: str, *, status: int = 200, script: bool = False, to: str | None = None, **values: Any) -> Reply:
    """Return a page; `to` is the origin that its form may lead to."""
    sent = {**pages.headers(script=script, to=to), "content-type": "text/html; charset=utf-8"}
    return Reply(status, pages.page(template, **values), sent)


def moved(path: str, cookie: str | None = None) -> Reply:
    """Return the way to another page, which the browser opens by GET."""
    return Reply(303, b"", {**pages.headers(), "location": path}, cookie)


def problem(error: SkipassError, cookie: str | None = None) -> Reply:
    """Return the page of a refusal, in words and with what to do."""
    status = STATUS[error.kind]
    page = html("problem.html", status=status, problem=error, sign_in=error.code == "sign_in_required")
    return Reply(page.status, page.body, page.headers, cookie)
