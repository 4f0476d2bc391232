"""Tokens that are wrong in one thing alone, made from a good one: each for one request, and never shown."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from skipass.gateway.doctor.claims import read
from skipass.secret import Secret
from skipass.snowflake.auth.keypair import sign
from skipass.snowflake.auth.keys import generate_key_pair, load_private_key

OTHER = "https://not-trusted.example.com"
NO_ROLE = "SKIPASS_NO_SUCH_ROLE"


@dataclass(frozen=True, slots=True)
class Bad:
    """A token and what is wrong with it; None where it cannot be made."""

    what: str
    token: Secret[str] | None


def bad_tokens(good: Secret[str], trusted_pem: Secret[bytes] | None) -> Iterator[Bad]:
    """Yield the tokens: wrong aud, iss, key, past its time, and of a role that nobody was granted."""
    claims, header = read(good.reveal()) or {}, _header(good.reveal())
    kid = header.get("kid")
    for what, changed in _changes(claims).items():
        token = None
        if trusted_pem is not None and claims:
            token = Secret(sign({**claims, **changed}, load_private_key(trusted_pem.reveal()), kid))
        yield Bad(what, token)
    own = load_private_key(generate_key_pair().private_pem.reveal())
    yield Bad("another key", Secret(sign(dict(claims), own, kid)) if claims else None)


def _changes(claims: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    scope = f"session:role:{NO_ROLE}"
    carrier = "scope" if "scope" in claims and "scp" not in claims else "scp"
    given = [scope] if isinstance(claims.get(carrier), list) else scope
    issued = claims.get("iat", 0)
    start = int(issued) if isinstance(issued, int | float) else 0
    return {
        "a wrong aud": {"aud": OTHER},
        "a wrong iss": {"iss": OTHER},
        "its time over": {"iat": start - 7200, "nbf": start - 7200, "exp": start - 3600},
        "a role not granted": {carrier: given},
    }


def _header(token: str) -> Mapping[str, Any]:
    first = token.split(".", maxsplit=1)[0]
    try:
        found = orjson.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
