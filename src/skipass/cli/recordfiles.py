"""The files a verifier is given: a database or an export, checkpoints, and the key that checks their signatures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from skipass.audit.chain import Fault, Record
from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.storage.export import record_from, records

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from skipass.audit.checkpoint import Checkpoint

_SQLITE = b"SQLite format 3\0"


def stored(where: Path | Secret[str]) -> Iterator[Record]:
    """Yield the records of a gateway's database: a SQLite file, or the one at a `postgresql://` address."""
    if isinstance(where, Path):
        return records(where)
    from skipass.app.database import server_at

    server = server_at(where)
    from skipass.storage.pgexport import records_on

    return records_on(server)


def records_in(path: Path | Secret[str]) -> Iterator[Record]:
    """Yield the records of a database or of an export, whichever it is; raises `chain_broken` for neither.

    Source: https://www.sqlite.org/fileformat.html (the header string).
    """
    if not isinstance(path, Path):
        return stored(path)
    try:
        with path.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise SkipassError(
            "not_initialised",
            f"{path} cannot be read: {error.strerror}.",
            "Name a database or an export, or a gateway's --home.",
        ) from None
    return records(path) if is_database else _of_lines(path)


def _of_lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                shape = orjson.loads(line)
            except orjson.JSONDecodeError:
                shape = None
            if not isinstance(shape, dict):
                raise SkipassError("chain_broken", f"Line {number} of {path} is not a JSON object.")
            yield record_from(shape)


def checkpoints_in(path: Path, key: Ed25519PublicKey) -> tuple[list[Checkpoint], list[Fault]]:
    """Return the signed checkpoints of a file, and a fault for each line that is not one.

    A last line without its end is what a crash in the middle of a write leaves: it is neither.
    """
    signed: list[Checkpoint] = []
    faults: list[Fault] = []
    for number, line in enumerate(_lines(path), 1):
        try:
            signed.append(_checkpoint(line, key))
        except SkipassError:
            faults.append(Fault("", path.name, number, "this checkpoint does not carry a valid signature"))
    return signed, faults


def _checkpoint(line: bytes, key: Ed25519PublicKey) -> Checkpoint:
    from skipass.audit.checkpoint import read

    return read(line, key)


def _lines(path: Path) -> Iterable[bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SkipassError("chain_broken", f"The checkpoints {path} cannot be read: {error.strerror}.") from None
    return content.split(b"\n")[:-1]


def public_key_in(path: Path) -> Ed25519PublicKey:
    """Return the Ed25519 public key of a PEM file, or raise `chain_broken`: without it no signature holds."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        hint = "It is audit.pub in the gateway's home; keep a copy elsewhere."
        raise SkipassError("chain_broken", f"{path} holds no Ed25519 public key.", hint)
    return key
