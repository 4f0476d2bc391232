"""`sandbox serve` for the command line; importing this module costs nothing but typer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How the first line is written."""

    TABLE = "table"
    JSON = "json"


def serve(
    *,
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="No demo objects, as a new account.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to say where it listens.")] = Format.TABLE,
    data_dir: Annotated[Path | None, typer.Option(help="Keep rows, catalogue, keys and sign-ins here.")] = None,
    account: Annotated[str, typer.Option(help="Account identifier, ORG-ACCOUNT.")] = "SKIPASS-SANDBOX",
    scale: Annotated[float, typer.Option(min=0, max=10, help="TPC-H scale factor; 0 leaves it out.")] = 0.01,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https; the first line names the CA.")] = False,
    host_name: Annotated[list[str] | None, typer.Option(help="Another name of this machine for the account.")] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="A redirect address of the demo's OAuth client.")
    ] = None,
) -> None:
    """Run a local stand-in for a Snowflake account until it is interrupted."""
    from skipass.sandbox.main import Options
    from skipass.sandbox.main import serve as run

    names, uris = tuple(host_name or ()), tuple(redirect_uri or ())
    run(Options(port, bare, format_.value, data_dir, account, scale, tls, names, uris))
