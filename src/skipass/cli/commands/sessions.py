"""Access sessions: asked for, looked at, ended, and what they left on record."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.durations import seconds
from skipass.cli.failures import WAITING
from skipass.cli.options import FormatOption, IdentifierOption, LimitOption, more
from skipass.cli.output import Format, json_line, note, say, show_object, show_rows
from skipass.cli.timeline import timeline

app = typer.Typer(help="Access sessions.", no_args_is_help=True)
_COLUMNS = ("id", "state", "end_reason", "expires_at", "role", "scope", "reason")
_EVENT_COLUMNS = ("at", "kind", "subject", "body", "writer", "seq", "hash")
_BUDGETS = ("statements", "rows", "bytes", "seconds")

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]


class AccessName(StrEnum):
    """What a session may do in its area."""

    READ = "read"
    WRITE = "write"


class MetadataName(StrEnum):
    """How far a session may look at names."""

    SCHEMA = "schema"
    DATABASE = "database"
    ACCOUNT = "account"


@app.callback()
def session() -> None:
    """Access sessions."""


@app.command()
def request(
    *,
    connection: Annotated[str, typer.Option("--connection", "-c", help="Where.")],
    schema: Annotated[list[str], typer.Option("--schema", metavar="DB.SCHEMA", help="The area; repeatable.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence that a person can judge.")],
    ttl_s: Annotated[int, typer.Option("--ttl", metavar="DURATION", parser=seconds, help="How long: 90s, 15m, 8h.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="DB.SCHEMA.T", help="Narrows its schema; repeatable.")
    ] = None,
    function: Annotated[
        list[str] | None, typer.Option("--function", metavar="DB.SCHEMA.F", help="May be called; repeatable.")
    ] = None,
    access: Annotated[AccessName, typer.Option("--access")] = AccessName.READ,
    metadata: Annotated[MetadataName, typer.Option("--metadata")] = MetadataName.SCHEMA,
    role: Annotated[str | None, typer.Option("--role")] = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse")] = None,
    budget: Annotated[
        list[str] | None, typer.Option("--budget", metavar="NAME=N", help=f"Lower limit: {', '.join(_BUDGETS)}.")
    ] = None,
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="An emergency: everybody is told, and people review it.")
    ] = False,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Ask for a session, with an agent's key; exit 3 if it waits for a person."""
    scope: dict[str, Any] = {"schemas": schema, "access": access.value, "metadata": metadata.value}
    scope |= {name: value for name, value in (("tables", table), ("functions", function)) if value}
    scope |= {name: value for name, value in (("role", role), ("warehouse", warehouse)) if value}
    body = {"connection": connection, "scope": scope, "ttl_s": ttl_s, "reason": reason, "budgets": _budgets(budget)}
    body |= {"break_glass": True} if break_glass else {}
    _made(gateway(identifier).post("/sessions", body), form)


def _made(made: dict[str, Any], form: Format) -> None:
    show_object(made, form)
    if made["state"] == "requested":
        note(f"It waits for a person until {made['decide_by']}: skipass session wait {made['id']}")
        raise typer.Exit(WAITING)


def _budgets(pairs: Sequence[str] | None) -> dict[str, int] | None:
    budgets: dict[str, int] = {}
    for pair in pairs or ():
        name, _, number = pair.partition("=")
        if name not in _BUDGETS or not number.isdecimal():
            raise typer.BadParameter(f"write NAME=N with one of {', '.join(_BUDGETS)}", param_hint="--budget")
        budgets[name] = int(number)
    return budgets or None


@app.command()
def extend(
    session_id: SessionArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why more time, in a sentence that a person can judge.")],
    ttl_s: Annotated[int, typer.Option("--ttl", metavar="DURATION", parser=seconds, help="How long: 90s, 15m, 8h.")],
    budget: Annotated[
        list[str] | None, typer.Option("--budget", metavar="NAME=N", help=f"Lower limit: {', '.join(_BUDGETS)}.")
    ] = None,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Ask for a session that follows an open one and takes over its statements; exit 3 if it waits for a person."""
    body = {"ttl_s": ttl_s, "reason": reason, "budgets": _budgets(budget)}
    _made(gateway(identifier).post(f"/sessions/{segment(session_id)}/extend", body), form)


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option("--state", help="Only these, such as open.")] = None,
    limit: LimitOption = 50,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List sessions, newest first."""
    found, there_are = gateway(identifier).items("/sessions", limit, state=state)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(session_id: SessionArgument, identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show one session and what is left of it."""
    show_object(gateway(identifier).get(f"/sessions/{segment(session_id)}"), form)


@app.command()
def wait(
    session_id: SessionArgument,
    wait_s: Annotated[int, typer.Option("--wait", min=0, max=50, help="Seconds to wait at most.")] = 25,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Wait until a requested session is decided or over; exit 3 if it still waits. Asking again goes on waiting."""
    found = gateway(identifier).get(f"/sessions/{segment(session_id)}", wait_s=wait_s)
    show_object(found, form)
    if found["state"] == "requested":
        raise typer.Exit(WAITING)


@app.command()
def close(session_id: SessionArgument, identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """End a session of one's own: nothing new starts, what runs is cancelled."""
    show_object(gateway(identifier).post(f"/sessions/{segment(session_id)}/close"), form)


@app.command()
def revoke(session_id: SessionArgument, identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """End somebody's session, as an admin, an approver, or the user acted for."""
    show_object(gateway(identifier).post(f"/sessions/{segment(session_id)}/revoke"), form)


@app.command("allow-automatic")
def allow_automatic(
    *,
    agent: Annotated[str, typer.Option("--agent", help="Which agent.")],
    connection: Annotated[str, typer.Option("--connection", "-c", help="Where.")],
    user: Annotated[str | None, typer.Option("--user", help="For whom; the agent's owner, if nobody is named.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Let automatic sessions open again after an explicit one, as an admin; the next explicit one ends that."""
    body = {"agent": agent, "connection": connection, "user": user}
    show_object(gateway().post("/sessions/allow-automatic", body), form)


@app.command()
def record(session_id: SessionArgument, identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """Print everything a session left: its opening, its statements, the decisions, its end."""
    found = gateway(identifier).get(f"/sessions/{segment(session_id)}/record")
    if form is Format.TABLE:
        say(timeline(found))
    elif form is Format.JSON:
        say(json_line(found))
    else:
        show_rows(found["events"], _EVENT_COLUMNS, form)
