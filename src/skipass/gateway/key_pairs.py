"""Agents that sign in with a key pair: their public keys, and the caller behind a token they signed.

A token is never stored and never forwarded. One that Snowflake itself could take for the sign-in of a user is refused:
a connection named like an account, and a key that a login of a connection uses.
"""

from __future__ import annotations

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.authenticate import Authenticator
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.key_pair import PublicKey, named, refused, verify
from skipass.ids import digest, new_id
from skipass.nouns.connection import Connection, Credential, Switch
from skipass.nouns.people import Agent, ApiKey, KeyUse, Life
from skipass.nouns.principal import Principal
from skipass.snowflake.account import parse_account
from skipass.snowflake.errors import SnowflakeConfigError


class KeyPairs:
    """Who is behind a token that an agent signed."""

    def __init__(self, deps: Deps, authenticator: Authenticator) -> None:
        self._deps, self._authenticator = deps, authenticator

    async def authenticate(self, token: str, *, identifier: str | None) -> tuple[Principal, str]:
        """Return the caller and the name of the connection that the token is for.

        Raises `unauthenticated`, and what the authenticator raises about the user acted for; it is on record by then.
        """
        found: list[ApiKey] = []

        async def load(reader: Reader) -> tuple[ApiKey, str]:
            found[:] = await _registered(reader, named(token).fingerprint)
            return await _known(reader, token, found)

        try:
            key, connection = await self._deps.journal.read(load)
        except SkipassError as error:
            self._authenticator.record_refusal(error.code, found[0] if found else None)
            raise
        return await self._authenticator.of_key(key, identifier), connection


async def register(unit: UnitOfWork, agent: Agent, key: PublicKey) -> ApiKey:
    """Let an agent sign in with a key pair of this public half; raises `conflict` where it is used already."""
    await _separate(unit, agent, key.fingerprint)
    if await unit.find(ApiKey, prefix=key.fingerprint, limit=1):
        raise SkipassError("conflict", "This public key was registered before.", "Make a new pair: skipass key new.")
    hashed = digest(b"public key/1", key.text.encode())
    row = ApiKey(
        new_id("key", unit.now),
        agent.tenant_id,
        KeyUse.PUBLIC_KEY,
        agent.id,
        key.fingerprint,
        hashed,
        unit.now,
        public_key=key.text,
    )
    await unit.insert(row)
    facts = {"owner": agent.id, "prefix": row.prefix, "use": row.use}
    unit.emit(Event(agent.tenant_id, "key.created", row.id, facts))
    return row


async def _registered(reader: Reader, fingerprint: str) -> list[ApiKey]:
    keys = await reader.find(ApiKey, prefix=fingerprint, use=KeyUse.PUBLIC_KEY, revoked_at=None, limit=1)
    return [key for key in keys if key.expires_at is None or key.expires_at > reader.now]


async def _known(reader: Reader, token: str, keys: list[ApiKey]) -> tuple[ApiKey, str]:
    """Return the key behind a token and the connection it is for, or raise `unauthenticated`."""
    who = named(token)
    if not keys or keys[0].public_key is None:
        raise refused("its key is not registered, or no longer")
    key = keys[0]
    verify(token, keys[0].public_key, reader.now.timestamp())
    agent = await reader.get(Agent, key.owner_id, tenant_id=key.tenant_id, state=Life.ACTIVE)
    if agent is None or agent.name.upper() != who.agent:
        raise refused("its key is of another agent")
    names = [one.name for one in await _connections(reader, agent) if one.name.upper() == who.connection]
    if len(names) != 1:
        raise refused("it names no connection of this agent")
    try:
        await _separate(reader, agent, key.prefix, who.connection)
    except SkipassError as error:
        raise SkipassError("unauthenticated", error.message, error.hint) from None
    return key, names[0]


async def _connections(reader: Reader, agent: Agent) -> list[Connection]:
    every = await reader.find(Connection, tenant_id=agent.tenant_id, state=Switch.ENABLED)
    return [one for one in every if one.id in agent.connections]


async def _separate(reader: Reader, agent: Agent, fingerprint: str, named_as: str | None = None) -> None:
    """Raise `conflict` where a token of this agent could also be one of a Snowflake user."""
    if await reader.find(Credential, fingerprint=fingerprint, limit=1):
        hint = "Give the agent a key pair of its own: skipass key new."
        raise SkipassError("conflict", "This key is one that a connection signs in to Snowflake with.", hint)
    every = await reader.find(Connection, tenant_id=agent.tenant_id)
    accounts = set().union(*(_identifiers(one.account) for one in every))
    mine = {one.name.upper() for one in every if one.id in agent.connections}
    alike = (mine if named_as is None else {named_as}) & accounts
    if alike:
        hint = "Use a connection with another name."
        raise SkipassError("conflict", f"The connection {min(alike)} is named like a Snowflake account.", hint)


def _identifiers(account: str) -> set[str]:
    """Return what a Snowflake user's token could name this account by."""
    try:
        known = parse_account(account)
    except SnowflakeConfigError:
        return {account.upper()}
    return {name.upper() for name in (known.claim_account, known.locator, known.name) if name}
