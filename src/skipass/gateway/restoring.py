"""After a restore: refresh tokens that may have been used up since the copy was made are never sent."""

from __future__ import annotations

from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.renewal import end_with_account
from skipass.gateway.way_out import USABLE
from skipass.nouns.account import AccountReason
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState

BATCH = 100
_METHODS = (AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH)


async def has_single_use(deps: Deps) -> bool:
    """Return whether there is a credential whose refresh token may be single-use."""

    async def load(reader: Reader) -> bool:
        for connection_id in await _connections(reader):
            if await _single_use(reader, connection_id):
                return True
        return False

    return await deps.journal.read(load)


async def expire_single_use(deps: Deps) -> int:
    """Expire every credential whose refresh token may be single-use, and return how many those were."""
    return sum([await _expire(deps, connection_id) for connection_id in await deps.journal.read(_connections)])


async def _connections(reader: Reader) -> list[str]:
    return [one.id for one in await reader.find(Connection, auth_method=_METHODS, limit=100_000)]


async def _single_use(reader: Reader, connection_id: str) -> list[Credential]:
    usable = await reader.find(Credential, connection_id=connection_id, state=USABLE, limit=100_000)
    return [one for one in usable if one.rotates is not False]


async def _expire(deps: Deps, connection_id: str) -> int:
    async def batch(unit: UnitOfWork) -> int:
        single = (await _single_use(unit, connection_id))[:BATCH]
        for one in single:
            await end_with_account(unit, one, CredentialState.EXPIRED, AccountReason.REFRESH_AMBIGUOUS)
        return len(single)

    ended = 0
    while count := await deps.journal.write(batch):
        ended += count
    return ended
