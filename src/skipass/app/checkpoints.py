"""Checkpoints on their way out of the database: every five seconds at most, the signed heads of all chains."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from typing import BinaryIO

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from skipass.app.database import StoredJournal
from skipass.audit.chain import Head
from skipass.audit.checkpoint import sign
from skipass.errors import SkipassError
from skipass.gateway.metrics import CHECKPOINTS
from skipass.gateway.signed import Line

EVERY_S = 5.0
EVERY_RECORDS = 1_000
BLOCK = 1 << 16
_log = structlog.get_logger("skipass.checkpoints")


class Checkpoints:
    """Appends signed heads to a file, in the background."""

    def __init__(self, journal: StoredJournal, key: Ed25519PrivateKey, path: Path) -> None:
        self._journal, self._key, self._path = journal, key, path
        self._signed: dict[str, Head] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Sign what is left and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.sign_now()
        except (OSError, SkipassError) as error:
            _log.error("checkpoint.failed", reason=str(error))

    async def _run(self) -> None:
        waited = EVERY_S  # the first one is due as soon as there is something to sign
        while True:
            await asyncio.sleep(0.5)
            waited += 0.5
            if waited < EVERY_S and self._behind() < EVERY_RECORDS:
                continue
            waited = 0.0
            try:
                await self.sign_now()
            except (OSError, SkipassError) as error:
                _log.error("checkpoint.failed", reason=str(error))

    def _behind(self) -> int:
        return sum(h.seq - self._signed.get(t, Head()).seq for t, h in self._journal.heads().items())

    async def sign_now(self) -> None:
        """Append one line for every tenant whose own chain moved; the file is on disk when this returns."""
        mine = self._journal.heads()
        moved = [tenant for tenant, head in mine.items() if self._signed.get(tenant) != head]
        if not moved:
            return
        by_tenant: dict[str, dict[str, Head]] = defaultdict(dict)
        for tenant, writer, head in await self._journal.all_heads():
            by_tenant[tenant][writer] = head
        lines = b"".join(sign(t, self._journal.now(), by_tenant[t], self._key) for t in moved)
        await asyncio.to_thread(_append, self._path, lines)
        self._signed |= {tenant: by_tenant[tenant].get(self._journal.writer, Head()) for tenant in moved}
        CHECKPOINTS.inc(len(moved))


class KeptCheckpoints:
    """Satisfies `skipass.gateway.signed.SignedHeads` over the file; reads it from its end, a block at a time."""

    def __init__(self, path: Path, key: Ed25519PublicKey) -> None:
        self._path, self.key = path, key

    def at(self, begins: int) -> Line | None:
        """Return the line that begins at this place, None where none does."""
        try:
            with self._path.open("rb") as file:
                if begins < 0 or (begins and (file.seek(begins - 1) < 0 or file.read(1) != b"\n")):
                    return None
                text = file.readline()
        except FileNotFoundError:
            return None
        return Line(begins, text[:-1]) if text.endswith(b"\n") else None

    def newest(self, *, before: int | None, limit: int) -> list[Line]:
        """Return up to `limit` lines that begin before a place, the last of them first; none where there is no file."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                return _backward(file, size if before is None else min(before, size), limit)
        except FileNotFoundError:
            return []


def _backward(file: BinaryIO, end: int, limit: int) -> list[Line]:
    """Return whole lines that begin before `end`, the last first; one without its end is still being written."""
    begins, rest, found = end, b"", list[Line]()
    while len(found) <= limit and begins > 0:
        size = min(BLOCK, begins)
        begins = file.seek(begins - size)
        rest = file.read(size) + rest
        first = 0 if begins == 0 else rest.find(b"\n") + 1
        whole = rest[first:] if first or begins == 0 else b""
        found += _lines(whole, begins + first)
        rest = rest[: len(rest) - len(whole)]
    return found[:limit]


def _lines(whole: bytes, begins: int) -> list[Line]:
    lines: list[Line] = []
    for text in whole.split(b"\n")[:-1]:
        lines.append(Line(begins, text))
        begins += len(text) + 1
    return lines[::-1]


def _ends_whole(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _append(path: Path, lines: bytes) -> None:
    with path.open("a+b") as file:
        if not _ends_whole(file):
            file.write(b"\n")  # a line that a crash cut short stays a bad line of its own
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
