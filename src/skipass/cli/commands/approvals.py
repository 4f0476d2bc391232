"""Approvals: what waits for a person, and the person's word."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from skipass.cli.cards import card
from skipass.cli.client import checked_url, current_url, gateway, segment
from skipass.cli.failures import WAITING, Refusal
from skipass.cli.options import FormatOption, IdentifierOption, LimitOption, more
from skipass.cli.output import Format, note, say, show_object, show_rows
from skipass.cli.visible import visible

app = typer.Typer(help="Approvals.", no_args_is_help=True)
_COLUMNS = ("id", "state", "subject", "subject_id", "session_id", "created_at", "expires_at")

ApprovalArgument = Annotated[str, typer.Argument(metavar="APPROVAL", help="The approval's id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it goes on record.")]


@app.callback()
def approval() -> None:
    """Approvals."""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option("--state", help="Only these, such as waiting.")] = None,
    limit: LimitOption = 50,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List approvals, newest first."""
    found, there_are = gateway(identifier).items("/approvals", limit, state=state)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(approval_id: ApprovalArgument, identifier: IdentifierOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show what would be decided: who asks, for whom, why, and the exact text, with nothing in it hidden."""
    found = gateway(identifier).get(f"/approvals/{segment(approval_id)}")
    if form is Format.TABLE:
        say(card(found))
    else:
        show_object(found if form is Format.JSON else found["approval"], form, _COLUMNS)


@app.command()
def approve(approval_id: ApprovalArgument, reason: ReasonOption = "", form: FormatOption = Format.TABLE) -> None:
    """Agree, as a person who may decide; a held statement then runs once."""
    _decide(approval_id, "approve", reason, form)


@app.command()
def deny(approval_id: ApprovalArgument, reason: ReasonOption = "", form: FormatOption = Format.TABLE) -> None:
    """Refuse, as a person who may decide."""
    _decide(approval_id, "deny", reason, form)


@app.command()
def wait(
    approval_id: ApprovalArgument,
    wait_s: Annotated[int, typer.Option("--wait", min=0, max=50, help="Seconds to wait at most.")] = 25,
    identifier: IdentifierOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Wait until it is decided or over; exit 3 if it still waits. Asking again goes on waiting and changes nothing."""
    found = gateway(identifier).get(f"/approvals/{segment(approval_id)}", wait_s=wait_s)["approval"]
    show_object(found, form, _COLUMNS)
    if found["state"] == "waiting":
        raise typer.Exit(WAITING)


def _decide(approval_id: str, word: str, reason: str, form: Format) -> None:
    try:
        decided = gateway().post(f"/approvals/{segment(approval_id)}/{word}", {"reason": reason})
    except Refusal as refusal:
        url = refusal.details.get("url")
        if refusal.code != "sign_in_required" or not isinstance(url, str):
            raise
        _elsewhere(url, form)
        raise typer.Exit(WAITING) from None
    show_object(decided, form)


def _elsewhere(url: str, form: Format) -> None:
    """A kept token never decides: the person goes to the card, and signs in there afresh."""
    if form is not Format.TABLE:
        show_object({"url": url}, form)
        return
    say(visible(url))
    note("Deciding takes a fresh sign-in: open the address above with a new one-time link (skipass user link NAME).")
    if sys.stdout.isatty() and checked_url(current_url()) == url.partition("/console/")[0]:
        typer.launch(url)
