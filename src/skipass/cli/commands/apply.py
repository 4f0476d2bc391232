"""`apply`: bring a gateway to what one file declares, or say everything that keeps it from being so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipass.cli.client import Gateway, gateway
from skipass.cli.failures import FAILED, Refusal
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, cell, note, say, show_rows
from skipass.cli.visible import visible

if TYPE_CHECKING:
    from skipass.cli.declared.plan import Step

_SIGNS = {"create": "+", "change": "~", "same": "="}
_COUNTED = {"create": "made", "change": "changed", "same": "the same"}
_COLUMNS = ("kind", "name", "action", "changes")


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="The declaration, in TOML.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring connections, agents, MCP servers, people and the policy to what a file declares.

    Everything is checked first; with a fault nothing is changed. What the file leaves out is left alone.
    """
    from skipass.cli.declared.compare import Comparison
    from skipass.cli.declared.document import read
    from skipass.cli.declared.world import look

    document = read(file)
    door = gateway()
    found = Comparison(door, look(door), document) if document.items else None
    faults = found.faults if found else list(document.faults)
    if faults:
        for fault in faults:
            note(visible(f"invalid_request: {fault}"))
        raise typer.Exit(FAILED)
    steps = found.steps if found else []
    for at, step in enumerate(steps):
        if not dry_run:
            _do(door, step, at, len(steps))
        _show(step, form)
    if form is Format.TABLE:
        counted = ", ".join(f"{sum(one.action == word for one in steps)} {said}" for word, said in _COUNTED.items())
        note(f"{counted}. Nothing was changed." if dry_run else f"{counted}.")


def _do(door: Gateway, step: Step, at: int, every: int) -> None:
    """Send what a step takes; a refusal half-way says how far it came."""
    try:
        answers = [door.post(call.path, call.body, nulls=True) for call in step.calls]
    except Refusal as refusal:
        done = f"{at} of {every} were done before {step.kind} {step.name}. Run it again: what is done stays done."
        raise Refusal(refusal.code, refusal.message, f"{refusal.hint} {done}".strip(), refusal.details) from None
    if step.kind == "agent" and answers:
        _keep(step, str(answers[0]["api_key"]))


def _keep(step: Step, key: str) -> None:
    """Put a new agent's key into its file, which nobody else can read; it is printed nowhere."""
    if step.key_file is None:
        note(f"The key of {step.name} is not kept: skipass agent rotate {step.name} makes and prints one.")
        return
    try:
        with os.fdopen(os.open(step.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{key}\n")
    except OSError as error:
        hint = f"The agent is there: skipass agent rotate {step.name} makes and prints a key."
        raise Refusal("invalid_request", f"{step.key_file} cannot be written: {error.strerror}.", hint) from None


def _show(step: Step, form: Format) -> None:
    view = step.view()
    if form is not Format.TABLE:
        show_rows([view], _COLUMNS, form)
        return
    say(visible(f"{_SIGNS[view['action']]} {step.kind} {step.name}"))
    for one in step.differences:
        made = step.action.value == "create"
        say(
            f"    {one.field}: {_cell(one.after)}"
            if made
            else f"    {one.field}: {_cell(one.before)} → {_cell(one.after)}"
        )


def _cell(value: Any) -> str:
    return cell(value) or "none"
