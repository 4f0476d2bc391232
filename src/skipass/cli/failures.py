"""How a failed command ends: `code: message`, a hint, and an exit status. Knows no command.

0 is done, 1 refused or failed, 2 wrong usage (the parser's own), 3 waiting for a person.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from skipass.cli.visible import visible
from skipass.errors import SkipassError
from skipass.snowflake.errors import SnowflakeError

FAILED = 1
WRONG_USAGE = 2
WAITING = 3
_NOT_LISTENING = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
_WAITING_CODES = frozenset({"approval_required"})


class Refusal(Exception):
    """What the gateway or the command answers instead of doing it; its code may be newer than this program."""

    def __init__(self, code: str, message: str, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.hint = code, message, hint
        self.details = dict(details or {})


def told(error: Exception) -> tuple[int, str]:
    """Return the exit status and the lines for standard error of a failure that has a code."""
    if isinstance(error, SnowflakeError):
        code, message, hint = "invalid_request", error.message, error.hint
    elif isinstance(error, SkipassError | Refusal):
        code, message, hint = error.code, error.message, error.hint
    else:
        raise TypeError("only failures with a code are told") from error
    lines = [f"{visible(code)}: {visible(message)}"] + ([f"hint: {visible(hint)}"] if hint else [])
    return (WAITING if code in _WAITING_CODES else FAILED), "\n".join(lines)


@contextmanager
def telling() -> Iterator[None]:
    """Turn every failure with a code into its lines on standard error and its exit status."""
    try:
        yield
    except (SkipassError, SnowflakeError, Refusal) as error:
        status, lines = told(error)
        typer.echo(lines, err=True)
        raise typer.Exit(status) from None


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a missing third-party module into the command that installs the extra which brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "skipass":
            raise
        hint = f"pip install 'skipass[{name}]'"
        raise Refusal(
            "extra_required", f"This command needs the {name} extra ({error.name} is missing).", hint
        ) from None


@contextmanager
def listening() -> Iterator[None]:
    """Turn an address that cannot be listened on into a refusal that says how to name another."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_LISTENING:
            raise
        message = f"Nothing can listen at this address: {error.strerror}."
        raise Refusal("invalid_request", message, "--port names another port; 0 picks a free one.") from None
