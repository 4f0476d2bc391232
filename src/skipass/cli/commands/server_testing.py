"""`skipass mcp-server test`: a slug as an MCP client meets it, and then as the doctor sees what is behind it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from skipass.cli import environment
from skipass.cli.client import checked_url, gateway, segment
from skipass.cli.commands.doctor import show_findings
from skipass.cli.failures import FAILED
from skipass.cli.options import FormatOption
from skipass.cli.output import Format
from skipass.secret import Secret


def check(
    slug: Annotated[str, typer.Argument(help="The slug.")],
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="VAR", help="Variable that holds the key of an agent to list as.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Call a slug as an MCP client does, then look behind it as the doctor does; exit 1 if a step fails.

    Of a relay, that lists the managed server's tools by your own account; what cannot be seen is never called ok.
    """
    from skipass.cli.mcp_probe import probe

    door = gateway()
    server = door.get(f"/mcp-servers/{segment(slug)}")
    key = _key(key_env)
    steps = asyncio.run(probe(checked_url(server["url"]), key)) if server["state"] == "enabled" else []
    answer = door.post("/doctor", {"mcp_server": slug})
    show_findings([*(asdict(step) for step in steps), *answer["findings"]], form)
    if not answer["ok"] or any(step.state == "failed" for step in steps):
        raise typer.Exit(FAILED)


def _key(variable: str | None) -> Secret[str] | None:
    if variable is None:
        return None
    value = environment.variable(variable)
    if not value:
        raise typer.BadParameter(f"the variable {variable} is not set", param_hint="--key-env")
    return Secret(value.strip())
