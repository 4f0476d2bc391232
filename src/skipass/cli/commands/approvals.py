"""Approvals: what waits for a person, and the person's word."""

from __future__ import annotations

from typing import Annotated

import typer

from skipass.cli.cards import card
from skipass.cli.client import gateway, segment
from skipass.cli.commands import reviews
from skipass.cli.commands.elsewhere import in_a_browser
from skipass.cli.failures import WAITING
from skipass.cli.options import FormatOption, IdentifierOption, LimitOption, more
from skipass.cli.output import Format, say, show_object, show_rows

app = typer.Typer(help="Approvals.", no_args_is_help=True)
app.add_typer(reviews.app, name="reviews")
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
    with in_a_browser(form, "Deciding"):
        show_object(gateway().post(f"/approvals/{segment(approval_id)}/{word}", {"reason": reason}), form)
