"""Replacing the credential with which a connection serves everybody: the next one in, the one before destroyed.

Sessions go on: a statement that was judged under the one before is judged again. Connections on which each user has an
account of their own have nothing here to replace.
"""

from __future__ import annotations

from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_status import end_credential
from skipass.gateway.client_drafting import pat, private, sealed_credential
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.registrations import add_credential, named
from skipass.gateway.way_out import USABLE
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.nouns.principal import Principal, Role
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError

REPLACED = "replaced"


class Replacing:
    """The use case of a service's new key or token."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def replace(
        self,
        principal: Principal,
        name: str,
        *,
        private_key: Secret[str] | None = None,
        passphrase: Secret[str] | None = None,
        token: Secret[str] | None = None,
    ) -> tuple[Connection, Credential]:
        """Return the connection and its new credential (sealed); the same key or token again changes nothing."""
        require(principal, Role.ADMIN)
        tenant_id = principal.tenant_id
        connection = await self._deps.journal.read(lambda reader: named(reader, tenant_id, name))
        plain, print_ = _plain(connection, private_key, passphrase, token)
        earlier = await self._deps.journal.read(lambda reader: _every(reader, connection))
        generation = max((one.generation for one in earlier), default=0) + 1
        made = sealed_credential(self._deps, connection, plain, print_, generation)

        async def put(unit: UnitOfWork) -> tuple[Connection, Credential]:
            now = await _every(unit, connection)
            usable = [one for one in now if one.state in USABLE]
            for one in usable:
                if one.fingerprint == print_:
                    return connection, one
            if max((one.generation for one in now), default=0) >= generation:
                raise SkipassError("conflict", "It was replaced meanwhile.", "Look at it again.", retryable=True)
            for one in usable:
                await end_credential(unit, one, CredentialState.EXPIRED, REPLACED)
            await add_credential(unit, made)
            return connection, made

        return await self._deps.journal.write(put)


def _plain(
    connection: Connection, key: Secret[str] | None, passphrase: Secret[str] | None, token: Secret[str] | None
) -> tuple[bytes, str]:
    """Return what is sealed and its fingerprint; raises for anything but the one thing the connection takes."""
    by_key, by_token = connection.auth_method is AuthMethod.KEY_PAIR, connection.auth_method is AuthMethod.PAT
    if connection.per_user or not (by_key or by_token):
        hint = "Each user has an own account on it, or it has a client: skipass connection client."
        raise SkipassError("invalid_request", f"{connection.name} has no credential that serves everybody.", hint)
    if by_key is not (key is not None) or by_token is not (token is not None):
        needed = "private_key" if by_key else "token"
        details = {"fields": [needed]}
        raise SkipassError("missing_field", f"{connection.name} takes {needed} and nothing else.", details=details)
    try:
        return pat(token) if token is not None else private(key, passphrase)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


async def _every(reader: Reader, connection: Connection) -> list[Credential]:
    whose: dict[str, Any] = {"connection_id": connection.id, "user_id": None, "account_id": None}
    return await reader.find(Credential, **whose)
