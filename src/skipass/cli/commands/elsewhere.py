"""What a kept token never does: the person is sent to the page for it, and signs in there afresh."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from skipass.cli.client import checked_url, current_url
from skipass.cli.failures import WAITING, Refusal
from skipass.cli.output import Format, note, say, show_object
from skipass.cli.visible import visible


@contextmanager
def in_a_browser(form: Format, what: str) -> Iterator[None]:
    """Turn a refusal for want of a fresh sign-in into the address of the page, and exit status 3."""
    try:
        yield
    except Refusal as refusal:
        url = refusal.details.get("url")
        if refusal.code != "sign_in_required" or not isinstance(url, str):
            raise
        _say(url, form, what)
        raise typer.Exit(WAITING) from None


def _say(url: str, form: Format, what: str) -> None:
    if form is not Format.TABLE:
        show_object({"url": url}, form)
        return
    say(visible(url))
    note(f"{what} takes a fresh sign-in: open the address above. Without an identity provider: skipass user link NAME.")
    if sys.stdout.isatty() and checked_url(current_url()) == url.partition("/console/")[0]:
        typer.launch(url)
