"""Checkpoints on their way out of the database: every five seconds at most, the signed heads of all chains."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from pathlib import Path
from typing import BinaryIO

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skipass.app.database import StoredJournal
from skipass.audit.chain import Head
from skipass.audit.checkpoint import sign
from skipass.errors import SkipassError
from skipass.gateway.metrics import CHECKPOINTS

EVERY_S = 5.0
EVERY_RECORDS = 1_000
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
