"""The script for one service login that serves everybody: by key pair, or by a programmatic access token.

It can be run again: everything is made only if it is not there, nothing is replaced, nothing is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from skipass.snowflake.setup_sql.access import AI_FUNCTIONS, Access, grants, role_and_warehouse
from skipass.snowflake.setup_sql.network import network_policy, policy_name
from skipass.snowflake.setup_sql.text import literal, name, public_key_literal, unquoted, user_identifier

MAY = "-- Whoever runs this has ACCOUNTADMIN, or USERADMIN, SYSADMIN and SECURITYADMIN: the script switches roles."
AGAIN = "-- It may be run again. It replaces nothing, and makes no stage."
NO_WAREHOUSE = "-- No warehouse is named here, so none is made or granted: queries need one."


@dataclass(frozen=True, slots=True)
class Service:
    """A service user, `login` as typed.

    `public_key` is base 64 DER, None where it is registered separately; `token` names a programmatic access token to
    make instead. `egress` are the gateway's addresses. `statement_timeout_s` is Snowflake's own limit for the user.
    """

    login: str
    access: Access
    public_key: str | None = None
    token: str | None = None
    egress: tuple[str, ...] = ()
    statement_timeout_s: int = 3600


def set_public_key(login: str, public_key: str) -> str:
    """Return the statement that lets `login` sign in with the key pair of this public key (base 64 DER).

    Source: https://docs.snowflake.com/en/user-guide/key-pair-auth
    """
    return f"ALTER USER {user_identifier(login)} SET RSA_PUBLIC_KEY = {public_key_literal(public_key)};"


def service_script(service: Service) -> str:
    """Return the whole script, with a comment on who may run it; every identifier is quoted.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-user ;
    https://docs.snowflake.com/en/user-guide/programmatic-access-tokens
    """
    access = replace(service.access, users=(service.login,))
    lines = [*_heading(service), *role_and_warehouse(access), *_user(service), *grants(access), *_sign_in(service)]
    return "\n".join([*lines, *AI_FUNCTIONS]) + "\n"


def _heading(service: Service) -> Iterator[str]:
    yield MAY
    yield AGAIN
    if service.public_key is None and service.token is None:
        yield "-- The user signs in once it has its public key: run the ALTER USER that `skipass key new` printed."
    if service.access.warehouse is None:
        yield NO_WAREHOUSE
    yield ""


def _user(service: Service) -> Iterator[str]:
    access, user = service.access, user_identifier(service.login)
    warehouse = f" DEFAULT_WAREHOUSE = {name(access.warehouse)}" if access.warehouse else ""
    # A service user has no password and never sees a sign-in page; without secondary roles it has this role alone.
    defaults = f"DEFAULT_ROLE = {name(access.role)}{warehouse} DEFAULT_SECONDARY_ROLES = ()"
    yield "USE ROLE USERADMIN;"
    yield f"CREATE USER IF NOT EXISTS {user} TYPE = SERVICE {defaults};"
    yield f"ALTER USER {user} SET STATEMENT_TIMEOUT_IN_SECONDS = {int(service.statement_timeout_s)};"
    yield ""


def _sign_in(service: Service) -> Iterator[str]:
    """Yield what lets the user in, last: until here nobody can sign in as it."""
    user, owner = user_identifier(service.login), unquoted(user_identifier(service.login))
    yield ""
    if service.egress:
        yield "USE ROLE SECURITYADMIN;"
        yield from network_policy(owner, service.egress)
        yield f"ALTER USER {user} SET NETWORK_POLICY = {literal(policy_name(owner))};"
    yield "USE ROLE USERADMIN;"
    if service.public_key is not None:
        yield set_public_key(service.login, service.public_key)
    if service.token is not None:
        if not service.egress:
            yield "-- A service user signs in by token only under a network policy: print this with --egress-ip."
        yield "-- The next statement shows token_secret once: it is what skipass connection add takes."
        yield (
            f"ALTER USER {user} ADD PROGRAMMATIC ACCESS TOKEN {name(service.token)} "
            f"ROLE_RESTRICTION = {literal(service.access.role)} DAYS_TO_EXPIRY = 90;"
        )
