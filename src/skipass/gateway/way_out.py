"""The way out: which sealed credential, login and host a statement of one user leaves by.

The one place where a credential is chosen for a user. It cannot be asked without tenant, connection and user, and what
it answers belongs to all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from skipass.errors import SkipassError
from skipass.gateway.ports import Reader
from skipass.nouns.account import AccountState, ConnectedAccount, LoginMapping
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.nouns.people import Life, User
from skipass.nouns.statement import Statement
from skipass.secret import Secret

USABLE = (CredentialState.ACTIVE, CredentialState.REFRESHING)
SIGN_IN_LIFE = timedelta(hours=12)
"""How old a person's own sign-in may be for the gateway to vouch for them."""


@dataclass(frozen=True, slots=True)
class Out:
    """The way to Snowflake for one statement.

    `login` is the Snowflake user it runs as, where the connection and not the credential says so. A token made for it
    is for `role` and ends at `until` (UTC) at the latest, and with the session where there is one. `fresh` is an access
    token that no row holds yet.
    """

    connection: Connection
    credential: Credential
    account: ConnectedAccount | None = None
    login: str | None = None
    role: str | None = None
    until: datetime | None = None
    session_id: str | None = None
    fresh: Secret[str] | None = None

    @property
    def host(self) -> str:
        """The base URL of the Snowflake account."""
        return (self.account.host if self.account else None) or self.connection.host


@dataclass(frozen=True, slots=True)
class Ways:
    """Everything a user could leave by on one connection: a credential for each role, or one for all."""

    connection: Connection
    credentials: tuple[Credential, ...]
    account: ConnectedAccount | None = None
    login: str | None = None
    base_url: str = ""

    def by(self, role: str, until: datetime | None = None, session_id: str | None = None) -> Out:
        """Return the way for a role, or raise `consent_required` with where the user agrees to that very role."""
        for credential in self.credentials:
            if credential.role in (None, role):
                return Out(self.connection, credential, self.account, self.login, role, until, session_id)
        raise consent_required(self.connection, role, self.base_url)

    def any(self, role: str | None = None) -> Out:
        """Return the way for a role, else any: enough to look at, or cancel, what the same login has started."""
        mine = sorted(self.credentials, key=lambda one: one.role not in (None, role))
        if not mine:
            raise consent_required(self.connection, role, self.base_url)
        return Out(self.connection, mine[0], self.account, self.login, mine[0].role or role or self.connection.role)


async def ways_out(reader: Reader, *, tenant_id: str, connection: Connection, user_id: str, base_url: str = "") -> Ways:
    """Return what this user could leave by; `consent_required` is raised only when a role is asked for.

    Of a connection whose credential serves everybody it is that one; else only the user's own account counts, and only
    while it is ACTIVE.
    """
    if connection.tenant_id != tenant_id:
        raise SkipassError("unknown_connection", "There is no such connection.")
    if not connection.per_user:
        found = await _credentials(reader, tenant_id=tenant_id, connection_id=connection.id, user_id=None)
        return Ways(connection, found, None, connection.login or None, base_url)
    if connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER:
        login = await _vouched_login(reader, tenant_id, connection, user_id)
        keys = await _credentials(reader, tenant_id=tenant_id, connection_id=connection.id, user_id=None)
        return Ways(connection, keys if login else (), None, login, base_url)
    mine: dict[str, Any] = {"tenant_id": tenant_id, "connection_id": connection.id, "user_id": user_id}
    accounts = await reader.find(ConnectedAccount, state=AccountState.ACTIVE, limit=1, **mine)
    if not accounts:
        return Ways(connection, (), None, None, base_url)
    return Ways(connection, await _credentials(reader, **mine), accounts[0], accounts[0].login, base_url)


async def out_of(reader: Reader, statement: Statement, role: str | None) -> Out | None:
    """Return a way by which a statement that is under way can be looked at or cancelled, None if there is none."""
    connection = await reader.get(Connection, statement.connection_id, tenant_id=statement.tenant_id)
    if connection is None:
        return None
    whose = {"tenant_id": statement.tenant_id, "user_id": statement.user_id}
    ways = await ways_out(reader, connection=connection, **whose)
    return ways.any(role) if ways.credentials else None


def consent_required(connection: Connection, role: str | None, base_url: str) -> SkipassError:
    """Return the refusal that says where the user connects an account, for exactly this role.

    Without `base_url` it is for an application's end user, who has no page of ours: the application makes a link.
    """
    if not connection.per_user:
        return SkipassError("consent_required", f"{connection.name} has no active credential.", "Ask an admin.")
    details = {"connection": connection.name, "role": role}
    message = f"The user has not connected a Snowflake account on {connection.name}" + (
        f" for {role}." if role else "."
    )
    if not base_url:
        hint = "The application makes them a link: POST /api/v1/connected-accounts/{id}/authorization-link."
        return SkipassError("consent_required", message, hint, details=details)
    details["url"] = connect_url(connection, role, base_url)
    return SkipassError("consent_required", message, f"The user opens {details['url']}", details=details)


def connect_url(connection: Connection, role: str | None, base_url: str) -> str:
    """Return the address of the page where a user connects an account, for this role if one is named."""
    query = urlencode({"connection": connection.name} | ({"role": role} if role else {}))
    return f"{base_url}/connect?{query}"


async def _credentials(
    reader: Reader, *, tenant_id: str, connection_id: str, user_id: str | None
) -> tuple[Credential, ...]:
    where: dict[str, Any] = {"tenant_id": tenant_id, "connection_id": connection_id, "user_id": user_id}
    found: Sequence[Credential] = await reader.find(
        Credential, state=USABLE, order="created_at", descending=True, **where
    )
    return tuple(found)


async def _vouched_login(reader: Reader, tenant_id: str, connection: Connection, user_id: str) -> str | None:
    """Return the Snowflake login that an admin mapped or a verified claim names, while the user's sign-in is fresh."""
    user = await reader.get(User, user_id, tenant_id=tenant_id, state=Life.ACTIVE)
    if user is None or user.signed_in_at is None or reader.now - user.signed_in_at > SIGN_IN_LIFE:
        return None
    mapped = await reader.find(LoginMapping, tenant_id=tenant_id, connection_id=connection.id, user_id=user_id, limit=1)
    if mapped:
        return mapped[0].login
    claim = user.claims.get(str(connection.settings.get("login_claim", "")))
    return claim if isinstance(claim, str) and claim else None
