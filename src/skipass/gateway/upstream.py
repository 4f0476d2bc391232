"""The way out: one SQL API client an account host, its managed MCP servers, the token source of a credential."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.egress import Egress
from skipass.gateway.way_out import Out
from skipass.nouns.connection import AuthMethod, Credential
from skipass.secret import Secret
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.auth.keys import load_private_key
from skipass.snowflake.auth.tokens import TokenSource, oauth_token, programmatic_access_token
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.mcp.client import ManagedMcpClient
from skipass.snowflake.mcp.messages import ServerName
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.vault.seal import Keys, Place, unseal

if TYPE_CHECKING:
    import aiohttp

MakeTokens = Callable[[Out], TokenSource]
MOST_MCP_BYTES = 4 * 1024 * 1024
"""Of one answer of an MCP server; Snowflake cuts what its tools return at 250 KB, an agent's may be somewhat longer."""


class Hears(Protocol):
    """Whoever keeps the credentials of connected accounts: it learns what Snowflake says about them."""

    async def refused(self, out: Out, error: SnowflakeError) -> None:
        """Take note of an error that came back on a way out."""
        ...

    async def accepted(self, out: Out) -> None:
        """Take note that a statement was accepted on a way out."""
        ...


def credential_place(credential: Credential) -> Place:
    """Return where a credential is sealed to: its tenant, connection, user, row, column and generation."""
    whose = (credential.connection_id, credential.user_id or "", credential.generation)
    return Place(credential.tenant_id, "credentials.sealed", credential.id, *whose)


@dataclass(slots=True)
class Upstream:
    """Clients and token sources of this process.

    A token source of a key or a fixed token lives as long as its credential's generation; what is unsealed for it never
    leaves this room. The methods whose tokens are refreshed or minted are told to `makes` when the gateway is built,
    what is to be dropped at a session's end to `at_end`, and who is to learn of refusals to `hears`.
    """

    egress: Egress
    kek: Keys
    clock: Clock
    makes: dict[AuthMethod, MakeTokens] = field(default_factory=dict)
    at_end: list[Callable[[str], None]] = field(default_factory=list)
    hears: Hears | None = None
    _apis: dict[str, SqlApi] = field(default_factory=dict)
    _http: dict[str, aiohttp.ClientSession] = field(default_factory=dict)
    _tokens: dict[tuple[str, int], TokenSource] = field(default_factory=dict)

    def api(self, out: Out) -> SqlApi:
        """Return the client of an account's host; raises `snowflake_misconfigured` where it may not be dialled."""
        api = self._apis.get(out.host)
        if api is None:
            target = target_of(None, out.host)
            self.egress.check_literal(target.host, target.port or 443)
            api = SqlApi(target, connector_factory=self.egress.connector, clock=self.clock)
            self._apis[out.host] = api
        return api

    def mcp(self, out: Out, server: ServerName, *, warehouse: str | None, timeout_s: float) -> ManagedMcpClient:
        """Return a client of a managed MCP server on the way out's own host: its token goes nowhere else."""
        target = target_of(None, out.host)
        self.egress.check_literal(target.host, target.port or 443)
        return ManagedMcpClient(
            target,
            server,
            self.tokens(out),
            role=out.role,
            warehouse=warehouse,
            session=self._session(out.host),
            timeout_s=timeout_s,
            max_body_bytes=MOST_MCP_BYTES,
        )

    def _session(self, host: str) -> aiohttp.ClientSession:
        """Return the one HTTP session of a host; it keeps no cookies, follows no proxy and dials what was checked."""
        import aiohttp

        if host not in self._http:
            self._http[host] = aiohttp.ClientSession(
                connector=self.egress.connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        return self._http[host]

    def tokens(self, out: Out) -> TokenSource:
        """Return the token source of a way out."""
        if out.fresh is not None:
            return oauth_token(out.fresh)
        make = self.makes.get(out.connection.auth_method)
        if make is not None:
            return make(out)
        key = (out.credential.id, out.credential.generation)
        if key not in self._tokens:
            self._tokens[key] = self._fixed(out)
        return self._tokens[key]

    def _fixed(self, out: Out) -> TokenSource:
        plain = unseal(self.kek, out.credential.sealed, credential_place(out.credential))
        if out.connection.auth_method is AuthMethod.PAT:
            return programmatic_access_token(Secret(plain.decode()))
        account = (out.account.account if out.account else None) or out.connection.account
        login = out.login or out.connection.login
        return KeyPairTokens(parse_account(account).claim_account, login, load_private_key(plain), clock=self.clock)

    def session_ended(self, session_id: str) -> None:
        """Drop what was made for one session alone."""
        for drop in self.at_end:
            drop(session_id)

    async def refused(self, out: Out, error: SnowflakeError) -> None:
        """Tell whoever keeps the credential what Snowflake said; what cannot be written now is said again next time."""
        if self.hears is not None and out.fresh is None:
            with contextlib.suppress(SkipassError):
                await self.hears.refused(out, error)

    async def accepted(self, out: Out) -> None:
        """Tell whoever keeps the credential that it was accepted; what cannot be written now is said again."""
        if self.hears is not None and out.fresh is None:
            with contextlib.suppress(SkipassError):
                await self.hears.accepted(out)

    def forget(self, credential_id: str) -> None:
        """Drop the tokens of a credential that ended."""
        for key in [k for k in self._tokens if k[0] == credential_id]:
            del self._tokens[key]

    async def aclose(self) -> None:
        """Close every connection."""
        for api in self._apis.values():
            await api.aclose()
        for session in self._http.values():
            await session.close()
