"""Pages as HTML, escaped by default, under a policy that lets in nothing else; a form may lead to one named origin."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skipass.surfaces.edge.visible import visible

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; style-src 'self'; {script}form-action 'self'{to}; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "x-frame-options": "DENY",
    # What comes back from a sign-in stands in the address, and goes nowhere from here.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
FILES = {"link.js": "text/javascript; charset=utf-8"}


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    loader = jinja2.FileSystemLoader(_HERE / "templates")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    made.filters["visible"] = _visible
    return made


def _visible(value: object) -> str:
    return visible(str(value))


def page(template: str, **values: Any) -> bytes:
    """Return a page; every value is escaped, and texts go through `visible` where anybody but us wrote them."""
    return _templates().get_template(template).render(values).encode()


def file(name: str) -> bytes:
    """Return one of `FILES`."""
    return (_HERE / "templates" / name).read_bytes()


def headers(*, script: bool = False, to: str | None = None) -> dict[str, str]:
    """Return what a page is sent with; `to` is the origin that its form's answer may send the browser on to.

    Source: CSP Level 3, form-action: browsers hold the redirect that answers a form to it as well.
    """
    policy = _POLICY.format(script="script-src 'self'; " if script else "", to=f" {to}" if to else "")
    return {**_ALWAYS, "content-security-policy": policy}
