"""What usually fixes a refusal, by Snowflake's code. Data only; which error a refusal is stands in `failures`.

Source: https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting and the message reference of each code
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NETWORK_POLICY = "A network policy refuses this machine's address; an account administrator can allow it."
HOST = "Check the account name: this host answers as no account does."
_NAME = "Check the name's spelling and case, and the role's privileges on it."

BY_CODE: Mapping[str, str] = MappingProxyType({
    "000008": "Set MULTI_STATEMENT_COUNT to the number of statements, or send one at a time.",
    "000606": "Name a warehouse in the request or as the user's DEFAULT_WAREHOUSE, with USAGE granted to the role.",
    "000630": "Raise the statement's timeout or narrow the query.",
    "000709": "The handle is not of this account, or its result is older than 24 hours.",
    "000710": "The result is no longer kept; run the query again.",
    "002003": _NAME,
    "002043": _NAME,
    "003001": "The role lacks a privilege on the object.",
    "002049": "Give one bind for each ? in the statement.",
    "090105": "Name the database in the request, or qualify the object: DB.SCHEMA.NAME.",
    "090106": "Name the schema in the request, or qualify the object: DB.SCHEMA.NAME.",
    "100037": "A bind's value does not fit the column or comparison it stands in.",
    "100132": "Earlier statements of the request took effect; later ones did not run.",
    "390144": "Usual causes: the public key is not registered for this user (compare RSA_PUBLIC_KEY_FP in DESCRIBE "
    "USER), the account in the token has a region, the user is not the LOGIN_NAME, or this machine's clock is wrong.",
    "390186": "Grant the role to the user, or take it off the blocked roles of the security integration.",
    "390189": "Check the role's spelling (upper case unless quoted) and that it is granted to the user.",
    "390201": "Check that the warehouse, database or schema exists and is granted to the role.",
    "390303": "The access token is not valid here: sign in again, and check that it was issued for this account.",
    "390317": "Ask for a role that the token carries, or allow any-role mode on the integration.",
    "390318": "The access token has ended: refresh it.",
    "390420": NETWORK_POLICY,
    "390422": NETWORK_POLICY,
    "390432": "Set a network policy for the user: programmatic access tokens need one.",
    "391902": "The Accept header must admit application/json.",
    "391911": "The SQL API does not take this kind of statement by itself.",
    "394300": "The user is not in this account: use its LOGIN_NAME and the right account.",
    "394301": "The token lacks the time it was made or ends at: the client that signed it is not this one.",
    "394302": "The token was too old on arrival: set this machine's clock by NTP.",
    "394303": "The token's life had ended on arrival: set this machine's clock by NTP.",
    "394304": "Another public key is registered for the user: compare RSA_PUBLIC_KEY_FP in DESCRIBE USER.",
    "394305": "The token must be signed with RS256: use an RSA key.",
    "394306": "The signature does not fit the registered public key: the private key is another one.",
    "394307": "The account in the token is not the one of the host: leave region and cloud out of it.",
    "394400": "The programmatic access token is revoked, expired, or not of this account: create a new one.",
})  # fmt: skip


_SKEW_S = 30.0
_TIMED = frozenset({"390144", "394301", "394302", "394303"})


def refused_credential(code: str | None, usual: str, clock_ahead_s: float | None) -> str:
    """Return what usually fixes a refused credential; a clock that is off is told with how far, or ruled out."""
    if code not in _TIMED or clock_ahead_s is None:
        return usual
    if abs(clock_ahead_s) < _SKEW_S:
        return usual.replace(", or this machine's clock is wrong", "; this machine's clock is right")
    way = "ahead of" if clock_ahead_s > 0 else "behind"
    return f"This machine's clock is {abs(clock_ahead_s):.0f} seconds {way} Snowflake's: set it by NTP."


def no_warehouse(message: str, named: str | None = None) -> str:
    """Return what usually fixes a statement without a warehouse, told apart by Snowflake's text and the name sent."""
    lower = message.lower()
    which = f"The warehouse {named}" if named else "The warehouse"
    if "suspend" in lower or "resume" in lower:
        return f"{which} is suspended: resume it, or let it resume by itself (AUTO_RESUME) with OPERATE or USAGE."
    if "not authorized" in lower or "privilege" in lower:
        return f"{which} does not exist or is not granted: GRANT USAGE ON WAREHOUSE … TO ROLE …"
    if named:
        return f"{which} was named and is not active: it does not exist, or its USAGE is not granted to the role."
    return BY_CODE["000606"]
