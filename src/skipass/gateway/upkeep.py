"""Upkeep of refresh tokens that nobody asks for: an answer that is missing, or an authorisation near its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.refresh import Refresher
from skipass.nouns.connection import Connection, Credential, CredentialState, Switch
from skipass.nouns.people import Life, User

ROUND_S = 5.0
NEAR_END, IDLE = timedelta(days=3), timedelta(hours=6)
"""An idle credential is refreshed in its last days, for that may begin a new life, and then not before six hours."""
AT_ONCE = 20
_log = structlog.get_logger("skipass.upkeep")


class Upkeep:
    """Refreshes in the background; safe to run in several processes, for the row is the lease."""

    def __init__(self, deps: Deps, refresher: Refresher) -> None:
        self._deps, self._refresher = deps, refresher

    async def round(self) -> int:
        """Refresh what is due, one after the other, and return how many credentials those were."""
        await self._refresher.prune()
        due = await self._deps.journal.read(_due)
        for credential_id in due:
            try:
                await self._refresher.turn(credential_id)
            except SkipassError as error:
                _log.info("upkeep.not_now", credential=credential_id, code=error.code)
        return len(due)


async def _due(reader: Reader) -> list[str]:
    silent: dict[str, Any] = {"state": CredentialState.REFRESHING, "deadline__le": reader.now}
    ending: dict[str, Any] = {
        "state": CredentialState.ACTIVE,
        "refresh_expires_at__le": reader.now + NEAR_END,
        "expires_at__le": reader.now - IDLE,
    }
    found = [*await reader.find(Credential, limit=AT_ONCE, **silent)]
    found += await reader.find(Credential, limit=AT_ONCE, order="refresh_expires_at", **ending)
    return [one.id for one in found if await _wanted(reader, one)]


async def _wanted(reader: Reader, credential: Credential) -> bool:
    """Return whether there is still somebody for whom a credential is kept alive."""
    connection = await reader.get(Connection, credential.connection_id, state=Switch.ENABLED)
    user = await reader.get(User, credential.user_id, state=Life.ACTIVE)
    return connection is not None and (credential.user_id is None or user is not None)
