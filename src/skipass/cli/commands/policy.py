"""The policy: what is wrong with a file, what a call would meet, and bringing rules into force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway
from skipass.cli.durations import seconds
from skipass.cli.failures import extra
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, show_object, show_rows
from skipass.errors import SkipassError

app = typer.Typer(help="The rules of a policy.", no_args_is_help=True)
_FINDINGS = ("level", "message")
_VERSIONS = ("number", "source", "hash", "applied_at", "applied_by")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A policy in TOML.")]


@app.callback()
def policy() -> None:
    """The rules of a policy."""


@app.command()
def check(
    file: FileArgument,
    server: Annotated[bool, typer.Option("--server", help="Also look up every name in the gateway.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say everything that is wrong with a file at once, and what to look at twice; exit 1 for a fault."""
    faults, warnings = _there(_text(file)) if server else _here(_text(file))
    found = [{"level": "fault", "message": one} for one in faults]
    found += [{"level": "warning", "message": one} for one in warnings]
    show_rows(found, _FINDINGS, form)
    if faults:
        raise typer.Exit(1)


def _here(text: str) -> tuple[list[str], list[str]]:
    with extra("server"):
        from skipass.access.policy import check as check_rules
        from skipass.access.policy import parse
    rules, faults = parse(text)
    return (faults, []) if faults else check_rules(rules)


def _there(text: str) -> tuple[list[str], list[str]]:
    found = gateway().post("/policies/check", {"policy": text})
    return found["faults"], found["warnings"]


@app.command()
def apply(
    file: FileArgument,
    based_on: Annotated[
        int | None,
        typer.Option("--based-on", min=0, metavar="NUMBER", help="Only if this version is in force still; 0 for none."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring a file into force for every call from now on, as an admin; or nothing of it, if anything is wrong."""
    body: dict[str, Any] = {"policy": _text(file)} | ({} if based_on is None else {"based_on": based_on})
    show_object(gateway().post("/policies", body), form, _VERSIONS)


@app.command("list")
def list_(limit: LimitOption = 50, form: FormatOption = Format.TABLE) -> None:
    """List what was applied, newest first; the first is in force."""
    found, there_are = gateway().items("/policies", limit)
    show_rows(found, _VERSIONS, form)
    more(there_are)


@app.command()
def show() -> None:
    """Print the policy in force, as it was applied."""
    found, _ = gateway().items("/policies", 1)
    if found:
        typer.echo(found[0]["policy"], nl=not found[0]["policy"].endswith("\n"))
    else:
        note("There is no policy; a connection's own limits hold.")


@app.command()
def explain(
    *,
    connection: Annotated[str, typer.Option("--connection", "-c", help="Where.")],
    agent: Annotated[str, typer.Option("--agent", help="Which agent would ask.")],
    statement: Annotated[str | None, typer.Argument(metavar="SQL", help="A statement; leave it out for a session.")] = (
        None
    ),
    user: Annotated[str | None, typer.Option("--user", help="For whom; the agent's owner, if nobody is named.")] = None,
    schema: Annotated[
        list[str] | None, typer.Option("--schema", metavar="DB.SCHEMA", help="The area of the session; repeatable.")
    ] = None,
    access: Annotated[str, typer.Option("--access", help="read or write.")] = "read",
    metadata: Annotated[str, typer.Option("--metadata", help="schema, database or account.")] = "schema",
    ttl_s: Annotated[
        int | None, typer.Option("--ttl", metavar="DURATION", parser=seconds, help="How long a session: 15m, 8h.")
    ] = None,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="The session would be an emergency.")] = False,
    file: Annotated[Path | None, typer.Option("--file", help="Try these rules in place of those in force.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what would become of a statement or a session request, which rules say so, and what was understood."""
    body: dict[str, Any] = {"connection": connection, "agent": agent, "user": user, "statement": statement}
    body |= {"break_glass": True} if break_glass else {}
    body |= {"ttl_s": ttl_s, "policy": _text(file) if file else None}
    if schema:
        body["scope"] = {"schemas": schema, "access": access, "metadata": metadata}
    show_object(gateway().post("/policies/explain", body), form)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SkipassError("invalid_policy", f"{file} cannot be read: {why}.") from None
