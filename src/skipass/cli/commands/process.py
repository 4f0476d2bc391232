"""`init`, `serve`, `demo`: the commands that are a gateway instead of calling one; they need the server extra."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import checked_url
from skipass.cli.failures import WRONG_USAGE, extra, listening
from skipass.cli.options import DatabaseUrlOption, FormatOption, HomeOption, database_url
from skipass.cli.output import Format, json_line, note, say, show_object
from skipass.cli.ready import announcement

if TYPE_CHECKING:
    from skipass.app.settings import Settings


def init(
    admin: Annotated[str | None, typer.Option("--admin", help="Name of the first admin.")] = None,
    approver: Annotated[
        str | None, typer.Option("--approver", help="Name of the first approver; somebody else than the admin.")
    ] = None,
    base_url: Annotated[
        str, typer.Option("--base-url", envvar="SKIPASS_BASE_URL", help="Address the links are made for.")
    ] = environment.DEFAULT_URL,
    address: DatabaseUrlOption = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make a gateway and its first people.

    Prints a one-time sign-in link for each; there is no default password.
    """
    with extra("server"):
        from skipass.app.home import Home
        from skipass.app.initialise import initialise, sign_in_link
    admin, approver = _founders(admin, approver)
    place, url = Home((home or environment.home()).expanduser()), checked_url(base_url)
    made = asyncio.run(initialise(place, admin, approver, database_url=database_url(address)))
    links = [
        {"name": f.user.name, "roles": [r.value for r in f.user.roles], "link": sign_in_link(url, f.token)}
        for f in made.founders
    ]
    if form is not Format.TABLE:
        show_object({"home": str(place.path), "people": links}, form)
        return
    say(f"A gateway is in {place.path}. Back up {place.vault_key.name} apart from the database.\n")
    for person in links:
        say(f"{person['name']} ({', '.join(person['roles'])}) signs in once, within half an hour, with")
        say(f"  {person['link']}")
    say("\nNext: skipass serve, and in another terminal: skipass login")
    if approver is None:
        note("Nobody can approve anything yet: skipass user create NAME --role approver")


def _founders(admin: str | None, approver: str | None) -> tuple[str, str | None]:
    asks = sys.stdin.isatty() and admin is None
    if admin is None and not asks:
        raise typer.BadParameter("name the first admin", param_hint="--admin")
    name = admin or str(typer.prompt("Name of the first admin"))
    if approver is None and asks:
        approver = str(typer.prompt("Name of the first approver, somebody else (empty: later)", default="")) or None
    return name, approver


def serve(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="With a stand-in for Snowflake, and people and an agent to try it with.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.", show_default="8787")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Public address; https unless it is loopback.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain in PEM, to serve https directly.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's private key in PEM.")] = None,
    address: DatabaseUrlOption = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run the gateway.

    Further settings come from SKIPASS_ variables. It ends when it is interrupted.
    """
    with extra("sandbox" if sandbox else "server"):
        from skipass.app.serve import run
    url = database_url(address)
    given = {
        "sandbox": sandbox or None,
        "host": host,
        "port": port,
        "base_url": base_url,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "home": home,
        "database_url": url and url.reveal(),
    }
    settings = _settings({name: value for name, value in given.items() if value is not None})
    with listening():
        run(settings, _announce(form))


def _settings(given: dict[str, Any]) -> Settings:
    from pydantic import ValidationError

    from skipass.app.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        # The values stay out of the message: one of them may be a token from the environment.
        for fault in error.errors(include_input=False, include_context=False, include_url=False):
            where = ".".join(str(part) for part in fault["loc"])
            note(f"invalid_request: {f'{where}: ' if where else ''}{fault['msg'].removeprefix('Value error, ')}")
        raise typer.Exit(WRONG_USAGE) from None


def _announce(form: Format) -> Callable[[dict[str, Any]], None]:
    def announce(ready: dict[str, Any]) -> None:
        say(announcement(ready) if form is Format.TABLE else json_line(ready))
        sys.stdout.flush()

    return announce


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the gateway running afterwards.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Play the main job, end to end.

    On a stand-in for Snowflake; exit 1 if a step comes out otherwise than told.
    """
    with extra("sandbox"):
        from skipass.demo.play import play
    raise typer.Exit(play(form.value, keep=keep))
