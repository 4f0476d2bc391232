"""The few HTML pages that people see in a browser: sign-in, consent, refusal.

Plain forms without scripts; everything shown is escaped, nothing may be framed or cached.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color:#1c2733}"
    "input,button{font:inherit;display:block;width:100%;box-sizing:border-box;margin:.4rem 0 1rem;padding:.5rem}"
    "button{cursor:pointer}.note{color:#566;font-size:.9em}code{word-break:break-all}"
)


def page(title: str, body: str, status: int = 200) -> Response:
    """Return a page; `body` is HTML whose variable parts were escaped."""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, _HEADERS)


def refusal(title: str, text: str, status: int = 400) -> Response:
    """Return a page that says why it does not go on."""
    return page(title, f'<p role="alert">{escape(text)}</p>', status)


def sign_in(action: str, hidden: dict[str, str], where: str, problem: str = "") -> Response:
    """Return a sign-in form for user name and password that posts to `action`."""
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    fields = (
        '<label>User name<input name="username" autocomplete="username" required></label>'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>'
    )
    note = '<p class="note">A local stand-in; its users and passwords were printed when it started.</p>'
    text = f"<p>Sign in to {escape(where)}.</p>{alert}{_form(action, hidden, fields, ('Sign in',))}{note}"
    return page("Sign in", text, 401 if problem else 200)


def consent(action: str, hidden: dict[str, str], client: str, lines: Iterable[str]) -> Response:
    """Return a form that asks whether `client` may do what `lines` say; it posts `decision` allow or cancel."""
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    text = f"<p><strong>{escape(client)}</strong> asks for:</p><ul>{listed}</ul>"
    return page("Allow access?", text + _form(action, hidden, "", ("Allow", "Cancel")))


def _form(action: str, hidden: dict[str, str], fields: str, buttons: tuple[str, ...]) -> str:
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    pressed = "".join(
        f'<button name="decision" value="{escape(one.lower().replace(" ", "-"))}">{escape(one)}</button>'
        for one in buttons
    )
    return f'<form method="post" action="{escape(action)}">{kept}{fields}{pressed}</form>'


def redirect(url: str) -> Response:
    """Return a redirect to a full address."""
    return RedirectResponse(url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
