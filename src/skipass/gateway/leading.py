"""Where a connection may come to lead: the same account by another name, this machine, or what the operator allows.

Its credential goes along, which no admin can read. So a host that could be anybody's is another connection, to which
the credential is handed in anew.
"""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import target
from skipass.gateway.deps import Deps
from skipass.nouns.connection import AuthMethod, Connection
from skipass.snowflake.account import Target, is_loopback, parse_account
from skipass.snowflake.errors import SnowflakeConfigError


def another_host(deps: Deps, connection: Connection, typed: str | None) -> str:
    """Return where a connection leads by a host that was typed, None for its account's own.

    Raises `invalid_request` for a host of anybody else's, and where users' accounts keep the one they were linked at.
    """
    kept = connection.per_user and connection.auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER
    if kept or connection.template:
        message = f"Accounts on {connection.name} keep the host that they were connected at."
        raise SkipassError("invalid_request", message, "Register another connection.")
    try:
        found = target(deps, connection.account, typed)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None
    allowed = {found.host, f"{found.host}:{found.port or 443}"} & deps.upstream.egress.allow
    if not (is_loopback(found.host) or allowed or _of(connection, found)):
        message = f"{found.host} is not a host of {connection.account}."
        hint = "The credential would go there: register another connection, with its own credential."
        raise SkipassError("invalid_request", message, hint)
    return found.base_url


def _of(connection: Connection, found: Target) -> bool:
    """Return whether a target is the connection's account under one of Snowflake's own names for it."""
    try:
        there, here = parse_account(found.base_url), parse_account(connection.account)
    except SnowflakeConfigError:
        return False
    plain = found.scheme == "https" and found.port is None and not found.prefix
    ours = found.host.endswith((".snowflakecomputing.com", ".snowflakecomputing.cn"))
    return plain and ours and there.claim_account == here.claim_account
