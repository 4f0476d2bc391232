"""`guard check`: what the statement guard says of texts, without a gateway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from skipass.cli.failures import extra
from skipass.errors import SkipassError

app = typer.Typer(help="The statement guard, alone.", no_args_is_help=True)


@app.callback()
def guard() -> None:
    """The statement guard, alone."""


@app.command()
def check(
    scope: Annotated[
        Path, typer.Option("--scope", help="JSON file: a scope, and database and schema as current ones.")
    ],
    database: Annotated[
        str | None, typer.Option("--database", help="Current database, in place of the file's.")
    ] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="Current schema, in place of the file's.")] = None,
) -> None:
    """Read JSON lines {"id", "sql"} and write JSON lines {"id", "verdict", "kind", "reads", "writes", "reasons"}."""
    with extra("server"):
        from skipass.access.sqlguard.lines import check_lines
    value = _object(scope)
    value |= {name: given for name, given in (("database", database), ("schema", schema)) if given is not None}
    for line in check_lines(sys.stdin, value):
        typer.echo(line)


def _object(path: Path) -> dict[str, object]:
    try:
        value = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SkipassError("invalid_scope", f"{path} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise SkipassError("invalid_scope", f"{path} is not a JSON object.", 'Example: {"schemas": ["DB.SCHEMA"]}')
    return value
