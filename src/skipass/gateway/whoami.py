"""Who a fresh credential is: asked of Snowflake itself, with that credential, before anything of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from skipass.errors import SkipassError
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.account import ConnectedAccount, Registration
from skipass.nouns.connection import Connection, Credential, CredentialState
from skipass.secret import Secret
from skipass.snowflake.account import parse_account


@dataclass(frozen=True, slots=True)
class Who:
    """A Snowflake user, and the account it is of as its organisation names it."""

    login: str
    account: str


class Whoami:
    """Asks the closed question of who one is, by a credential that no row holds yet."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def ask(
        self,
        connection: Connection,
        account: ConnectedAccount,
        registration: Registration,
        role: str,
        token: Secret[str],
    ) -> Who:
        """Return who an access token is for, once account and role are those that were asked for.

        Raises `sign_in_failed` where Snowflake takes the token for another account or role, or does not take it.
        """
        none = Credential(
            id="",
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            generation=0,
            state=CredentialState.NONE,
            sealed=b"",
            fingerprint="",
            created_at=account.created_at,
        )
        there = replace(account, host=registration.host)
        return await self.of(Out(connection, none, there, role=role, fresh=token), registration.account, role)

    async def of(self, out: Out, account: str, role: str) -> Who:
        """Return who a way out signs in as, held to an account identifier and a role."""
        try:
            row = (await self._system.ask("whoami", out, role=role)).rows[0]
        except SkipassError as error:
            hint = error.hint or "See SYSTEM$GET_LOGIN_FAILURE_DETAILS in the account for the id in the message."
            message = f"Snowflake did not take the new credential: {error.message}"
            raise SkipassError("sign_in_failed", message, hint, details=error.details) from None
        seen = {name: row.get(name) or "" for name in ("ACCOUNT", "ORGANIZATION", "NAME", "LOGIN", "ROLE")}
        full = f"{seen['ORGANIZATION']}-{seen['NAME']}"
        if not _agrees(account, seen["ACCOUNT"], full):
            hint = "Register the account by its own identifier."
            raise SkipassError("sign_in_failed", f"The sign-in is to {full}, not to {account}.", hint)
        if seen["ROLE"] != role:
            hint = f"GRANT ROLE {role} TO USER {seen['LOGIN']}; and let the integration allow it."
            raise SkipassError("sign_in_failed", f"The sign-in has the role {seen['ROLE']}, not {role}.", hint)
        return Who(seen["LOGIN"], full)


def _agrees(text: str, locator: str, full: str) -> bool:
    account = parse_account(text)
    return account.claim_account == full.upper() or account.locator == locator.upper()
