"""The way out: one SQL API client an account host, and the token source of a connection's sealed credential."""

from __future__ import annotations

from dataclasses import dataclass, field

from skipass.clock import Clock
from skipass.gateway.egress import Egress
from skipass.nouns.connection import Connection, Credential
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.auth.keys import load_private_key
from skipass.snowflake.auth.tokens import TokenSource
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.vault.keys import KeyEncryptionKey
from skipass.vault.seal import Place, unseal


def credential_place(connection_id: str, tenant_id: str, credential_id: str, generation: int) -> Place:
    """Return where a connection's broker credential is sealed to."""
    return Place(tenant_id, "credentials.sealed", credential_id, connection_id, "", generation)


@dataclass(slots=True)
class Upstream:
    """Clients and token sources of this process; a token source lives as long as its credential's generation."""

    egress: Egress
    kek: KeyEncryptionKey
    clock: Clock
    _apis: dict[str, SqlApi] = field(default_factory=dict)
    _tokens: dict[tuple[str, int], TokenSource] = field(default_factory=dict)

    def api(self, connection: Connection) -> SqlApi:
        """Return the client of a connection's host; raises `snowflake_misconfigured` where it may not be dialled."""
        api = self._apis.get(connection.host)
        if api is None:
            target = target_of(None, connection.host)
            self.egress.check_literal(target.host, target.port or 443)
            api = SqlApi(target, connector_factory=self.egress.connector, clock=self.clock)
            self._apis[connection.host] = api
        return api

    def tokens(self, connection: Connection, credential: Credential) -> TokenSource:
        """Return the token source of a credential; the key is unsealed once a generation and never leaves this room."""
        key = (credential.id, credential.generation)
        if key not in self._tokens:
            place = credential_place(connection.id, connection.tenant_id, credential.id, credential.generation)
            private = load_private_key(unseal(self.kek, credential.sealed, place))
            claim = parse_account(connection.account).claim_account
            self._tokens[key] = KeyPairTokens(claim, connection.login, private, clock=self.clock)
        return self._tokens[key]

    def forget(self, credential_id: str) -> None:
        """Drop the tokens of a credential that ended."""
        for key in [k for k in self._tokens if k[0] == credential_id]:
            del self._tokens[key]

    async def aclose(self) -> None:
        """Close every connection."""
        for api in self._apis.values():
            await api.aclose()
