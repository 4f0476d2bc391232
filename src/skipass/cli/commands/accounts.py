"""Connected accounts: listed, linked, verified, ended. The link is printed once; no command ever prints a token."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import Gateway, gateway, segment
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import private_pem
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, say, show_object, show_rows

app = typer.Typer(help="Connected accounts.", no_args_is_help=True)
_COLUMNS = ("id", "connection", "identifier", "status", "reason", "login", "account", "linked_at")

AccountArgument = Annotated[str, typer.Argument(help="An account's id, or a connection's name for the account on it.")]
ForOption = Annotated[
    str | None, typer.Option("--for", metavar="USER", help="Whose account; with an agent's key, whom it acts for.")
]


@app.callback()
def account() -> None:
    """Connected accounts: one user's authorisation on one connection."""


@app.command("list")
def list_(
    connection: Annotated[str | None, typer.Option("--connection", help="Of this connection alone.")] = None,
    limit: LimitOption = 100,
    form: FormatOption = Format.TABLE,
) -> None:
    """List connected accounts: your own, or everybody's for those who see all."""
    found, there_are = gateway().items("/connected-accounts", limit, connection_name=connection)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(account: AccountArgument, user: ForOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show where an account stands, why, and what to do about it."""
    show_object(_found(gateway(user), account, user), form)


@app.command()
def link(
    *,
    account: AccountArgument,
    user: ForOption = None,
    role: Annotated[str | None, typer.Option("--role", help="The role to agree to, if not the connection's.")] = None,
    return_url: Annotated[
        str | None, typer.Option("--return-url", metavar="URL", help="Of an application's end user.")
    ] = None,
    login: Annotated[str | None, typer.Option("--login", help="With --private-key: your LOGIN_NAME.")] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="File of your own key, where the connection takes keys.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File of your programmatic access token, where it takes those.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print the one-time link by which a user connects an account, or hand in a key or token of your own."""
    door = gateway(user)
    found = _found(door, account, user)
    at = f"/connected-accounts/{segment(found['id'])}"
    if private_key is not None or token_file is not None:
        body = {"login": login, "private_key": _pem(private_key), "token": _text(token_file)}
        show_object(door.post(f"{at}/credential", body), form, _COLUMNS)
        return
    made = door.post(f"{at}/authorization-link", {"role": role, "return_url": return_url})
    if form is not Format.TABLE:
        show_object(made, form)
        return
    say(made["link"])
    note(f"For {found['identifier']}, once, until {made['expires_at']}. They sign in with us first, in their browser.")


def _pem(path: Path | None) -> str | None:
    return private_pem(path).reveal() if path else None


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Refusal(
            "invalid_request", f"{path} cannot be read as text.", "It holds the token and nothing else."
        ) from None


@app.command()
def verify(
    account: AccountArgument,
    code: Annotated[str, typer.Argument(help="What the finishing browser carried to the return URL.")],
    user: ForOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Put an end user's sign-in in force, with the key of the application's agent."""
    door = gateway(user)
    found = _found(door, account, user)
    show_object(door.post(f"/connected-accounts/{segment(found['id'])}/verify", {"code": code}), form, _COLUMNS)


@app.command("accept-login")
def accept_login(account: AccountArgument, user: ForOption = None, form: FormatOption = Format.TABLE) -> None:
    """Accept, as an admin, that the last sign-in was of another Snowflake login than before."""
    _do("accept-login", account, user, form)


@app.command()
def disconnect(account: AccountArgument, user: ForOption = None, form: FormatOption = Format.TABLE) -> None:
    """Cancel what runs, destroy the tokens, and end the account; it can be linked again."""
    _do("disconnect", account, user, form)


@app.command()
def revoke(account: AccountArgument, user: ForOption = None, form: FormatOption = Format.TABLE) -> None:
    """Take an account away, as an admin: nothing is sent for it until it is linked again."""
    _do("revoke", account, user, form)


@app.command()
def delete(account: AccountArgument, user: ForOption = None) -> None:
    """Disconnect an account and forget its defaults; as an admin also which Snowflake login it was of."""
    door = gateway(user)
    door.delete(f"/connected-accounts/{segment(_found(door, account, user)['id'])}")
    note("Deleted.")


def _do(what: str, account: str, user: str | None, form: Format) -> None:
    door = gateway(user)
    found = _found(door, account, user)
    show_object(door.post(f"/connected-accounts/{segment(found['id'])}/{what}"), form, _COLUMNS)


def _found(door: Gateway, account: str, user: str | None) -> dict[str, Any]:
    if account.startswith("acc_"):
        return door.get(f"/connected-accounts/{segment(account)}")
    return door.post("/connected-accounts", {"connection_name": account, "identifier": user})
