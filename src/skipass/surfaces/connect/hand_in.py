"""The page where a person hands in a key or token of their own: what it shows and what its form holds.

What was typed is never shown again: a form that comes back with a refusal is empty.
"""

from __future__ import annotations

from collections.abc import Mapping

from skipass.errors import SkipassError
from skipass.gateway.linking import Leg
from skipass.gateway.uploading import Brought
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import check_form, form_token
from skipass.surfaces.edge.pages import Pages, Reply
from skipass.surfaces.edge.requests import SignedIn

FIELDS = ("link", "connection", "form", "login", "private_key", "passphrase", "token")
MENDED = ("sign_in_failed", "invalid_request", "missing_field", "snowflake_unavailable")
"""What the person can mend and try again on the same page; after anything else they start again."""
MEND_IT = 422
"""Also where Snowflake refused it: what stands between us and a browser may put its own page in place of a 502."""


def asking(
    pages: Pages, leg: Leg, caller: SignedIn | None, carried: Mapping[str, str], problem: SkipassError | None = None
) -> Reply:
    """Return the page with an empty form, and above it why the last one was not taken."""
    if caller is None:
        raise SkipassError("sign_in_required", hint="Sign in, then open the page again.")
    named = {"link": carried.get("link", ""), "connection": carried.get("connection", "")}
    return pages.html(
        "hand_in.html",
        status=MEND_IT if problem else 200,
        problem=problem,
        leg=leg,
        identifier=leg.user.name,
        account=leg.connection.account,
        login=leg.login,
        role=leg.role,
        agents=leg.agents,
        by_key=leg.connection.auth_method is AuthMethod.KEY_PAIR,
        form=form_token(caller.cookie, _purpose(named)),
        link=named["link"],
        connection=named["connection"],
    )


def check(form: Mapping[str, str], caller: SignedIn) -> None:
    """Pass for a form of ours, made for this sign-in, link and connection, else raise `forbidden`."""
    check_form(caller.cookie, _purpose(form), form["form"])


def brought(form: Mapping[str, str]) -> Brought:
    """Return what the person hands in."""
    typed = {name: form[name].strip() for name in ("private_key", "token")}
    given = {name: Secret(text) for name, text in typed.items() if text}
    passphrase = Secret(form["passphrase"]) if form["passphrase"] else None
    return Brought(login=form["login"], passphrase=passphrase, **given)


def _purpose(form: Mapping[str, str]) -> str:
    return "\0".join(("hand in", form["link"], form["connection"]))
