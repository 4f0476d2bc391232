"""Connections whose account trusts the gateway itself: their signing keys, and who each user is in Snowflake."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, say, show_object, show_rows

_KEYS = ("use", "key_id", "generation", "created_at")
_LOGINS = ("user", "login", "by", "at")

NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user, by name.")]


def keys(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Show the public halves of a connection's signing keys."""
    told = gateway().get(f"/connections/{segment(name)}/signing-keys")
    show_object(told, form) if form is Format.JSON else show_rows(told["keys"], _KEYS, form)


def rotate_key(
    name: NameArgument,
    activate: Annotated[bool, typer.Option("--activate", help="Sign with the key that was published before.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Publish a further signing key; with --activate sign with it from now on. Prints what the account has to know."""
    path = f"/connections/{segment(name)}/signing-keys"
    key = gateway().post(f"{path}/activate" if activate else path)
    show_object(key, form, _KEYS)
    if form is Format.TABLE:
        _explain(name, key, activate)


def _explain(name: str, key: dict[str, Any], activate: bool) -> None:
    from skipass.snowflake.setup_sql import integration_name, set_issuer_key

    if activate:
        note("It signs from now on. The one before stays published for ten minutes.")
        return
    note("Unless the integration reads the keys by their URL, an admin of the account runs:")
    say(set_issuer_key(integration_name(name), key["public_key"], second=key["generation"] % 2 == 0))
    note(f"Then: skipass connection rotate-key {name} --activate")


def revoke_keys(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Destroy the signing keys: nothing is signed any more. Prints what disables the integration in Snowflake."""
    from skipass.snowflake.setup_sql import disable_integration, integration_name

    told = gateway().post(f"/connections/{segment(name)}/signing-keys/revoke")
    show_object(told, form, ("connection", "issuer"))
    if form is Format.TABLE:
        note("The keys are gone. Tokens they signed live five minutes at most; an admin of the account ends them:")
        say(disable_integration(integration_name(name)))


def logins(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """List which Snowflake login each user is."""
    show_rows(gateway().get(f"/connections/{segment(name)}/logins")["items"], _LOGINS, form)


def map_login(
    name: NameArgument,
    user: UserArgument,
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="LOGIN_NAME of the Snowflake user.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Say which Snowflake login a user is; another one than before ends what runs as that."""
    show_object(gateway().post(f"/connections/{segment(name)}/logins", {"user": user, "login": login}), form, _LOGINS)


def unmap_login(name: NameArgument, user: UserArgument, form: FormatOption = Format.TABLE) -> None:
    """Take back which Snowflake login a user is; what runs as it ends."""
    show_object(gateway().post(f"/connections/{segment(name)}/logins/remove", {"user": user}), form, _LOGINS)


def add_to(app: typer.Typer) -> None:
    """Put these beside the other commands of connections."""
    for name, command in (
        ("keys", keys),
        ("rotate-key", rotate_key),
        ("revoke-keys", revoke_keys),
        ("logins", logins),
        ("map-login", map_login),
        ("unmap-login", unmap_login),
    ):
        app.command(name)(command)
