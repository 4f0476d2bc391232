"""Linking, the way out: a one-time link is made, its page is opened by the right person, and the browser is sent off.

What comes back is the business of `skipass.gateway.landing`. Knows no cookie's name and no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway import attempts
from skipass.gateway.account_access import (
    FullAccount,
    account_for,
    agents_for,
    checked_role,
    connection_for,
    full_account,
)
from skipass.gateway.account_status import move_account
from skipass.gateway.accounts import account_on
from skipass.gateway.departing import departure_url
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import OAUTH, takes_own
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.registrations import registration_for
from skipass.identity.keys import hashed
from skipass.nouns.account import AccountState, ConnectedAccount, LinkAttempt, LinkState, Registration
from skipass.nouns.connection import AuthMethod, Connection, Switch
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Principal, Role
from skipass.secret import Secret
from skipass.snowflake.account import parse_account
from skipass.snowflake.auth.oauth import Proof
from skipass.snowflake.errors import SnowflakeConfigError


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link to connect an account; the token is in the answer that makes it and nowhere else."""

    attempt: LinkAttempt
    token: Secret[str]


@dataclass(frozen=True, slots=True)
class Leg:
    """What a person sees before they are sent to sign in: for whom, on what, as which role, through which client.

    `registration` is None while the account of a template is not named, and where a key or token is brought along.
    `login` is that of an earlier sign-in.
    """

    connection: Connection
    user: User
    role: str
    agents: Sequence[tuple[Agent, str]]
    registration: Registration | None = None
    login: str | None = None
    expires_in_s: int = 600


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the text it keeps meanwhile."""

    url: str
    cookie: Secret[str]


class Linking:
    """The use cases of a link up to the sign-in at Snowflake or the identity provider."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def invite(
        self, principal: Principal, account_id: str, *, role: str | None = None, return_url: str | None = None
    ) -> Invitation:
        """Return a one-time link for a role of an account, good for ten minutes; it voids the account's earlier ones.

        It is opened by the account's own user, signed in with us, or for an application's end user by whoever has it;
        those end at one of the agent's `return_urls`. Where a key or token is brought along, its page takes that.
        Raises `not_found`, `not_allowed`, `invalid_request`, and `registration_required` while the connection waits
        for its client.
        """

        async def make(unit: UnitOfWork) -> Invitation:
            full = await account_for(unit, principal, account_id)
            _linkable(full.connection)
            if takes_own(full.connection) and full.user.end_user_of is not None:
                raise _no_sign_in(full.connection, "An application's end users link by signing in.")
            _has_client(full.connection, await registration_for(unit, full.connection))
            where = await _return_url(unit, full, return_url)
            account = await _waits_again(unit, full.account)
            by = principal.agent_id or principal.user_id or ""
            return Invitation(*await attempts.make(unit, account, checked_role(full.connection, role), by, where))

        return await self._deps.journal.write(make)

    async def opened(self, token: str, principal: Principal | None) -> Leg:
        """Return what the page of a link shows; `principal` is who is signed in with this browser.

        Raises `link_used`, `sign_in_required`, and `forbidden` for anybody but the user the link is for.
        """

        async def load(reader: Reader) -> Leg:
            attempt, full = await attempted(reader, token, principal)
            registration = await registration_for(reader, full.connection)
            if full.connection.template:
                registration = await _earlier(reader, full.account)
            left = int((attempt.expires_at - reader.now).total_seconds())
            leg = await _leg(reader, full.connection, full.user, attempt.role or "", registration)
            return replace(leg, expires_in_s=left, login=full.account.login)

        return await self._deps.journal.read(load)

    async def plain(self, principal: Principal, connection_name: str, role: str | None) -> Leg:
        """Return what the page shows a signed-in person who came without a link, for their own account."""

        async def load(reader: Reader) -> Leg:
            connection = await connection_for(reader, principal, connection_name)
            _linkable(connection)
            user = await reader.get(User, principal.user_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
            if user is None or not principal.is_person:
                raise SkipassError("forbidden", "People open this page.")
            whose: dict[str, Any] = {"connection_id": connection.id, "user_id": user.id}
            found = await reader.find(ConnectedAccount, tenant_id=principal.tenant_id, limit=1, **whose)
            registration = await registration_for(reader, connection)
            if connection.template and found:
                registration = await _earlier(reader, found[0])
            leg = await _leg(reader, connection, user, checked_role(connection, role), registration)
            return replace(leg, login=found[0].login if found else None)

        return await self._deps.journal.read(load)

    async def named_account(self, leg: Leg, typed: str) -> Leg:
        """Return the leg with the client of the account that a person typed, or raise `registration_required`."""

        async def load(reader: Reader) -> Registration:
            return await _registered(reader, leg.connection, typed)

        return replace(leg, registration=await self._deps.journal.read(load))

    async def depart(self, token: str, principal: Principal | None, account: str | None = None) -> Departure:
        """Begin the sign-in of a link; it is used up by that. `account` is what a person typed, for a template."""

        async def start(unit: UnitOfWork) -> Departure:
            attempt, full = await attempted(unit, token, principal)
            return await self._start(unit, attempt, full, principal, account)

        return await self._deps.journal.write(start)

    async def depart_plainly(
        self, principal: Principal, connection_name: str, role: str | None, account: str | None = None
    ) -> Departure:
        """Begin the sign-in of a signed-in person for their own account, without a link."""

        async def start(unit: UnitOfWork) -> Departure:
            connection = await connection_for(unit, principal, connection_name)
            _linkable(connection)
            user = await unit.get(User, principal.user_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
            if user is None or not principal.is_person:
                raise SkipassError("forbidden", "People open this page.")
            mine = await _waits_again(unit, await account_on(unit, connection, user, user.id))
            attempt, _ = await attempts.make(unit, mine, checked_role(connection, role), user.id)
            return await self._start(unit, attempt, await full_account(unit, mine), principal, account)

        return await self._deps.journal.write(start)

    async def _start(
        self, unit: UnitOfWork, attempt: LinkAttempt, full: FullAccount, principal: Principal | None, typed: str | None
    ) -> Departure:
        if takes_own(full.connection):
            hint = "Hand in your key or token on its page: /connect, or by skipass account link."
            raise _no_sign_in(full.connection, hint)
        registration = await _chosen(unit, full, typed)
        role = attempt.role or full.connection.role
        if registration.allowed_roles and role not in registration.allowed_roles:
            hint = f"Its integration allows: {', '.join(registration.allowed_roles)}."
            raise SkipassError("not_allowed", f"{registration.account} does not allow {role}.", hint)
        cookie, proof = attempts.new_cookie(), Proof()
        state = attempts.state_of(cookie)
        await move(
            unit,
            attempt,
            LinkState.STARTED,
            {"registration_id": registration.id, "role": role},
            registration_id=registration.id,
            state_hash=hashed(state),
            sealed=attempts.seal_verifier(self._deps.kek, attempt, proof.verifier),
            sign_in_id=principal.sign_in_id if principal and full.user.end_user_of is None else None,
        )
        url = departure_url(self._deps.base_url, full.connection, registration, role, state, proof.challenge)
        return Departure(url, cookie)


def _linkable(connection: Connection) -> None:
    if connection.state is not Switch.ENABLED:
        raise SkipassError("unknown_connection", f"{connection.name} is disabled.", "Ask an admin.")
    if connection.auth_method in OAUTH or takes_own(connection):
        return
    hint = "It has one credential for everybody, and an admin keeps that."
    if connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        hint = "Nothing is linked here: an admin maps your login, and your sign-in with us counts for twelve hours."
    raise _no_sign_in(connection, hint)


def _no_sign_in(connection: Connection, hint: str) -> SkipassError:
    return SkipassError("invalid_request", f"{connection.name} has no sign-in of its own.", hint)


def _has_client(connection: Connection, registration: Registration | None) -> None:
    if registration is None and not connection.template and not takes_own(connection):
        raise _unregistered(connection, None)


async def _return_url(reader: Reader, full: FullAccount, given: str | None) -> str | None:
    if full.user.end_user_of is None:
        if given is not None:
            raise SkipassError("invalid_request", "return_url is for an application's end users.")
        return None
    agent = await reader.get(Agent, full.user.end_user_of, tenant_id=full.user.tenant_id, state=Life.ACTIVE)
    allowed = agent.return_urls if agent else ()
    wanted = given or (allowed[0] if allowed else None)
    if wanted is None and full.connection.settings.get("verify_end_users") is False:
        return None
    if wanted not in allowed:
        hint = "Register it with the agent: skipass agent create --end-users --return-url URL."
        raise SkipassError("invalid_request", "return_url is none of the agent's.", hint)
    return wanted


async def _waits_again(unit: UnitOfWork, account: ConnectedAccount) -> ConnectedAccount:
    """A new attempt voids the one that an application has not agreed to yet."""
    if account.state is not AccountState.PENDING_VERIFICATION:
        return account
    return await move_account(unit, account, AccountState.PENDING_AUTH)


async def attempted(reader: Reader, token: str, principal: Principal | None) -> tuple[LinkAttempt, FullAccount]:
    """Return the attempt of a link that can still begin, with its account, as `opened` gives it."""
    attempt = await attempts.by_token(reader, token)
    account = await reader.get(ConnectedAccount, attempt.account_id, tenant_id=attempt.tenant_id)
    if account is None:
        raise SkipassError("link_used", hint="Ask for a new link.")
    full = await full_account(reader, account)
    _linkable(full.connection)
    if full.user.state is not Life.ACTIVE:
        raise SkipassError("link_used", "The user of this link is disabled.")
    if full.user.end_user_of is None:
        _own(principal, full.user)
    return attempt, full


def _own(principal: Principal | None, user: User) -> None:
    if principal is None:
        raise SkipassError("sign_in_required", hint="Sign in, then open the link again; it is not used up.")
    if principal.tenant_id != user.tenant_id:
        raise attempts.gone()
    if not principal.is_person or principal.user_id != user.id:
        hint = f"Only {user.name} can use it, in their own browser." if Role.ADMIN in principal.roles else ""
        raise SkipassError("forbidden", "This link is for somebody else.", hint)


async def _leg(reader: Reader, connection: Connection, user: User, role: str, registration: Registration | None) -> Leg:
    _has_client(connection, registration)
    return Leg(connection, user, role, await agents_for(reader, connection, user), registration)


async def _earlier(reader: Reader, account: ConnectedAccount) -> Registration | None:
    """Return the client by which a template's account was linked before: its host is fixed."""
    if account.host is None:
        return None
    return await reader.get(Registration, account.registration_id, state=Switch.ENABLED)


async def _chosen(reader: Reader, full: FullAccount, typed: str | None) -> Registration:
    connection = full.connection
    found = await _earlier(reader, full.account) if connection.template else await registration_for(reader, connection)
    return found or await _registered(reader, connection, typed)


async def _registered(reader: Reader, connection: Connection, typed: str | None) -> Registration:
    """Return a template's client for what a person typed as their account."""
    found = None
    if connection.template and typed:
        try:
            found = await registration_for(reader, connection, parse_account(typed))
        except SnowflakeConfigError as error:
            raise SkipassError("invalid_request", error.message, error.hint) from None
    if found is None:
        raise _unregistered(connection, typed)
    return found


def _unregistered(connection: Connection, typed: str | None) -> SkipassError:
    if not connection.template:
        hint = f"An admin sets it: skipass connection client {connection.name}"
        return SkipassError("registration_required", f"{connection.name} has no client yet.", hint)
    which = f"{typed[:80]} is not registered" if typed else "No account is registered"
    hint = f"An admin of that account registers it; ours makes the link: skipass connection invite {connection.name}"
    return SkipassError("registration_required", f"{which} on {connection.name}.", hint)
