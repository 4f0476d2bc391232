"""Reviews: what broken glass owes, and the word that closes it."""

from __future__ import annotations

from typing import Annotated

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.commands.elsewhere import in_a_browser
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, show_object, show_rows

app = typer.Typer(help="Reviews of sessions that broke the glass.", no_args_is_help=True)
_COLUMNS = ("id", "state", "session_id", "opened_at", "closed_at", "comment")

ReviewArgument = Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id.")]


@app.callback()
def reviews() -> None:
    """Reviews of sessions that broke the glass."""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option("--state", help="open or closed.")] = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
) -> None:
    """List reviews, newest first."""
    found, there_are = gateway().items("/reviews", limit, state=state)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(review_id: ReviewArgument, form: FormatOption = Format.TABLE) -> None:
    """Show a review and the session it is about."""
    found = gateway().get(f"/reviews/{segment(review_id)}")
    show_object(found, form)
    if form is Format.TABLE:
        note(f"What ran in it: skipass session record {found['review']['session_id']}")


@app.command()
def close(
    review_id: ReviewArgument,
    comment: Annotated[str, typer.Option("--comment", help="What was found; it goes on record.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Close a review, as an approver or admin who had no part in it."""
    with in_a_browser(form, "Closing a review"):
        show_object(gateway().post(f"/reviews/{segment(review_id)}/close", {"comment": comment}), form, _COLUMNS)
