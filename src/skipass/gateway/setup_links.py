"""What a customer's admin does by a one-time set-up link: register an account, get its script, hand in the client.

An integration needs our redirect address before it has a client id, so this takes two links: the first registers the
account and is used up by that, the second, shown with the script, takes the client and nothing else.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.deps import Deps
from skipass.gateway.moves import begin, move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.registrations import SETUP, SETUP_LIFE, Registrations
from skipass.gateway.setup_scripts import Trusted, script_for
from skipass.identity.keys import hashed
from skipass.ids import new_id
from skipass.nouns.account import LinkAttempt, LinkState, Registration
from skipass.nouns.connection import Connection, Switch
from skipass.secret import Secret


@dataclass(frozen=True, slots=True)
class Invited:
    """What a set-up link is for: a template, and the account that was registered by the link before it, if any."""

    connection: Connection
    registration: Registration | None = None


class SetupLinks:
    """The use cases of set-up links, for whoever has one."""

    def __init__(self, deps: Deps, registrations: Registrations) -> None:
        self._deps, self._registrations = deps, registrations

    async def invited(self, token: str) -> Invited:
        """Return what a set-up link is for; raises `link_used` for any other token."""

        async def load(reader: Reader) -> Invited:
            return (await _setup(reader, token))[1]

        return await self._deps.journal.read(load)

    async def register(
        self, token: str, request: ClientRequest
    ) -> tuple[Registration, tuple[str, ...], Secret[str] | None]:
        """Return the registered account, remarks, and the token of the link that takes its client where it has none.

        The link is used up by that; it takes one account.
        """
        invited = await self.invited(token)
        if invited.registration is not None:
            raise SkipassError("invalid_request", "This link takes the client of an account that is registered.")
        following = Secret(secrets.token_urlsafe(32))

        async def use(unit: UnitOfWork, made: Registration) -> None:
            link, _ = await _setup(unit, token)
            await _use_up(unit, link)
            if not made.client_id:
                await begin(unit, _following(link, made, following, unit), {"registration_id": made.id, "what": SETUP})

        made, remarks = await self._registrations.add_by(invited.connection, request, SETUP, use)
        return made, remarks, None if made.client_id else following

    async def hand_in(self, token: str, request: ClientRequest) -> Registration:
        """Return the account with its client; the link is used up by that."""
        invited = await self.invited(token)
        if invited.registration is None:
            raise SkipassError("invalid_request", "This link registers an account first.")

        async def use(unit: UnitOfWork) -> None:
            await _use_up(unit, (await _setup(unit, token))[0])

        return await self._registrations.put_client(invited.connection, invited.registration, request, SETUP, use)

    def script(self, invited: Invited, schema: str, trusted: Trusted) -> str | None:
        """Return what the account's admin pastes, with their own values; None where something of it is not known yet.

        Raises `invalid_request` for what is no schema, and for an issuer that does not say where its keys are.
        """
        if invited.registration is None:
            return None
        return script_for(self._deps.base_url, invited.connection, invited.registration, schema, trusted)


def _following(link: LinkAttempt, made: Registration, token: Secret[str], reader: Reader) -> LinkAttempt:
    return LinkAttempt(
        id=new_id("link", reader.now),
        tenant_id=link.tenant_id,
        account_id=SETUP,
        connection_id=link.connection_id,
        user_id=link.user_id,
        hash=hashed(token.reveal()),
        state=LinkState.MADE,
        created_at=reader.now,
        expires_at=reader.now + SETUP_LIFE,
        registration_id=made.id,
    )


async def _setup(reader: Reader, token: str) -> tuple[LinkAttempt, Invited]:
    links = await reader.find(LinkAttempt, hash=hashed(token), account_id=SETUP, state=LinkState.MADE, limit=1)
    link = links[0] if links and links[0].expires_at > reader.now else None
    connection = await reader.get(Connection, link.connection_id, state=Switch.ENABLED) if link else None
    if link is None or connection is None:
        raise SkipassError("link_used", hint="Ask for a new set-up link.")
    if link.registration_id is None:
        return link, Invited(connection)
    found = await reader.get(Registration, link.registration_id, tenant_id=link.tenant_id, state=Switch.ENABLED)
    if found is None or found.client_id:
        raise SkipassError("link_used", "The account has its client already, or is gone.", "Ask for a new set-up link.")
    return link, Invited(connection, found)


async def _use_up(unit: UnitOfWork, link: LinkAttempt) -> None:
    await move(unit, await move(unit, link, LinkState.STARTED), LinkState.FINISHED)
