"""Pages as HTML, escaped by default, under a policy that lets in nothing else; a form may lead to one named origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skipass.errors import SkipassError
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.asgi import Send
from skipass.surfaces.edge.visible import visible

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_SHARED = Path(__file__).parent / "templates"
_SCRIPT = "text/javascript; charset=utf-8"
_VENDORED = Path(__file__).parent / "vendored"
_FILES = {
    "style.css": (_SHARED, "text/css; charset=utf-8"),
    "link.js": (_SHARED, _SCRIPT),
    "times.js": (_SHARED, _SCRIPT),
    "letters.js": (_SHARED, _SCRIPT),
    "live.js": (_SHARED, _SCRIPT),
    "card.js": (_SHARED, _SCRIPT),
    "copy.js": (_SHARED, _SCRIPT),
    "htmx-2.0.11.js": (_VENDORED, _SCRIPT),
    "htmx-sse-2.2.4.js": (_VENDORED, _SCRIPT),
}
# What carries its version in its name never changes under that name.
_KEPT = {"cache-control": "public, max-age=31536000, immutable"}
_AGAIN = ("sign_in_required", "sign_in_failed", "provider_unavailable")
_POLICY = (
    "default-src 'none'; style-src 'self'; {script}form-action 'self'{to}; base-uri 'none'; frame-ancestors 'none'"
)
# A script of ours asks this gateway and nobody else.
_SCRIPTED = "script-src 'self'; connect-src 'self'; "
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
    """The pages of one room: its templates beside those that all rooms share, rendered with every value escaped."""

    templates: Path

    def html(
        self,
        template: str,
        *cookies: str,
        status: int = 200,
        to: str | None = None,
        script: bool = False,
        **values: Any,
    ) -> Reply:
        """Return a page; `to` is the origin that its form's answer may send the browser on to.

        With `script` the page may run the small scripts that are ours.
        Source: CSP Level 3, form-action: browsers hold the redirect that answers a form to it as well.
        """
        body = self.part(template, **values).encode()
        sent = {**guarding_headers(to=to, script=script), "content-type": "text/html; charset=utf-8"}
        return Reply(status, body, sent, cookies)

    def part(self, template: str, **values: Any) -> Markup:
        """Return a piece of a page, every value escaped."""
        from markupsafe import Markup

        return Markup(_environment(self.templates).get_template(template).render(values))  # noqa: S704 - escaped

    def problem(self, error: SkipassError, *cookies: str) -> Reply:
        """Return the page of a refusal, in words and with what to do."""
        title = "Sign in first" if error.code == "sign_in_required" else "That did not work"
        status, again = STATUS[error.kind], error.code in _AGAIN
        return self.html("problem.html", *cookies, status=status, title=title, problem=error, again=again)


def moved(address: str, *cookies: str) -> Reply:
    """Return the way to another address, which the browser opens by GET."""
    return Reply(303, b"", {**guarding_headers(), "location": address}, cookies)


def shared_file(name: str) -> Reply | None:
    """Return the style or the script that all pages share, None for another name."""
    if name not in _FILES:
        return None
    place, kind = _FILES[name]
    kept = _KEPT if place is _VENDORED else {}
    return Reply(200, (place / name).read_bytes(), {**guarding_headers(), "content-type": kind, **kept})


def file_to_keep(name: str, kind: str, body: bytes) -> Reply:
    """Return a file that the browser keeps and does not open; `name` is of our own making."""
    named = {"content-type": kind, "content-disposition": f'attachment; filename="{name}"'}
    return Reply(200, body, {**guarding_headers(), "x-content-type-options": "nosniff", **named})


def guarding_headers(*, to: str | None = None, script: bool = False) -> dict[str, str]:
    """Return the headers that keep out what is not ours, and keep an answer from being kept."""
    policy = _POLICY.format(script=_SCRIPTED if script else "", to=f" {to}" if to else "")
    return {**_ALWAYS, "content-security-policy": policy}


@cache
def _environment(templates: Path) -> jinja2.Environment:
    import jinja2

    loader = jinja2.FileSystemLoader([templates, _SHARED])
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    made.filters["visible"], made.filters["moment"], made.filters["until"] = _visible, _moment, _until
    return made


def _visible(value: object) -> str:
    return visible(str(value))


def _moment(at: datetime | None) -> Markup | str:
    """Return a moment as UTC to the minute, to the second on hover; a script puts it in the viewer's own time."""
    from markupsafe import Markup

    if at is None:
        return ""
    exact = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), exact, at.strftime("%Y-%m-%d %H:%M UTC")
    )


def _until(at: datetime | None) -> Markup | str:
    """Return until when, as UTC to the minute; a script counts down to it."""
    from markupsafe import Markup

    if at is None:
        return ""
    exact, words = at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<span data-until="{}" title="until {}">until {}</span>').format(exact, words, words)
