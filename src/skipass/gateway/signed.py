"""The signed checkpoints that this process keeps outside the database, as the gateway reads them: newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from skipass.audit.checkpoint import Checkpoint, read
from skipass.errors import SkipassError


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file without its end, and where in the file it begins, in bytes."""

    begins: int
    text: bytes


class SignedHeads(Protocol):
    """A file of signed checkpoints, which only grows. Its methods read a disk: they belong into a thread."""

    @property
    def key(self) -> Ed25519PublicKey:
        """The key that checks the signatures."""
        ...

    def at(self, begins: int) -> Line | None:
        """Return the line that begins at this place, None where none does."""
        ...

    def newest(self, *, before: int | None, limit: int) -> Sequence[Line]:
        """Return up to `limit` lines that begin before a place, the last of them first."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of a tenant and its checkpoint, None where it carries no valid signature."""

    line: Line
    checkpoint: Checkpoint | None


def checkpoint_at(signed: SignedHeads | None, tenant_id: str, begins: int) -> Checkpoint:
    """Return a tenant's checkpoint that begins at this place in the file, or raise `not_found`; reads a disk."""
    line = signed.at(begins) if signed is not None else None
    found = _checkpoint(line, signed.key) if signed is not None and line is not None else None
    if found is None or found.tenant_id != tenant_id:
        raise SkipassError("not_found", "There is no such checkpoint.")
    return found


def kept(signed: SignedHeads, tenant_id: str, *, before: int | None, limit: int) -> tuple[list[Kept], int | None]:
    """Return what of up to `limit` lines is a tenant's own, newest first, and where to go on; reads a disk.

    A line that cannot be read is everybody's: it may have been theirs.
    """
    lines = signed.newest(before=before, limit=limit)
    found = [Kept(line, _checkpoint(line, signed.key)) for line in lines]
    own = [one for one in found if one.checkpoint is None or one.checkpoint.tenant_id == tenant_id]
    return own, lines[-1].begins if len(lines) == limit else None


def _checkpoint(line: Line, key: Ed25519PublicKey) -> Checkpoint | None:
    try:
        return read(line.text, key)
    except SkipassError:
        return None
