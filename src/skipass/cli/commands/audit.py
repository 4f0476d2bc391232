"""The record, offline: verified against its chains and checkpoints, or exported for whoever verifies elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skipass.cli import environment
from skipass.cli.credentials import write_owner_only
from skipass.cli.failures import FAILED, Refusal
from skipass.cli.options import DatabaseUrlOption, FormatOption, HomeOption, database_url
from skipass.cli.output import Format, note, say, show_object, show_rows
from skipass.cli.visible import visible
from skipass.secret import Secret

if TYPE_CHECKING:
    from skipass.audit.chain import Fault
    from skipass.audit.checkpoint import Checkpoint
    from skipass.audit.part import PartReport
    from skipass.audit.verify import Report

app = typer.Typer(help="The record.", no_args_is_help=True)
_FAULTS = ("tenant_id", "writer", "seq", "what")

DatabaseOption = Annotated[Path | None, typer.Option("--database", help="A gateway's SQLite database.")]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What to verify: the records, and the signed checkpoints with the key that checks them, if there are any.

    Records are in a file, or in the database at an address.
    """

    records: Path | Secret[str]
    checkpoints: Path | None
    public_key: Path | None


@app.callback()
def audit() -> None:
    """The record."""


@app.command()
def verify(
    *,
    file: Annotated[Path | None, typer.Argument(help="A database, or the JSON lines of an export.")] = None,
    database: DatabaseOption = None,
    address: DatabaseUrlOption = None,
    checkpoints: Annotated[Path | None, typer.Option("--checkpoints", help="File of signed checkpoints.")] = None,
    public_key: Annotated[Path | None, typer.Option("--public-key", help="Key that checks their signatures.")] = None,
    part: Annotated[
        bool, typer.Option("--part", help="The file is a part of the record: a span of time, or one session.")
    ] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Recompute every chain and compare it with the checkpoints; exit 1 and name the first fault of each chain."""
    if part and file is None:
        raise typer.BadParameter("is for a file of an export", param_hint="--part")
    url = None if file or database else database_url(address)
    evidence = _evidence(file or database, url, checkpoints, public_key, home)
    report = _part_report(evidence) if part else _report(evidence)
    _show(report, form)
    if part:
        note("Of a part only what a signed checkpoint vouches for is proven to stand in the record.")
    elif evidence.checkpoints is None:
        note("Without checkpoints a chain whose end was cut off would not show.")
    for fault in report.faults:
        note(visible(f"chain_broken: record {fault.seq} of {fault.writer}: {fault.what}"))
    if not report.ok:
        raise typer.Exit(FAILED)


def _evidence(
    records: Path | None, url: Secret[str] | None, checkpoints: Path | None, key: Path | None, home: Path | None
) -> Evidence:
    from skipass.app.home import Home

    own = Home((home or environment.home()).expanduser())
    if records is None:
        # A gateway signs its heads from the first seconds on: no file at all is what a fresh one or a thief leaves.
        kept = own.checkpoints if own.checkpoints.exists() else None
        return Evidence(url or own.database, checkpoints or kept, key or own.audit_public_key)
    if checkpoints is not None and key is None:
        raise typer.BadParameter("checkpoints need the key that checks them", param_hint="--public-key")
    return Evidence(records, checkpoints, key)


def _report(evidence: Evidence) -> Report:
    from skipass.audit.verify import check
    from skipass.cli.recordfiles import records_in

    # Before the records: a running gateway adds records meanwhile, never a checkpoint of a record it does not hold.
    signed, unsigned = _signed(evidence)
    report = check(records_in(evidence.records), signed)
    return replace(report, faults=(*unsigned, *report.faults))


def _part_report(evidence: Evidence) -> PartReport:
    from skipass.audit.part import check_part
    from skipass.cli.recordfiles import records_in

    signed, unsigned = _signed(evidence)
    report = check_part(records_in(evidence.records), signed)
    return replace(report, faults=(*unsigned, *report.faults))


def _signed(evidence: Evidence) -> tuple[list[Checkpoint], Sequence[Fault]]:
    from skipass.cli.recordfiles import checkpoints_in, public_key_in

    if evidence.checkpoints is None or evidence.public_key is None:
        return [], ()
    return checkpoints_in(evidence.checkpoints, public_key_in(evidence.public_key))


def _counts(report: Report | PartReport) -> dict[str, int]:
    names = ("records", "chains", "runs", "proven", "checkpoints")
    return {name: getattr(report, name) for name in names if hasattr(report, name)}


def _show(report: Report | PartReport, form: Format) -> None:
    faults, counts = [asdict(fault) for fault in report.faults], _counts(report)
    if form is Format.JSON:
        show_object({"ok": report.ok, **counts, "faults": faults}, form)
    elif form is Format.CSV:
        show_rows(faults, _FAULTS, form)
    elif report.ok:
        say(_sentence(counts))


def _sentence(counts: Mapping[str, int]) -> str:
    records, signed = counts["records"], f"{counts['checkpoints']} checkpoints"
    if "chains" in counts:
        return f"{records} records in {counts['chains']} chains verify against {signed}."
    return f"{records} records in {counts['runs']} runs hold; {counts['proven']} of them are proven by {signed}."


@app.command()
def export(
    out: Annotated[Path | None, typer.Option("--out", help="File to make; without it, standard output.")] = None,
    database: DatabaseOption = None,
    address: DatabaseUrlOption = None,
    home: HomeOption = None,
) -> None:
    """Write every record as a JSON line, in an order that audit verify reads."""
    from skipass.app.home import Home
    from skipass.audit.chain import line_of
    from skipass.cli.recordfiles import stored

    url = None if database else database_url(address)
    path = database or Home((home or environment.home()).expanduser()).database
    lines = (line_of(record) for record in stored(url or path))
    if out is None:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return
    _write(out, lines)
    note(f"The record is in {out}. skipass audit verify {out} verifies it anywhere.")


def _write(path: Path, lines: Iterable[bytes]) -> None:
    try:
        write_owner_only(path, lines)
    except FileExistsError:
        raise Refusal("conflict", f"{path} exists already.", "Name another file with --out.") from None
    except OSError as error:
        raise Refusal("invalid_request", f"{path} cannot be written: {error.strerror}.") from None
