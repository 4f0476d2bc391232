"""Agents: made, rotated, disabled, and the configuration of the clients they run in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import Gateway, checked_url, current_url, gateway, segment
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import public_key_of
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, say, show_object, show_rows
from skipass.cli.visible import visible
from skipass.tools.snippets import KEY_VARIABLE, Client, Snippet, mcp_url, snippet

app = typer.Typer(help="Agents.", no_args_is_help=True)
_COLUMNS = ("name", "owner_id", "acts_for", "users", "connections", "state", "created_at")
_KEYS = ("prefix", "use", "live", "created_at", "expires_at", "last_used_at", "last_used_by")

NameArgument = Annotated[str, typer.Argument(help="The agent's name.")]
PublicKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        metavar="FILE",
        help="RSA public key that it signs in to the SQL API with; see skipass key new.",
        exists=True,
        dir_okay=False,
    ),
]


@app.callback()
def agent() -> None:
    """Agents."""


@app.command()
def create(
    name: NameArgument,
    connection: Annotated[list[str], typer.Option("--connection", help="Connection it may use; repeatable.")],
    users: Annotated[
        list[str] | None, typer.Option("--for", metavar="USER", help="User it acts for, if not its owner; repeatable.")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="USER", help="Its owner, if not you.")] = None,
    end_users: Annotated[
        bool, typer.Option("--end-users", help="It acts for its application's people, whom it names itself.")
    ] = False,
    return_url: Annotated[
        list[str] | None,
        typer.Option("--return-url", metavar="URL", help="Where they go after linking; repeatable."),
    ] = None,
    public_key: PublicKeyOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register an agent and print its key, once."""
    door = gateway()
    body: dict[str, Any] = {"name": name, "owner": owner, "users": list(users or ()), "connections": connection}
    body |= {"end_users": end_users, "return_urls": list(return_url or ()), **_pair(public_key)}
    made = door.post("/agents", body)
    if form is not Format.TABLE:
        show_object(made, form)
        return
    _show_key(made)
    for slug in _slugs(door, made["agent"]):
        say(f"\nIn the environment of Claude Code (skipass agent config has the other clients), over {slug}:\n")
        say(snippet(Client.CLAUDE_CODE, slug, mcp_url(door.base_url, slug)).text)


def _pair(public_key: Path | None) -> dict[str, Any]:
    return {"public_key": public_key_of(public_key)} if public_key else {}


def _show_key(made: dict[str, Any]) -> None:
    say(f"{visible(made['agent']['name'])} has a key. It is shown this once:\n")
    say(f"export {KEY_VARIABLE}={made['api_key']}")
    say("\nOr, for a program that trades a client secret for tokens of an hour at /oauth/token:\n")
    say(f"export SKIPASS_CLIENT_ID={made['client_id']}")
    say(f"export SKIPASS_CLIENT_SECRET={made['client_secret']}")


def _slugs(door: Gateway, agent: Mapping[str, Any]) -> list[str]:
    """Return the slugs that let an agent in by its key."""
    servers, _ = door.items("/mcp-servers", 200)
    mine = [one for one in servers if one["connection_id"] in agent["connections"] and one["state"] == "enabled"]
    return [str(one["slug"]) for one in mine if one["agents_of_connection"] or agent["name"] in one["agents"]]


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List the agents."""
    found, there_are = gateway().items("/agents", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def rotate(name: NameArgument, public_key: PublicKeyOption = None, form: FormatOption = Format.TABLE) -> None:
    """Make a second key, shown once; the earlier ones end a day later, and so does a key pair."""
    made = gateway().post(f"/agents/{segment(name)}/rotate", _pair(public_key))
    if form is not Format.TABLE:
        show_object(made, form)
        return
    _show_key(made)
    note("The earlier keys work for another day.")


@app.command()
def disable(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Disable an agent: its keys stop and nothing of it is admitted any more."""
    show_object(gateway().post(f"/agents/{segment(name)}/disable"), form, _COLUMNS)


@app.command()
def enable(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Let a disabled agent in again, with the keys it has."""
    show_object(gateway().post(f"/agents/{segment(name)}/enable"), form, _COLUMNS)


@app.command()
def keys(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """List an agent's keys, client secrets and key pairs, and when each was used last."""
    show_rows(gateway().get(f"/agents/{segment(name)}/keys")["items"], _KEYS, form)


@app.command("revoke-key")
def revoke_key(
    name: NameArgument,
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="What `agent keys` names it by.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """End one key of an agent now; its others go on."""
    show_object(gateway().post(f"/agents/{segment(name)}/keys/revoke", {"prefix": prefix}), form, _COLUMNS)


ConnectionArgument = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")]


@app.command()
def give(name: NameArgument, connection: ConnectionArgument, form: FormatOption = Format.TABLE) -> None:
    """Let an agent use one more connection; its sessions there are asked for and decided as ever."""
    _connections(name, "add", connection, form)


@app.command()
def take(name: NameArgument, connection: ConnectionArgument, form: FormatOption = Format.TABLE) -> None:
    """Take a connection from an agent; what it has open there ends."""
    _connections(name, "remove", connection, form)


def _connections(name: str, word: str, connection: str, form: Format) -> None:
    answer = gateway().post(f"/agents/{segment(name)}/connections/{word}", {"connection": connection})
    show_object(answer, form, _COLUMNS)


UserOption = Annotated[str | None, typer.Option("--user", metavar="USER", help="Somebody else; takes an admin.")]


@app.command()
def allow(name: NameArgument, user: UserOption = None, form: FormatOption = Format.TABLE) -> None:
    """Let an agent act for you."""
    show_object(gateway().post(f"/agents/{segment(name)}/users/add", {"user": user}), form, _COLUMNS)


@app.command()
def disallow(name: NameArgument, user: UserOption = None, form: FormatOption = Format.TABLE) -> None:
    """Have an agent act for you no longer; its sessions for you end."""
    show_object(gateway().post(f"/agents/{segment(name)}/users/remove", {"user": user}), form, _COLUMNS)


@app.command()
def config(
    name: Annotated[str | None, typer.Argument(help="An agent, to find the slugs it may use.")] = None,
    client: Annotated[Client, typer.Option("--client", help="The program the agent runs in.")] = Client.CLAUDE_CODE,
    slug: Annotated[str | None, typer.Option("--slug", help="The MCP server to reach; needs no sign-in.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The gateway's address, if not the current one.")] = None,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="For a person's own client: it signs its user in, and has no key.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print what to paste into an MCP client, and its one-click link; the key itself stays out of it."""
    base_url = checked_url(url) if url else current_url()
    slugs = [slug] if slug else _slugs_of(name)
    found = [(one, snippet(client, one, mcp_url(base_url, one), key=not sign_in)) for one in slugs]
    if form is not Format.TABLE:
        rows = [
            {"client": client.value, "slug": one, "file": shown.file, "text": shown.text, "link": shown.link}
            for one, shown in found
        ]
        show_rows(rows, tuple(rows[0]), form)
        return
    for _, shown in found:
        note(_where(shown, sign_in))
        say(shown.text)
        if shown.link:
            note(f"Or open: {shown.link}")


def _where(shown: Snippet, sign_in: bool) -> str:
    if shown.file:
        return f"{shown.title}, in {shown.file}:"
    return f"{shown.title}:" if sign_in else f"{shown.title}, in a shell where {KEY_VARIABLE} is set:"


def _slugs_of(name: str | None) -> list[str]:
    if name is None:
        raise typer.BadParameter("name an agent or a slug", param_hint="--slug")
    door = gateway()
    found = [one for page in door.pages("/agents") for one in page if one["name"] == name]
    if not found:
        raise Refusal("not_found", f"There is no agent {name!r}.", "See skipass agent list.")
    slugs = _slugs(door, found[0])
    if not slugs:
        raise Refusal("not_found", f"No MCP server lets {name!r} in.", "See skipass mcp-server list.")
    return slugs
