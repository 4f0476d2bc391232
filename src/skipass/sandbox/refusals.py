"""What a sign-in is refused with: codes and words of login, OAuth, access tokens and network policies.

The sibling of `failures` for everything that happens before a statement is read. Knows no HTTP framework.
Source: https://docs.snowflake.com/en/user-guide/oauth-snowflake-overview and .../programmatic-access-tokens.
"""

from __future__ import annotations

from skipass.sandbox.failures import Failure


def claim_without_user(values: str, login_id: str) -> Failure:
    """Return 390304: the claim of an outside token fits no user, or more than one."""
    return Failure("390304", "08004", f"Incorrect username or password was specified: {values} [{login_id}]", 401)


def consent_withdrawn(login_id: str) -> Failure:
    """Return 390302: what the user once allowed was taken back."""
    return Failure("390302", "08004", f"Invalid OAuth consent. [{login_id}]", 401)


def other_user(login_id: str) -> Failure:
    """Return 390309: the request names another user than the token does."""
    return Failure("390309", "08004", f"The user you were trying to authenticate as differs. [{login_id}]", 401)


def role_not_listed(role: str) -> Failure:
    """Return 390317: the role is not among those of the token."""
    text = (
        "The role requested in the connection or the default role if none was requested in the connection "
        f"('{role}') is not listed in the Access Token or was filtered. Please specify another role, or contact your "
        "OAuth Authorization server administrator."
    )
    return Failure("390317", "08004", text, 401)


def role_outside_credential(role: str) -> Failure:
    """Return 390186 as it is worded for a token that is restricted to another role."""
    text = f"Role '{role}' specified in the connect string is not granted to this user, "
    return Failure("390186", "08004", text + "or is not permitted for the credentials being used.", 401)


def bad_access_token(login_id: str) -> Failure:
    """Return 394400: the programmatic access token is unknown, revoked, or its user may not use it."""
    return Failure("394400", "08004", f"Programmatic access token is invalid. [{login_id}]", 401)


def policy_required(login_id: str) -> Failure:
    """Return 390432: the user may use the token behind a network policy only, and has none."""
    return Failure("390432", "08004", f"Network policy is required. [{login_id}]", 401)


def address_blocked(address: str) -> Failure:
    """Return 390422: a network policy does not let this address in."""
    text = f"Incoming request with IP/Token {address} is not allowed to access Snowflake."
    return Failure("390422", "08004", f"{text} Contact your account administrator.", 403)


def missing_options(names: str) -> Failure:
    """Return 002029: a statement lacks options that it needs."""
    return Failure("002029", "42601", f"SQL compilation error:\nMissing option(s): {names}")


def bad_property(name: str, kind: str) -> Failure:
    """Return 001420: no such property on this kind of object."""
    return Failure("001420", "22023", f"SQL compilation error:\ninvalid property '{name}' for '{kind}'")


def bad_value(name: str, value: str) -> Failure:
    """Return 001422: the property does not take this value."""
    return Failure("001422", "22023", f"SQL compilation error:\ninvalid value '{value}' for property '{name}'")
