"""Signing in and out, and the people of the gateway."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import Gateway, checked_url, current_url, gateway, segment, stored
from skipass.cli.commands import groups
from skipass.cli.entering import Server, by_browser, by_device, server_of, token_of
from skipass.cli.options import FormatOption, IdentifierOption, LimitOption, more
from skipass.cli.output import Format, note, say, show_object, show_rows
from skipass.clock import SystemClock
from skipass.secret import Secret

app = typer.Typer(help="People.", no_args_is_help=True)
_COLUMNS = ("name", "roles", "state", "created_at")

app.add_typer(groups.app, name="group")


class RoleName(StrEnum):
    """What a person may be."""

    ADMIN = "admin"
    APPROVER = "approver"
    AUDITOR = "auditor"
    MEMBER = "member"


@app.callback()
def user() -> None:
    """People."""


def login(
    link: Annotated[
        str | None,
        typer.Argument(help="A one-time link, or its token; without it, it is read from the terminal or a pipe."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Sign in with a browser on this machine.")] = False,
    device: Annotated[bool, typer.Option("--device", help="Sign in with a browser anywhere, by a code.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Sign in: with a browser where an identity provider is connected, else with a one-time link.

    The token that comes back is kept in a file of its owner alone; it never decides an approval.
    """
    url = checked_url(environment.url() or current_url())
    server = None if link else _server(url, asked=browser or device)
    if server is None or not (browser or device or not server.links):
        _by_link(link or _asked(), form)
        return
    given = asyncio.run(by_device(server, _show_code) if device else by_browser(server, _show_page))
    token, ends = token_of(given), SystemClock().now() + timedelta(seconds=int(given["expires_in"]))
    user = Gateway(url, token).get("/whoami")["user"]
    _keep(url, token, {"user": user, "expires_at": ends.isoformat(timespec="seconds")}, form)


def _server(url: str, *, asked: bool) -> Server | None:
    """Return the gateway's authorization server where a person is to sign in with it, None where a link is piped in."""
    return asyncio.run(server_of(url)) if asked or sys.stdin.isatty() else None


def _by_link(text: str, form: Format) -> None:
    base_url, token = _link(text)
    url = checked_url(environment.url() or base_url or current_url())
    answer = Gateway(url).post("/sign-in", {"token": token.reveal()})
    _keep(url, Secret(str(answer["token"])), answer, form)


def _keep(url: str, token: Secret[str], answer: Mapping[str, Any], form: Format) -> None:
    path, name, expires_at = stored().path, str(answer["user"]["name"]), str(answer["expires_at"])
    stored().keep(url, token, name, expires_at)
    if form is not Format.TABLE:
        show_object({"url": url, "user": answer["user"], "expires_at": expires_at}, form)
        return
    say(f"Signed in to {url} as {name} until {expires_at}. The token is in {path}.")
    if environment.api_key() is not None:
        note("SKIPASS_API_KEY is set and comes first: unset it to act as yourself.")


def _show_page(address: str) -> None:
    note(f"Sign in with a browser on this machine:\n\n  {address}\n")
    webbrowser.open(address)


def _show_code(address: str, code: str) -> None:
    note(f"Open {address} in any browser, and type the code {code}.")


def _asked() -> str:
    # Not in the arguments, where other users of the machine could see it.
    return str(typer.prompt("One-time link", hide_input=True)) if sys.stdin.isatty() else sys.stdin.readline()


def _link(text: str) -> tuple[str | None, Secret[str]]:
    page, mark, token = text.strip().rpartition("#")
    if not token:
        raise typer.BadParameter("paste the link that init or user link printed, or give --browser", param_hint="LINK")
    return (page.removesuffix("/sign-in") if mark else None), Secret(token)


def logout() -> None:
    """Sign out: the kept token is revoked."""
    url = current_url()
    token = stored().token(url)
    if token is None:
        say(f"Nobody was signed in to {url}.")
        return
    # Forgotten first: a gateway that does not answer must not keep the token on this machine.
    stored().forget(url)
    Gateway(url, token).post("/sign-out")
    say(f"Signed out of {url}.")


def whoami(identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """Say who the gateway sees."""
    show_object(gateway(identifier).get("/whoami"), form)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="1 to 64 letters, digits and . _ @ -")],
    role: Annotated[list[RoleName], typer.Option("--role", help="May be given more than once.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Add a person; `user link` makes the link that signs them in."""
    made = gateway().post("/users", {"name": name, "roles": [one.value for one in role]})
    show_object(made, form, _COLUMNS)
    if form is Format.TABLE:
        note(f"Next: skipass user link {made['name']}")


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List everybody."""
    found, there_are = gateway().items("/users", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command("link")
def link_(
    name: Annotated[str, typer.Argument(help="Whose link.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Make a one-time sign-in link; it voids the person's earlier ones."""
    made = gateway().post(f"/users/{segment(name)}/link")
    if form is not Format.TABLE:
        show_object(made, form)
        return
    say(str(made["url"]))
    note(f"It signs {name} in once. Hand it over yourself: whoever opens it first is {name}.")


@app.command("disable")
def disable(name: Annotated[str, typer.Argument()], form: FormatOption = Format.TABLE) -> None:
    """Disable a person: their tokens stop and nothing is admitted for them any more."""
    show_object(gateway().post(f"/users/{segment(name)}/disable"), form, _COLUMNS)


@app.command("unbind")
def unbind(name: Annotated[str, typer.Argument()], form: FormatOption = Format.TABLE) -> None:
    """Forget who the identity provider says a person is: their sign-ins, tokens and sessions end now."""
    show_object(gateway().post(f"/users/{segment(name)}/unbind"), form, _COLUMNS)
    if form is Format.TABLE:
        note(f"Whoever the identity provider calls {name} takes over what {name} has, at their next sign-in.")
