"""The signing keys of issuer connections: made, published, rotated with an overlap, revoked.

A new key is published before anything is signed with it, and the one before it stays published until what it signed has
run out. A private key is sealed where it is made and never comes out.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import RSAKey

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.issuer import LIFE, issuer_url
from skipass.gateway.moves import move
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.ids import new_id
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState, Switch
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason
from skipass.snowflake.auth.keys import generate_key_pair, load_private_key, public_der
from skipass.vault.seal import seal, unseal

OVERLAP = LIFE * 2
_PUBLISHED = (CredentialState.NONE, CredentialState.ACTIVE, CredentialState.EXPIRED)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half of a signing key, base 64 DER as `EXTERNAL_OAUTH_RSA_PUBLIC_KEY` takes it; where it stands."""

    credential: Credential
    public_key: str


async def signing_key(deps: Deps, connection: Connection, generation: int, state: CredentialState) -> Credential:
    """Return a new sealed signing key for a connection; `fingerprint` is its key id."""
    # Making an RSA key takes a good part of a second.
    pair = await asyncio.to_thread(generate_key_pair)
    now = deps.journal.now()
    unsealed = Credential(
        id=new_id("key", now),
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        generation=generation,
        state=state,
        sealed=b"",
        fingerprint=pair.fingerprint,
        created_at=now,
    )
    return replace(unsealed, sealed=seal(deps.kek, pair.private_pem.reveal(), credential_place(unsealed)))


class Issuing:
    """The use cases of signing keys."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def keys(self, principal: Principal, name: str) -> tuple[Connection, list[SigningKey]]:
        """Return an issuer connection and the public halves of its keys, the one that signs first."""
        require(principal, Role.ADMIN, Role.AUDITOR)
        connection = await self._named(principal, name)
        return connection, [self._public(one) for one in await self._published(connection)]

    async def prepare(self, principal: Principal, name: str) -> tuple[Connection, SigningKey]:
        """Publish a further key that signs nothing yet; raises `conflict` while there is such a one already."""
        by = require(principal, Role.ADMIN)
        connection = await self._named(principal, name)
        published = await self._published(connection)
        if any(one.state is CredentialState.NONE for one in published):
            hint = "Let it sign: skipass connection rotate-key NAME --activate"
            raise SkipassError("conflict", "A further key is published already.", hint)
        generation = max((one.generation for one in published), default=0) + 1
        key = await signing_key(self._deps, connection, generation, CredentialState.NONE)

        async def add(unit: UnitOfWork) -> tuple[Connection, SigningKey]:
            await unit.insert(key)
            facts = {"connection_id": connection.id, "fingerprint": key.fingerprint, "generation": generation, "by": by}
            unit.emit(Event(connection.tenant_id, "signing_key.prepared", key.id, facts))
            return connection, self._public(key)

        return await self._deps.journal.write(add)

    async def activate(self, principal: Principal, name: str) -> tuple[Connection, SigningKey]:
        """Sign with the prepared key from now on; the one before it stays published while its tokens may live."""
        by = require(principal, Role.ADMIN)
        connection = await self._named(principal, name)

        async def turn(unit: UnitOfWork) -> Credential:
            mine: dict[str, Any] = {"tenant_id": connection.tenant_id, "connection_id": connection.id}
            waiting = await unit.find(Credential, state=CredentialState.NONE, limit=1, **mine)
            if not waiting:
                raise SkipassError("conflict", "No key is prepared.", "Run: skipass connection rotate-key NAME")
            told = {"connection_id": connection.id, "by": by}
            for before in await unit.find(Credential, state=CredentialState.ACTIVE, **mine):
                ends = {"reason": "replaced", "deadline": unit.now + OVERLAP}
                await move(unit, before, CredentialState.EXPIRED, told | {"reason": "replaced"}, **ends)
            return await move(unit, waiting[0], CredentialState.ACTIVE, told)

        return connection, self._public(await self._deps.journal.write(turn))

    async def revoke(self, principal: Principal, name: str) -> Connection:
        """Destroy every key of a connection: nothing is signed any more, its sessions end, its documents are empty."""
        by = require(principal, Role.ADMIN)
        connection = await self._named(principal, name)

        async def revoke(unit: UnitOfWork) -> list[Credential]:
            await cut(unit, by, EndReason.ACCOUNT, connection_id=connection.id)
            keys = await unit.find(Credential, connection_id=connection.id, tenant_id=connection.tenant_id)
            told = {"connection_id": connection.id, "by": by, "reason": "admin_revoked"}
            for key in keys:
                signs = key.state is CredentialState.ACTIVE
                ended = await move(unit, key, CredentialState.REVOKED, told, reason="admin_revoked") if signs else key
                await unit.change(ended, sealed=b"", deadline=None)
            unit.emit(Event(connection.tenant_id, "signing_key.destroyed", connection.id, {"by": by}))
            return keys

        for key in await self._deps.journal.write(revoke):
            self._deps.upstream.forget(key.id)
        return connection

    async def documents(self, connection_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the discovery document and the key set of an issuer, for everybody; raises `not_found`."""

        async def load(reader: Reader) -> Connection | None:
            enabled: dict[str, Any] = {"state": Switch.ENABLED, "auth_method": AuthMethod.EXTERNAL_OAUTH_ISSUER}
            return await reader.get(Connection, connection_id, **enabled)

        connection = await self._deps.journal.read(load)
        if connection is None:
            raise SkipassError("not_found", "There is no such issuer.")
        issuer = issuer_url(self._deps.base_url, connection)
        found = {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks.json",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
        }
        return found, {"keys": [self._jwk(one) for one in await self._published(connection)]}

    async def _named(self, principal: Principal, name: str) -> Connection:
        async def load(reader: Reader) -> list[Connection]:
            return await reader.find(Connection, tenant_id=principal.tenant_id, name=name, limit=1)

        found = await self._deps.journal.read(load)
        if not found:
            hint = "See skipass connection list."
            raise SkipassError("unknown_connection", f"There is no connection {name[:80]!r}.", hint)
        if found[0].auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER:
            message = f"{name} signs nothing: its method is {found[0].auth_method.value}."
            raise SkipassError("invalid_request", message, "This is for connections of method external_oauth_issuer.")
        return found[0]

    async def _published(self, connection: Connection) -> list[Credential]:
        async def load(reader: Reader) -> list[Credential]:
            mine: dict[str, Any] = {"tenant_id": connection.tenant_id, "connection_id": connection.id, "user_id": None}
            keys = await reader.find(Credential, state=_PUBLISHED, order="generation", descending=True, **mine)
            return [key for key in keys if _current(key, reader)]

        found = await self._deps.journal.read(load)
        return sorted(found, key=lambda key: key.state is not CredentialState.ACTIVE)

    def _public(self, credential: Credential) -> SigningKey:
        return SigningKey(credential, base64.b64encode(public_der(self._private_key(credential))).decode())

    def _jwk(self, credential: Credential) -> dict[str, Any]:
        key = RSAKey.import_key(public_der(self._private_key(credential)))
        return {**key.as_dict(private=False), "kid": credential.fingerprint, "use": "sig", "alg": "RS256"}

    def _private_key(self, credential: Credential) -> RSAPrivateKey:
        return load_private_key(unseal(self._deps.kek, credential.sealed, credential_place(credential)))


def _current(key: Credential, reader: Reader) -> bool:
    ended = key.state is CredentialState.EXPIRED
    return bool(key.sealed) and (not ended or (key.deadline is not None and key.deadline > reader.now))
