"""Landing: what a browser brings back from a sign-in is checked, exchanged, looked at in Snowflake itself, and sealed.

State, registration and path must agree; Snowflake names itself in no answer, so this is what tells one authorization
server's answer from another's. Nothing is stored before everything fits. Knows no page and no cookie's name.
Source: RFC 6749 §4.1.2, RFC 9207 §2.4, RFC 9700 §4.4
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway import attempts
from skipass.gateway.account_access import FullAccount, account_for, agents_for, full_account
from skipass.gateway.account_status import move_account
from skipass.gateway.arrivals import AGAIN, denied, exchange_failed, failed, held_to
from skipass.gateway.attempts import OTHER_LOGIN, Landed
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.clients import Clients
from skipass.gateway.deps import Deps
from skipass.gateway.installing import install
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.whoami import Whoami
from skipass.identity.keys import hashed
from skipass.nouns.account import AccountState, ConnectedAccount, LinkAttempt, LinkState, Registration
from skipass.nouns.connection import Switch
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal, Role
from skipass.nouns.signin import SignIn
from skipass.secret import Secret
from skipass.snowflake.auth.grants import Grant
from skipass.snowflake.errors import SnowflakeError
from skipass.vault.tokens import TokenSet, fingerprint, pack

ACCEPTED = "login_accepted"
SWEEP_S = 5.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a sign-in ended: as whom, in which account, and what is still to happen.

    `return_to` carries the one-time code that an application verifies; the browser that finished takes it there.
    `waits_for_admin` says that the login is another one than before. `remarks` are for people.
    """

    full: FullAccount
    role: str
    login: str
    account: str
    agents: Sequence[tuple[Agent, str]]
    return_to: str | None = None
    waits_for_admin: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Taken:
    attempt: LinkAttempt
    full: FullAccount
    registration: Registration

    @property
    def role(self) -> str:
        return self.attempt.role or self.full.connection.role


class Landing:
    """The use cases of a link from the sign-in's answer on."""

    def __init__(self, deps: Deps, clients: Clients, whoami: Whoami) -> None:
        self._deps, self._clients, self._whoami = deps, clients, whoami

    async def arrive(self, registration_id: str, query: Mapping[str, str], cookie: Secret[str] | None) -> Arrival:
        """Return how the sign-in ended that a browser comes back from.

        Raises `link_used` for an answer that belongs to no sign-in of this browser, `sign_in_failed` with what to do
        for one that brought nothing usable; then nothing is kept.
        """
        taken = await self._take(registration_id, query, cookie)
        try:
            grant = await self._granted(taken, query)
            landed, remarks = await self._landed(taken, grant)
            return replace(await self._settle(taken, landed), remarks=remarks)
        except SkipassError as refused:
            why = f"{refused.code}: {refused.message}"
            await self._deps.journal.write(lambda unit: attempts.fail(unit, taken.attempt, why))
            raise

    async def _take(self, registration_id: str, query: Mapping[str, str], cookie: Secret[str] | None) -> _Taken:
        """Take the attempt that a state belongs to; from here on nobody else comes back with it."""
        state = query.get("state", "")
        if not state or not attempts.same_browser(state, cookie):
            raise SkipassError("link_used", "This answer belongs to no sign-in that this browser began.", AGAIN)

        async def take(unit: UnitOfWork) -> _Taken | SkipassError:
            found = await unit.find(LinkAttempt, state_hash=hashed(state), state=LinkState.STARTED, limit=1)
            if not found:
                return SkipassError("link_used", "This sign-in is over: its answer was used before.", AGAIN)
            why = await _unfit(unit, found[0], registration_id)
            if why is not None:
                await attempts.fail(unit, found[0], why)
                return SkipassError("sign_in_failed", why, AGAIN)
            taken = await unit.change(found[0], state_hash=None)
            account = await unit.get(ConnectedAccount, taken.account_id, tenant_id=taken.tenant_id)
            registration = await unit.get(Registration, registration_id, tenant_id=taken.tenant_id)
            if account is None or registration is None:
                return SkipassError("link_used", "The account is gone.", AGAIN)
            return _Taken(taken, await full_account(unit, account), registration)

        taken = await self._deps.journal.write(take)
        if isinstance(taken, SkipassError):
            raise taken
        return taken

    async def _granted(self, taken: _Taken, query: Mapping[str, str]) -> Grant:
        if query.get("error"):
            raise denied(query)
        issuer = taken.registration.metadata.get("issuer")
        if "iss" in query and issuer and query["iss"] != issuer:
            raise failed("The answer names another issuer than the one that was asked.", AGAIN)
        if not query.get("code"):
            raise failed("The answer brings no code.", AGAIN)
        verifier = attempts.unseal_verifier(self._deps.kek, taken.attempt)
        back = redirect_uri(self._deps.base_url, taken.registration)
        try:
            code = Secret(query["code"])
            return await self._clients.exchange(taken.registration, code, verifier=verifier, redirect_uri=back)
        except SnowflakeError as error:
            raise exchange_failed(error) from None

    async def _landed(self, taken: _Taken, grant: Grant) -> tuple[Landed, tuple[str, ...]]:
        connection, now = taken.full.connection, self._deps.journal.now()
        remarks, bound = held_to(connection, taken.registration, taken.role, grant)
        who = await self._whoami.ask(connection, taken.full.account, taken.registration, taken.role, grant.access_token)
        tokens = TokenSet(grant.access_token, grant.refresh_token, grant.scope)
        life = grant.refresh_token_expires_in
        return Landed(
            packed=pack(tokens).decode(),
            fingerprint=fingerprint(tokens),
            login=who.login,
            account=who.account,
            host=taken.registration.host,
            role=bound,
            expires_at=(now + grant.expires_in).isoformat(),
            refresh_expires_at=(now + life).isoformat() if life else None,
        ), remarks

    async def _settle(self, taken: _Taken, landed: Landed) -> Arrival:
        async def settle(unit: UnitOfWork) -> Arrival:
            attempt, full = await _still(unit, taken)
            other = full.account.login is not None and full.account.login != landed.login
            back, code = _with_code(attempt, full)
            if not other and back is None:
                account = await install(self._deps, unit, attempt, full, landed)
                return await _arrival(unit, replace(full, account=account), taken.role, landed)
            await unit.change(
                attempt,
                sealed=attempts.seal_landed(self._deps.kek, attempt, landed),
                code_hash=hashed(code) if code else None,
                reason=OTHER_LOGIN if other else None,
                expires_at=unit.now + attempts.LIFE,
            )
            if back is not None and full.account.state is not AccountState.ACTIVE:
                account = await move_account(unit, full.account, AccountState.PENDING_VERIFICATION)
                full = replace(full, account=account)
            arrival = await _arrival(unit, full, taken.role, landed)
            return replace(arrival, return_to=back, waits_for_admin=other)

        return await self._deps.journal.write(settle)

    async def sweep(self) -> None:
        """End what nobody came back to in time; safe to run in several processes."""
        await self._deps.journal.write(attempts.sweep)

    async def verify(self, principal: Principal, account_id: str, code: str) -> FullAccount:
        """Put a sign-in in force for an application's end user, on the word of the application's agent.

        `code` is what the finishing browser carried to the agent's `return_url`. Raises `not_found`, `forbidden` for a
        wrong code, `login_changed` while an admin has to accept another Snowflake login.
        """

        async def verify(unit: UnitOfWork) -> FullAccount:
            full = await account_for(unit, principal, account_id)
            if principal.agent_id is None or full.user.end_user_of != principal.agent_id:
                raise SkipassError("forbidden", "The application's own agent verifies.")
            attempt = await attempts.waiting(unit, full.account)
            if not hmac.compare_digest(attempt.code_hash or "", hashed(code)):
                raise SkipassError("forbidden", "That is not the code of the last sign-in.", "Link the account again.")
            if attempt.reason == OTHER_LOGIN:
                raise _changed()
            landed = attempts.unseal_landed(self._deps.kek, attempt)
            return replace(full, account=await install(self._deps, unit, attempt, full, landed))

        return await self._deps.journal.write(verify)

    async def accept_login(self, principal: Principal, account_id: str) -> FullAccount:
        """Accept, as an admin, that a sign-in was of another Snowflake login than before.

        What was sealed for the other login is destroyed. An end user's sign-in then still waits for its application.
        """
        by = require(principal, Role.ADMIN)

        async def accept(unit: UnitOfWork) -> FullAccount:
            full = await account_for(unit, principal, account_id)
            attempt = await attempts.waiting(unit, full.account)
            if attempt.reason != OTHER_LOGIN:
                raise SkipassError("conflict", "It waits for its application, not for an admin.")
            if full.user.id == by:
                raise SkipassError("not_eligible", "Another admin accepts it: this is your own account.")
            unit.emit(_accepted(full.account, attempt, by))
            if attempt.code_hash:
                await unit.change(attempt, reason=ACCEPTED)
                return full
            landed = attempts.unseal_landed(self._deps.kek, attempt)
            return replace(full, account=await install(self._deps, unit, attempt, full, landed))

        return await self._deps.journal.write(accept)


def _accepted(account: ConnectedAccount, attempt: LinkAttempt, by: str) -> Event:
    facts = {"by": by, "what": "login accepted", "attempt": attempt.id}
    return Event(account.tenant_id, "account.changed", account.id, facts)


async def _unfit(reader: Reader, attempt: LinkAttempt, registration_id: str) -> str | None:
    """Return why an answer may not go on with the attempt that its state names, or None."""
    if attempt.registration_id != registration_id:
        return "The answer came back by another authorization server's address than the one that was asked."
    if attempt.expires_at <= reader.now:
        return "The sign-in took longer than ten minutes."
    if attempt.sign_in_id is not None:
        ours = await reader.get(SignIn, attempt.sign_in_id, user_id=attempt.user_id)
        if ours is None or ours.ended_at is not None or ours.expires_at <= reader.now:
            return "The sign-in with us that began this has ended."
    return None


async def _still(unit: UnitOfWork, taken: _Taken) -> tuple[LinkAttempt, FullAccount]:
    """Return attempt and account as they are now, or raise `sign_in_failed` if the ground has gone meanwhile."""
    attempt = await unit.get(LinkAttempt, taken.attempt.id, state=LinkState.STARTED, version=taken.attempt.version)
    account = await unit.get(ConnectedAccount, taken.full.account.id)
    if attempt is None or account is None or attempt.expires_at <= unit.now:
        raise failed("A newer link took this one's place, or its time is over.", AGAIN)
    full = await full_account(unit, account)
    if full.connection.state is not Switch.ENABLED or full.user.state is not Life.ACTIVE:
        raise failed("The connection or the user was disabled meanwhile.", "Ask an admin.")
    return attempt, full


def _with_code(attempt: LinkAttempt, full: FullAccount) -> tuple[str | None, str | None]:
    """Return where the finishing browser carries a fresh one-time code, and the code; nothing where none is needed."""
    verified = full.connection.settings.get("verify_end_users") is not False
    if full.user.end_user_of is None or not verified or attempt.return_url is None:
        return None, None
    code = secrets.token_urlsafe(32)
    joint = "&" if urlsplit(attempt.return_url).query else "?"
    return f"{attempt.return_url}{joint}{urlencode({'account': full.account.id, 'code': code})}", code


async def _arrival(reader: Reader, full: FullAccount, role: str, landed: Landed) -> Arrival:
    return Arrival(full, role, landed.login, landed.account, await agents_for(reader, full.connection, full.user))


def _changed() -> SkipassError:
    hint = "An admin accepts it within ten minutes: skipass account accept-login ACCOUNT."
    return SkipassError("login_changed", hint=hint)
