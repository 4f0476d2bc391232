"""Typed, prefixed, time-ordered identifiers, such as `ses_06fq3…`.

The text after the prefix is 26 characters of Crockford base 32: 48 bits of Unix milliseconds, then 80 random
bits. Ids say what they name, sort by creation, and carry no authority.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_NAMESPACE = uuid.UUID("5d1c7a3e-7e0b-5c43-9b1e-2f6f6b8d4a10")

PREFIXES = {
    "tenant": "tnt",
    "user": "usr",
    "agent": "agt",
    "connection": "con",
    "account": "acc",
    "session": "ses",
    "statement": "stm",
    "approval": "apr",
    "mcp_server": "mcp",
    "link": "lnk",
    "key": "key",
    "boot": "bot",
    "request": "req",
    "policy": "pol",
    "sign_in": "sgn",
    "notice": "ntc",
    "change": "chg",
    "membership": "mbr",
    "review": "rvw",
    "automatic": "aut",
    "registration": "reg",
    "mapping": "map",
    "code": "cod",
    "device": "dev",
    "mcp_tool": "tol",
    "client": "cli",
    "consent": "cns",
    "family": "fam",
    "refresh": "rfr",
}


def new_id(noun: str, now: datetime) -> str:
    """Return a fresh id for a noun of `PREFIXES`; `now` is timezone-aware."""
    millis = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    return f"{PREFIXES[noun]}_{_encode((millis << 80) | secrets.randbits(80))}"


def first_id(noun: str, at: datetime) -> str:
    """Return what every id of a noun made from `at` on sorts behind, and every earlier one before."""
    return f"{PREFIXES[noun]}_{_encode((int(at.timestamp() * 1000) & ((1 << 48) - 1)) << 80)}"


def _encode(value: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def as_uuid(identifier: str) -> str:
    """Return an id in the form of a UUID, for protocols that know no other; `from_uuid` gives it back."""
    value = 0
    for character in identifier.partition("_")[2]:
        value = value << 5 | _ALPHABET.index(character)
    return str(uuid.UUID(int=value))


def from_uuid(noun: str, text: str) -> str:
    """Return the id of a noun that this UUID stands for; raises `ValueError` for what is no UUID."""
    return f"{PREFIXES[noun]}_{_encode(uuid.UUID(text).int)}"


def upstream_request_id(statement_id: str) -> str:
    """Return the UUID sent to Snowflake as `requestId` for this statement; the same every time."""
    return str(uuid.uuid5(_NAMESPACE, statement_id))


def digest(*parts: bytes) -> str:
    """Return the hex SHA-256 of length-prefixed parts, so that no two lists of parts share a text."""
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()
