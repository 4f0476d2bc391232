"""Key-pair tokens of agents: whom one names, and whether its key signed it for now. Pure; key and time are passed in.

An agent signs in as Snowflake's own clients do, with a connection's name in place of the account and its own in place
of the user. A refusal says which piece is wrong and nothing of the token.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating; RFC 7515 §5.2; RFC 8725 §3.1
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from skipass.errors import SkipassError
from skipass.snowflake.auth.keys import fingerprint

LIFE_S = 3600
SKEW_S = 60
MOST_CHARACTERS = 4096
_BITS = (2048, 8192)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ISSUER = re.compile(r"(?P<subject>[^.]{1,64}\..{1,64})\.(?P<fingerprint>SHA256:[A-Za-z0-9+/]{43}=)", re.DOTALL)
_HINT = "Sign it with the private key of a public one that an admin registered: skipass agent create --public-key."
# Milliseconds are taken for seconds by nobody before the year 5138.
_MILLISECONDS = 100_000_000_000


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA public key: base64 of its DER SubjectPublicKeyInfo, and Snowflake's fingerprint of it."""

    text: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a token says it is of, before anything of it is believed; names are in upper case, as they are signed."""

    connection: str
    agent: str
    fingerprint: str


def is_signed(bearer: str) -> bool:
    """Return whether a bearer has the form of a signed token, which no key of ours has."""
    return bool(_COMPACT.fullmatch(bearer))


def public_key(text: str) -> PublicKey:
    """Return the key of a PEM file or of the base64 that `ALTER USER … SET RSA_PUBLIC_KEY` takes.

    Raises `invalid_request` for anything but an RSA public key of 2048 to 8192 bits.
    """
    try:
        raw = text.strip().encode("ascii")
        pem = raw.startswith(b"-----BEGIN")
        key = (
            serialization.load_pem_public_key(raw)
            if pem
            else serialization.load_der_public_key(base64.b64decode(b"".join(raw.split()), validate=True))
        )
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or not _BITS[0] <= key.key_size <= _BITS[1]:
        hint = "skipass key new makes a key pair; openssl rsa -pubout writes the public half."
        raise SkipassError("invalid_request", "That is no RSA public key of 2048 to 8192 bits.", hint)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(base64.b64encode(der).decode(), fingerprint(der))


def named(token: str) -> Named:
    """Return whom a token names; raises `unauthenticated` where it is no key-pair token."""
    claims = _claims(token)
    issuer = claims.get("iss")
    found = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    if found is None or claims.get("sub") != found["subject"]:
        raise refused("its issuer or its subject is not of the form that such a token has")
    connection, _, agent = found["subject"].partition(".")
    return Named(connection.upper(), agent.upper(), found["fingerprint"])


def verify(token: str, key: str, now_s: float) -> None:
    """Pass where this key (base64 DER) signed the token and it is good now, else raise `unauthenticated`.

    Whatever it says, it ends an hour after it was made.
    """
    public = serialization.load_der_public_key(base64.b64decode(key))
    signed, _, signature = token.rpartition(".")
    if not isinstance(public, RSAPublicKey):
        raise refused("its key cannot be used")
    try:
        public.verify(_decoded(signature), signed.encode("ascii"), PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise refused("its signature does not fit") from None
    claims = _claims(token)
    made, ends = _time(claims, "iat"), _time(claims, "exp")
    if made > now_s + SKEW_S:
        raise refused("it was made in the future")
    if min(ends, made + LIFE_S) <= now_s:
        raise refused("it has ended")


def refused(why: str) -> SkipassError:
    """Return the refusal of a key-pair token."""
    return SkipassError("unauthenticated", f"The key-pair token is refused: {why}.", _HINT)


def _claims(token: str) -> Mapping[str, Any]:
    if len(token) > MOST_CHARACTERS or not _COMPACT.fullmatch(token):
        raise refused("it is no signed token")
    head, body, _ = token.split(".")
    header = _object(head)
    if header.get("alg") != "RS256" or set(header) - {"alg", "typ", "kid"}:
        raise refused("its header asks for something that is not accepted")
    return _object(body)


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = orjson.loads(_decoded(part))
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise refused("it cannot be read")
    return value


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise refused("it cannot be read") from None


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(f"it has no {name}")
    return value / 1000 if value > _MILLISECONDS else value
