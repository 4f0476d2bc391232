"""Forgetting: codes, tokens and links that ran out long ago are deleted, a few at a time. The record of them stays.

Nothing goes that could still be presented, or whose second use would still end something. Whose a row was is in the
events of its life, which are never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.grants import AuthCode, DeviceGrant
from skipass.nouns.notice import Sighting
from skipass.nouns.oauth import OAuthClient, RefreshToken, TokenFamily
from skipass.nouns.people import ApiKey, KeyUse, SignInLink
from skipass.nouns.signin import SignIn

ROUND_S = 300.0
BATCH, BATCHES = 100, 20
"""At most so many rows in one transaction, and so many transactions for a kind in one round."""
CODES_KEPT, TOKENS_KEPT = timedelta(hours=24), timedelta(days=30)
_TOKENS = (KeyUse.AGENT_TOKEN, KeyUse.MCP_TOKEN, KeyUse.LOGIN)


@dataclass(frozen=True, slots=True)
class Passing:
    """Rows of one kind go once `column` is longer ago than `kept`; one whose `column` is empty stays."""

    kind: type[Any]
    kept: timedelta
    column: str = "expires_at"
    where: Mapping[str, Any] = field(default_factory=dict)


PASSING = (
    Passing(AuthCode, CODES_KEPT),
    Passing(DeviceGrant, CODES_KEPT),
    Passing(ApiKey, TOKENS_KEPT, where={"use": _TOKENS}),
    Passing(RefreshToken, TOKENS_KEPT),
    Passing(OAuthClient, CODES_KEPT),
    Passing(SignInLink, TOKENS_KEPT),
    Passing(SignIn, TOKENS_KEPT),
    Passing(Sighting, TOKENS_KEPT, "at"),
)


class Forgetting:
    """Deletes what ran out; safe to run in several processes."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def round(self) -> int:
        """Delete what is due, kind by kind, and return how many rows that were."""
        return sum([await self._all(passing) for passing in PASSING])

    async def _all(self, passing: Passing) -> int:
        gone = 0
        for _ in range(BATCHES):
            batch = await self._deps.journal.write(lambda unit: _batch(unit, passing))
            gone += batch
            if batch < BATCH:
                break
        return gone


async def _batch(unit: UnitOfWork, passing: Passing) -> int:
    due: dict[str, Any] = {f"{passing.column}__lt": unit.now - passing.kept, **passing.where}
    found = await unit.find(passing.kind, limit=BATCH, **due)
    for row in found:
        await unit.remove(row)
    for family_id in sorted({row.family_id for row in found if getattr(row, "family_id", None)}):
        await _family(unit, family_id)
    return len(found)


async def _family(unit: UnitOfWork, family_id: str) -> None:
    """Forget a family with the last of its tokens."""
    family = await unit.get(TokenFamily, family_id)
    left = [await unit.count(kind, family_id=family_id) for kind in (ApiKey, RefreshToken, AuthCode)]
    if family is not None and not any(left):
        await unit.remove(family)
