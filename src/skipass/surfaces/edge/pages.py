"""Pages as HTML, escaped by default, under a policy that lets in nothing else; a form may lead to one named origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skipass.surfaces.edge.asgi import Send
from skipass.surfaces.edge.visible import visible

if TYPE_CHECKING:
    import jinja2

_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'{to}; base-uri 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "x-frame-options": "DENY",
    # Not no-referrer: with that a browser hides the origin of our own forms, and we insist on it.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a browser or a program."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    async def send(self, send: Send) -> None:
        """Send it."""
        named = [*self.headers.items(), ("content-length", str(len(self.body)))]
        named += [("set-cookie", cookie) for cookie in self.cookies]
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one room: its templates, rendered with every value escaped."""

    templates: Path

    def html(self, template: str, *, status: int = 200, to: str | None = None, **values: Any) -> Reply:
        """Return a page; `to` is the origin that its form's answer may send the browser on to.

        Source: CSP Level 3, form-action: browsers hold the redirect that answers a form to it as well.
        """
        body = _environment(self.templates).get_template(template).render(values).encode()
        policy = _POLICY.format(to=f" {to}" if to else "")
        sent = {**_ALWAYS, "content-security-policy": policy, "content-type": "text/html; charset=utf-8"}
        return Reply(status, body, sent)


def moved(address: str, *cookies: str) -> Reply:
    """Return the way to another address, which the browser opens by GET."""
    policy = _POLICY.format(to="")
    return Reply(303, b"", {**_ALWAYS, "content-security-policy": policy, "location": address}, cookies)


@cache
def _environment(templates: Path) -> jinja2.Environment:
    import jinja2

    loader = jinja2.FileSystemLoader(templates)
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    made.filters["visible"] = _visible
    return made


def _visible(value: object) -> str:
    return visible(str(value))
