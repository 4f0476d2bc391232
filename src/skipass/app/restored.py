"""A database that is older than what was exported of it: refresh tokens in it may have been used up since.

The checkpoints outside the database know how far every chain had come. Where the database is behind them, or they are
gone, it was restored or copied, and a single-use refresh token from it could end an authorisation that lives elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from skipass.app.database import StoredJournal
from skipass.audit.checkpoint import read
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.restoring import expire_single_use

NEWEST_BYTES = 1 << 20
_log = structlog.get_logger("skipass.restored")


async def check_restored(gateway: Gateway, journal: StoredJournal, checkpoints: Path, key: Ed25519PublicKey) -> None:
    """Expire every single-use credential if the rows are older than the checkpoints, before anything is served.

    Checkpoints that are missing say the same, except beside other processes: there a new home has none yet.
    """
    heads = {(tenant, writer): head.seq for tenant, writer, head in await journal.all_heads()}
    others = any(writer != journal.writer for _, writer in heads)
    why = await asyncio.to_thread(_older, heads, checkpoints, key, missing_tells=others and journal.exclusive)
    ended = await expire_single_use(gateway.deps) if why else 0
    if ended:
        _log.warning("database.restored", why=why, credentials_expired=ended)


def _older(
    heads: Mapping[tuple[str, str], int], checkpoints: Path, key: Ed25519PublicKey, *, missing_tells: bool
) -> str | None:
    """Return why the rows count as older than what was exported of them, None where they do not."""
    if not checkpoints.exists():
        return "the checkpoints are missing" if missing_tells else None
    for line in _last_lines(checkpoints):
        try:
            found = read(line, key)
        except SkipassError:
            continue  # a line that a crash cut short; verifying the record tells of it
        if any(head.seq > heads.get((found.tenant_id, writer), 0) for writer, head in found.heads.items()):
            return "the chains are behind the checkpoints"
    return None


def _last_lines(checkpoints: Path) -> list[bytes]:
    """Return the newest lines; each tells of every chain of its tenant, so that older ones add nothing."""
    with checkpoints.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - NEWEST_BYTES))
        lines = file.read().splitlines()
    return lines if size <= NEWEST_BYTES else lines[1:]
