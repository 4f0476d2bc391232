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
from skipass.gateway.restoring import expire_single_use, has_single_use

NEWEST_BYTES = 1 << 20
LOOKS, LOOK_S = 20, 0.5
MISSING = "the checkpoints are missing"
_log = structlog.get_logger("skipass.restored")


async def check_restored(gateway: Gateway, journal: StoredJournal, checkpoints: Path, key: Ed25519PublicKey) -> None:
    """Expire every single-use credential if the rows are older than the checkpoints, before anything is served.

    Checkpoints that are missing say the same, except beside other processes: there a new home has none yet.
    """
    heads = {(tenant, writer): head.seq for tenant, writer, head in await journal.all_heads()}
    others = any(writer != journal.writer for _, writer in heads)
    why = await asyncio.to_thread(_older, heads, checkpoints, key)
    tells = why is not None and (why != MISSING or (others and await _alone(gateway, journal)))
    ended = await expire_single_use(gateway.deps) if tells else 0
    if ended:
        _log.warning("database.restored", why=why, credentials_expired=ended)


async def _alone(gateway: Gateway, journal: StoredJournal) -> bool:
    """Return whether nobody else lives with these rows; where nothing depends on it, without a look.

    Another process commits several times a second. The database may have been away from it for a moment.
    """
    for _ in range(0 if journal.exclusive or not await has_single_use(gateway.deps) else LOOKS):
        if await journal.accompanied():
            return False
        await asyncio.sleep(LOOK_S)
    return True


def _older(heads: Mapping[tuple[str, str], int], checkpoints: Path, key: Ed25519PublicKey) -> str | None:
    """Return why the rows may be older than what was exported of them, None where they are not."""
    if not checkpoints.exists():
        return MISSING
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
