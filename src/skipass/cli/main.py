"""`skipass`: every command under its noun. Importing this imports no server and no database."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from skipass import __version__
from skipass.cli import environment
from skipass.cli.commands import (
    accounts,
    agents,
    apply,
    approvals,
    audit,
    connections,
    doctor,
    guard,
    keys,
    mcp,
    mcp_clients,
    people,
    policy,
    process,
    sandbox,
    servers,
    sessions,
    vault,
)
from skipass.cli.failures import telling


class Commands(TyperGroup):
    """The root of all commands, where a failure becomes its lines and its exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was parsed."""
        with telling():
            return super().invoke(ctx)


app = typer.Typer(
    name="skipass",
    cls=Commands,
    help="A gateway between AI agents and Snowflake.",
    epilog="\n\n".join(f"{name}: {meaning}" for name, meaning in environment.VARIABLES.items()),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skipass {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A gateway between AI agents and Snowflake."""


for _command in (
    process.init,
    process.serve,
    process.demo,
    people.login,
    people.logout,
    people.whoami,
    apply.apply,
    doctor.doctor,
):
    app.command()(_command)
for _name, _noun in (
    ("sandbox", sandbox.app),
    ("user", people.app),
    ("key", keys.app),
    ("connection", connections.app),
    ("account", accounts.app),
    ("agent", agents.app),
    ("mcp-server", servers.app),
    ("mcp", mcp.app),
    ("mcp-client", mcp_clients.app),
    ("consent", mcp_clients.consents),
    ("session", sessions.app),
    ("approval", approvals.app),
    ("policy", policy.app),
    ("guard", guard.app),
    ("audit", audit.app),
    ("vault", vault.app),
):
    app.add_typer(_noun, name=_name)


def main() -> None:
    """Run the command of `sys.argv` and exit with its status."""
    app(prog_name="skipass")


if __name__ == "__main__":
    main()
