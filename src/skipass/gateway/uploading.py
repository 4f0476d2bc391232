"""Handing in: a person's own key or programmatic access token becomes their account's credential, once it works."""

from __future__ import annotations

from dataclasses import dataclass, replace

from skipass.errors import SkipassError
from skipass.gateway import attempts
from skipass.gateway.account_access import FullAccount, account_for, agents_for, connection_for
from skipass.gateway.accounts import account_on
from skipass.gateway.attempts import Landed
from skipass.gateway.client_drafting import pat, private, sealed_credential
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import takes_own
from skipass.gateway.installing import put_in_force
from skipass.gateway.landing import Arrival
from skipass.gateway.linking import attempted
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.way_out import Out
from skipass.gateway.whoami import Whoami
from skipass.nouns.account import AccountState, LinkState
from skipass.nouns.connection import AuthMethod, Connection, Switch
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError


@dataclass(frozen=True, slots=True)
class Brought:
    """What a person brings along: a private key (PEM) with its LOGIN_NAME, or an access token; none of it prints."""

    login: str = ""
    private_key: Secret[str] | None = None
    passphrase: Secret[str] | None = None
    token: Secret[str] | None = None

    @property
    def named(self) -> str | None:
        """The LOGIN_NAME as it was typed, None where none was."""
        return self.login.strip() or None


class Uploading:
    """The use case of a credential that a person brings along."""

    def __init__(self, deps: Deps, whoami: Whoami) -> None:
        self._deps, self._whoami = deps, whoami

    async def hand_in(self, principal: Principal, brought: Brought, *, connection: str = "", link: str = "") -> Arrival:
        """Put what a person brings in force for their own account on a connection, or on that of their one-time link.

        The link is used up by success alone. Raises as `upload` and `skipass.gateway.linking.Linking.opened` do.
        """
        account_id = await (self._of_link(principal, link) if link else self._own(principal, connection))
        full = await self.upload(principal, account_id, brought, link=link)

        async def seen(reader: Reader) -> Arrival:
            agents = await agents_for(reader, full.connection, full.user)
            mine = full.account
            return Arrival(full, full.connection.role, mine.login or "", mine.account or "", agents)

        return await self._deps.journal.read(seen)

    async def _of_link(self, principal: Principal, link: str) -> str:
        _, full = await self._deps.journal.read(lambda reader: attempted(reader, link, principal))
        return full.account.id

    async def _own(self, principal: Principal, name: str) -> str:
        async def made(unit: UnitOfWork) -> str:
            connection = await connection_for(unit, principal, name)
            user = await unit.get(User, principal.user_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
            if user is None or not principal.is_person:
                raise SkipassError("forbidden", "People open this page.")
            _check_takes(connection)
            return (await account_on(unit, connection, user, user.id)).id

        return await self._deps.journal.write(made)

    async def upload(self, principal: Principal, account_id: str, brought: Brought, *, link: str = "") -> FullAccount:
        """Put a key (with its LOGIN_NAME) or a token in force for the caller's own account, after signing in with it.

        Raises `forbidden` for an agent and for anybody else's account, `sign_in_failed` with what Snowflake said,
        `login_changed` for another login than before; then nothing is kept, and a `link` stays good.
        """
        full = await self._deps.journal.read(lambda reader: account_for(reader, principal, account_id))
        if not principal.is_person or full.user.id != principal.user_id:
            raise SkipassError("forbidden", "A key or a token is handed in by the person it belongs to.")
        plain, print_ = self._read(full, brought)
        connection, role = full.connection, full.connection.role
        probe = sealed_credential(self._deps, connection, plain, print_, 0)
        out = Out(
            connection, probe, replace(full.account, account=None, host=None), brought.login.strip() or None, role
        )
        try:
            who = await self._whoami.of(out, connection.account, role)
        finally:
            self._deps.upstream.forget(probe.id)
        if full.account.login not in (
            None,
            named := (brought.named or who.login).upper() if brought.private_key else who.login,
        ):
            hint = "An admin forgets the earlier login by deleting the account: skipass account delete ACCOUNT."
            raise SkipassError("login_changed", hint=hint)
        landed = Landed(plain.decode(), print_, named, who.account, connection.host, None)

        async def keep(unit: UnitOfWork) -> FullAccount:
            current = await account_for(unit, principal, account_id)
            if current.connection.state is not Switch.ENABLED or current.user.state is not Life.ACTIVE:
                raise SkipassError("conflict", "The connection or the user was disabled meanwhile.")
            if link:
                await _use_up(unit, link, account_id)
            account = await put_in_force(self._deps, unit, current, landed)
            return replace(current, account=account)

        return await self._deps.journal.write(keep)

    def _read(self, full: FullAccount, brought: Brought) -> tuple[bytes, str]:
        _check_takes(full.connection)
        if full.account.state is AccountState.PENDING_VERIFICATION or full.user.end_user_of is not None:
            raise SkipassError("forbidden", "An application's end users link by signing in.")
        by_key, key, token = full.connection.auth_method is AuthMethod.KEY_PAIR, brought.private_key, brought.token
        if (
            by_key is not (key is not None)
            or by_key is (token is not None)
            or by_key is not bool(brought.login.strip())
        ):
            needed = "private_key and login" if by_key else "token"
            raise SkipassError("missing_field", f"{full.connection.name} takes {needed}, and nothing else.")
        try:
            return private(key, brought.passphrase) if key is not None else pat(token or Secret(""))
        except SnowflakeConfigError as error:
            raise SkipassError("invalid_request", error.message, error.hint) from None


def _check_takes(connection: Connection) -> None:
    if not takes_own(connection):
        raise SkipassError("invalid_request", f"{connection.name} takes no key or token of its users.")


async def _use_up(unit: UnitOfWork, link: str, account_id: str) -> None:
    attempt = await attempts.by_token(unit, link)
    if attempt.account_id != account_id:
        raise attempts.gone()
    started = await move(unit, attempt, LinkState.STARTED, {"account_id": account_id})
    await move(unit, started, LinkState.FINISHED, {"account_id": account_id})
