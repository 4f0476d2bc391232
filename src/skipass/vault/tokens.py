"""What is sealed of an authorisation: the tokens of one generation, as bytes. Knows no provider and no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.ids import digest
from skipass.secret import Secret

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The tokens of one generation; without a refresh token the access token is all there will be."""

    access_token: Secret[str]
    refresh_token: Secret[str] | None = None
    scope: str | None = None


def pack(tokens: TokenSet) -> bytes:
    """Return the bytes that are sealed; `unpack` gives the same tokens back."""
    refresh = tokens.refresh_token.reveal() if tokens.refresh_token else None
    return orjson.dumps({"v": _FORMAT, "access": tokens.access_token.reveal(), "refresh": refresh, "s": tokens.scope})


def unpack(data: bytes) -> TokenSet:
    """Return the tokens of `pack`, or raise `vault_key` where the bytes are something else."""
    try:
        found: dict[str, Any] = orjson.loads(data)
        access, refresh, scope = found["access"], found["refresh"], found["s"]
        known = found["v"] == _FORMAT and isinstance(access, str)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        known = False
    if not known:
        hint = "Connect the account again."
        raise SkipassError("vault_key", "What was unsealed are no tokens that this version reads.", hint)
    return TokenSet(Secret(access), Secret(refresh) if isinstance(refresh, str) else None, scope)


def fingerprint(tokens: TokenSet) -> str:
    """Return a name for the refresh token, else for the access token, that gives nothing of it away."""
    if tokens.refresh_token is not None:
        return digest(b"refresh", tokens.refresh_token.reveal().encode())[:32]
    return digest(b"access", tokens.access_token.reveal().encode())[:32]
