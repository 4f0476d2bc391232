"""Handing in: a person's own key or programmatic access token becomes their account's credential, once it works."""

from __future__ import annotations

from dataclasses import replace

from skipass.errors import SkipassError
from skipass.gateway.account_access import FullAccount, account_for
from skipass.gateway.attempts import Landed
from skipass.gateway.client_drafting import pat, private, sealed_credential
from skipass.gateway.deps import Deps
from skipass.gateway.installing import put_in_force
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.way_out import Out
from skipass.gateway.whoami import Whoami
from skipass.nouns.account import AccountState
from skipass.nouns.connection import AuthMethod, Switch
from skipass.nouns.people import Life
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError


class Uploading:
    """The use case of a credential that a person brings along."""

    def __init__(self, deps: Deps, whoami: Whoami) -> None:
        self._deps, self._whoami = deps, whoami

    async def upload(
        self,
        principal: Principal,
        account_id: str,
        *,
        login: str = "",
        private_key: Secret[str] | None = None,
        passphrase: Secret[str] | None = None,
        token: Secret[str] | None = None,
    ) -> FullAccount:
        """Put a key (with its LOGIN_NAME) or a token in force for the caller's own account, after signing in with it.

        Raises `forbidden` for an agent and for anybody else's account, `sign_in_failed` with what Snowflake said,
        `login_changed` for another login than before; then nothing is kept.
        """
        full = await self._deps.journal.read(lambda reader: account_for(reader, principal, account_id))
        if not principal.is_person or full.user.id != principal.user_id:
            raise SkipassError("forbidden", "A key or a token is handed in by the person it belongs to.")
        plain, print_ = self._read(full, login, private_key, passphrase, token)
        connection, role = full.connection, full.connection.role
        probe = sealed_credential(self._deps, connection, plain, print_, 0)
        out = Out(connection, probe, replace(full.account, account=None, host=None), login or None, role)
        try:
            who = await self._whoami.of(out, connection.account, role)
        finally:
            self._deps.upstream.forget(probe.id)
        if full.account.login not in (None, named := login.upper() if private_key else who.login):
            hint = "An admin forgets the earlier login by deleting the account: skipass account delete ACCOUNT."
            raise SkipassError("login_changed", hint=hint)
        landed = Landed(plain.decode(), print_, named, who.account, connection.host, None)

        async def keep(unit: UnitOfWork) -> FullAccount:
            current = await account_for(unit, principal, account_id)
            if current.connection.state is not Switch.ENABLED or current.user.state is not Life.ACTIVE:
                raise SkipassError("conflict", "The connection or the user was disabled meanwhile.")
            account = await put_in_force(self._deps, unit, current, landed)
            return replace(current, account=account)

        return await self._deps.journal.write(keep)

    def _read(
        self,
        full: FullAccount,
        login: str,
        key: Secret[str] | None,
        passphrase: Secret[str] | None,
        token: Secret[str] | None,
    ) -> tuple[bytes, str]:
        method = full.connection.auth_method
        by_key = method is AuthMethod.KEY_PAIR
        if not full.connection.per_user or method not in (AuthMethod.KEY_PAIR, AuthMethod.PAT):
            raise SkipassError("invalid_request", f"{full.connection.name} takes no key or token of its users.")
        if full.account.state is AccountState.PENDING_VERIFICATION or full.user.end_user_of is not None:
            raise SkipassError("forbidden", "An application's end users link by signing in.")
        if by_key is not (key is not None) or by_key is (token is not None) or by_key is not bool(login.strip()):
            needed = "private_key and login" if by_key else "token"
            raise SkipassError("missing_field", f"{full.connection.name} takes {needed}, and nothing else.")
        try:
            return private(key, passphrase) if key is not None else pat(token or Secret(""))
        except SnowflakeConfigError as error:
            raise SkipassError("invalid_request", error.message, error.hint) from None
