"""`skipass doctor`: what is wrong between here and Snowflake, step by step, and what fixes it."""

from __future__ import annotations

import asyncio
import csv
import io
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from skipass.cli import environment
from skipass.cli.client import gateway
from skipass.cli.failures import FAILED, Refusal
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, cell, json_line, say, show_rows
from skipass.secret import Secret

if TYPE_CHECKING:
    from skipass.gateway.doctor.findings import Finding
    from skipass.gateway.doctor.proof import Subject

_COLUMNS = ("connection", "step", "state", "seen", "cause", "fix", "symptom")
PROOF = {
    "SNOWFLAKE_CONNECTION_NAME": "default",
    "SNOWFLAKE_ACCOUNT_URL": "",
    "MCP_DATABASE": "MY_DB",
    "MCP_SCHEMA": "MY_SCHEMA",
    "MCP_SERVER_NAME": "MY_MCP_SERVER",
    "MCP_TOKEN_ROLE": "MY_ROLE",
    "MCP_TOKEN_UDF": "",
}
"""What `--external-oauth` reads, and what counts where it is not set."""


def doctor(
    *,
    connection: Annotated[
        str | None, typer.Option("--connection", metavar="NAME", help="Look at this one; else at every enabled one.")
    ] = None,
    mcp_server: Annotated[
        str | None, typer.Option("--mcp-server", metavar="SLUG", help="Look at the connection behind this slug.")
    ] = None,
    managed_server: Annotated[
        str | None,
        typer.Option("--managed-server", metavar="DB.SCHEMA.NAME", help="Look at this MCP server of the account too."),
    ] = None,
    external_oauth: Annotated[
        bool,
        typer.Option("--external-oauth", help="Prove it: list tools, run SQL, both denied without USAGE, re-grant."),
    ] = False,
    signing_key: Annotated[
        Path | None,
        typer.Option("--signing-key", metavar="FILE", help="With it: the trusted private key, to make bad tokens by."),
    ] = None,
    admin_connection: Annotated[
        str | None,
        typer.Option("--admin-connection", metavar="NAME", help="A connection that sees integrations and users."),
    ] = None,
    integration: Annotated[
        str | None, typer.Option("--integration", metavar="NAME", help="The security integration, where not ours.")
    ] = None,
    describe_integration: Annotated[
        Path | None,
        typer.Option("--describe-integration", metavar="FILE", help="Output of DESCRIBE INTEGRATION: CSV or JSON."),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="TEXT", help="Explain an error's text or code; asks nobody.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Look from the form of the host to a tool call; say what is seen, why it fails, what fixes it; exit 1 if it does.

    What cannot be seen is said to be unseen, never to be in order.
    """
    if message is not None:
        _explain(message, form)
        return
    if external_oauth:
        if not _proven(form, signing_key):
            raise typer.Exit(FAILED)
        return
    described = _described(describe_integration) if describe_integration else None
    body = {"connection": connection, "mcp_server": mcp_server, "managed_server": managed_server}
    body |= {"admin_connection": admin_connection, "integration": integration}
    answer = gateway().post("/doctor", {**body, "described": described})
    show_findings(answer["findings"], form)
    if not answer["ok"]:
        raise typer.Exit(FAILED)


def _explain(message: str, form: Format) -> None:
    from skipass.gateway.doctor import symptoms

    found = symptoms.refused("message", symptoms.words(), message)
    show_findings([{"step": found.step, "state": found.state.value, "seen": found.seen, **_reason(found)}], form)
    if found.symptom == symptoms.UNKNOWN:
        raise typer.Exit(FAILED)


def _reason(finding: Finding) -> dict[str, str]:
    return {"cause": finding.cause, "fix": finding.fix, "symptom": finding.symptom}


def show_findings(findings: list[dict[str, Any]], form: Format) -> None:
    """Print findings: for people with the cause and the fix of what is not ok."""
    if form is not Format.TABLE:
        show_rows(findings, _COLUMNS, form)
        return
    for one in findings:
        _say(one)


def _say(one: Mapping[str, Any]) -> None:
    where = f"{one['connection']}: " if one.get("connection") else ""
    say(f"{one['state']:<10}  {cell(where + one['step'])}: {cell(one['seen'])}")
    for word in ("cause", "fix"):
        if one[word] and one["state"] != "ok":
            say(f"{'':<10}  {word}: {cell(one[word])}")


def _described(path: Path) -> dict[str, str]:
    """Return the properties in a file: rows of property and property_value as CSV, or as JSON objects."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        raise Refusal("invalid_request", f"{path} cannot be read.") from None
    found = {str(row["property"]): str(row["property_value"]) for row in _rows(text) if row.get("property_value")}
    if not found:
        hint = "Run DESCRIBE INTEGRATION NAME in a worksheet and download its result as CSV."
        raise Refusal("invalid_request", f"{path} holds no output of DESCRIBE INTEGRATION.", hint)
    return found


def _rows(text: str) -> list[dict[str, Any]]:
    try:
        lines = [orjson.loads(text)] if text.lstrip().startswith("[") else [orjson.loads(x) for x in text.splitlines()]
        rows = lines[0] if lines and isinstance(lines[0], list) else lines
    except orjson.JSONDecodeError:
        rows = list(csv.DictReader(io.StringIO(text)))
    lower = [{str(key).lower(): value for key, value in row.items()} for row in rows if isinstance(row, dict)]
    return [row for row in lower if "property" in row and "property_value" in row]


def _proven(form: Format, signing_key: Path | None) -> bool:
    """Return whether the proof holds; each step is printed as soon as it is done."""
    from skipass.gateway.doctor.proof import prove

    told: list[dict[str, Any]] = []

    def tell(finding: Finding) -> None:
        row = {"step": finding.step, "state": finding.state.value, "seen": finding.seen, **_reason(finding)}
        told.append(row)
        if form is Format.JSON:
            say(json_line(row))
        elif form is Format.TABLE:
            _say(row)

    async def run() -> bool:
        subject = _subject(signing_key)
        async with subject.owner:
            return await prove(subject, tell)

    try:
        holds = asyncio.run(_until_cancelled(run()))
    except asyncio.CancelledError:
        raise Refusal("invalid_request", "Interrupted; what was taken away is given back.") from None
    finally:
        if form is Format.CSV:
            show_rows(told, _COLUMNS[1:], form)
    return holds


async def _until_cancelled(work: Any) -> bool:
    """Let every interruption cancel the work, the second one too, so that it can give back what it took."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for one in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(one, task.cancel)
    return bool(await task)


def _subject(signing_key: Path | None) -> Subject:
    from skipass.gateway.doctor.proof import Subject
    from skipass.snowflake.account import target_of
    from skipass.snowflake.client import AsyncSnowflakeClient
    from skipass.snowflake.connect import login, options_from_connection
    from skipass.snowflake.identifiers import body_field

    given = {name: environment.variable(name) or default for name, default in PROOF.items()}
    options = options_from_connection(given["SNOWFLAKE_CONNECTION_NAME"])
    database, schema = body_field(given["MCP_DATABASE"]), body_field(given["MCP_SCHEMA"])
    url = given["SNOWFLAKE_ACCOUNT_URL"]
    return Subject(
        owner=AsyncSnowflakeClient(**options),
        target=target_of(None, _with_hyphens(url)) if url else login(options).target,
        database=database,
        schema=schema,
        server=body_field(given["MCP_SERVER_NAME"]),
        role=body_field(given["MCP_TOKEN_ROLE"]),
        issue=_function(given["MCP_TOKEN_UDF"], database, schema),
        signing_key=_key(signing_key),
    )


def _with_hyphens(url: str) -> str:
    """Return the account's URL, or refuse one with underscores in its host: neither TLS nor MCP works with it."""
    from urllib.parse import urlsplit

    host = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    if "_" in host:
        hint = f"Write hyphens: {host.replace('_', '-')}"
        raise Refusal("invalid_request", f"SNOWFLAKE_ACCOUNT_URL has underscores in its host: {host}", hint)
    return url


def _function(text: str, database: str, schema: str) -> str:
    """Return the function's name as it is written, each part an identifier."""
    from skipass.snowflake.identifiers import body_field, quoted

    for part in text.split(".") if text else ():
        body_field(part)
    return text or f"{quoted(database)}.{quoted(schema)}.GENERATE_TOKEN_TEST"


def _key(path: Path | None) -> Secret[bytes] | None:
    if path is None:
        return None
    try:
        return Secret(path.read_bytes())
    except OSError as error:
        raise Refusal("invalid_request", f"{path} cannot be read: {error.strerror}.") from None
