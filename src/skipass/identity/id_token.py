"""ID tokens: read strictly, verified against published keys with fixed algorithms, held to what was asked for.

Pure; keys and the time are passed in. Whatever is not understood is refused, and the refusal says which piece, never
the token. Source: OpenID Connect Core 1.0 §2 and §3.1.3.7; RFC 8725 §3; RFC 7515 §5.2
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from skipass.errors import SkipassError

Key: TypeAlias = RSAKey | ECKey

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
"""The algorithms that are accepted, each with the one type of key it goes with."""
SKEW_S = 60
OLDEST_S = 600
MOST_CHARACTERS = 16_384
MOST_KEYS = 100
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_NEVER = ("crit", "jwk", "jku", "x5u", "x5c", "b64", "zip")
_RSA_BITS = (2048, 8192)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say to be ours; `max_age_s` is how long ago the person may have proved who they are."""

    issuer: str
    client_id: str
    nonce: str
    now_s: int
    max_age_s: int | None = None


def kid_of(token: str) -> str:
    """Return the id of the key that a token names, or raise `sign_in_failed`: a token that names none is refused."""
    return str(_header(token)["kid"])


def read_keys(document: Mapping[str, Any]) -> dict[str, Key]:
    """Return the keys of a published set by id: RSA of 2048 bits and more, and P-256, for signatures.

    Keys that are anything else are left out, and so is an id that stands for two. Source: RFC 7517 §4 and §5
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise refused("the provider's keys cannot be read")
    named = [one for one in listed if isinstance(one, dict) and isinstance(one.get("kid"), str)]
    ids = [one["kid"] for one in named]
    found = {one["kid"]: _key(one) for one in named if ids.count(one["kid"]) == 1}
    return {kid: key for kid, key in found.items() if key is not None}


def verified(token: str, key: Key, expected: Expected) -> Mapping[str, Any]:
    """Return the claims of a token that this key signed and that was made for us, now; else raise `sign_in_failed`."""
    header = _header(token)
    if key.key_type != KEY_TYPES[header["alg"]] or key.alg not in (None, header["alg"]):
        raise refused("its key is for another algorithm")
    try:
        payload = jws.deserialize_compact(token, key, algorithms=[header["alg"]]).payload
    except (JoseError, ValueError):
        raise refused("its signature does not fit") from None
    claims = _object(payload, "its claims")
    _ours(claims, expected)
    _timely(claims, expected)
    return claims


def refused(why: str) -> SkipassError:
    """Return the refusal of an ID token."""
    return SkipassError("sign_in_failed", f"The ID token is refused: {why}.", "Start the sign-in again.")


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > MOST_CHARACTERS or not _COMPACT.fullmatch(token):
        raise refused("it is no signed token")
    header = _object(_decoded(token.partition(".")[0]), "its header")
    if not isinstance(header.get("alg"), str) or header["alg"] not in KEY_TYPES:
        raise refused("its algorithm is not accepted")
    if any(name in header for name in _NEVER) or str(header.get("typ", "JWT")).upper() != "JWT":
        raise refused("its header asks for something that is not accepted")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise refused("it names no key")
    return header


def _ours(claims: Mapping[str, Any], expected: Expected) -> None:
    audience = claims.get("aud")
    listed: Sequence[Any] = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    nonce = claims.get("nonce")
    if claims.get("iss") != expected.issuer:
        raise refused("it is of another issuer")
    # Another audience beside ours is one that we would have to trust with our people's tokens; we know none.
    if not listed or any(one != expected.client_id for one in listed):
        raise refused("it is for another audience")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise refused("it was given to another client")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        raise refused("it answers another sign-in")
    if not isinstance(claims.get("sub"), str) or not _SUBJECT.fullmatch(claims["sub"]):
        raise refused("it names nobody")


def _timely(claims: Mapping[str, Any], expected: Expected) -> None:
    now = expected.now_s
    made, ends = _time(claims, "iat"), _time(claims, "exp")
    if ends <= now - SKEW_S:
        raise refused("it has ended")
    if made > now + SKEW_S or made < now - OLDEST_S:
        raise refused("it was made at another time")
    if "nbf" in claims and _time(claims, "nbf") > now + SKEW_S:
        raise refused("it is not good yet")
    if expected.max_age_s is None:
        return
    proved = _time(claims, "auth_time")
    if proved > now + SKEW_S or proved < now - expected.max_age_s:
        raise refused("the provider did not ask the person again")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(f"it has no {name}")
    return value


def _object(data: bytes, what: str) -> Mapping[str, Any]:
    """Return a JSON object; one that says a thing twice could be read in two ways."""
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refused(f"{what} cannot be read")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise refused("it is no signed token") from None


def _key(jwk: Mapping[str, Any]) -> Key | None:
    """Return a public key that may verify, None for anything else."""
    algorithm = jwk.get("alg", next(iter(KEY_TYPES)))
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES or jwk.get("use", "sig") != "sig":
        return None
    public = {name: jwk[name] for name in ("kid", "use", "alg") if name in jwk}
    try:
        if jwk.get("kty") == "RSA" and _RSA_BITS[0] <= _bits(jwk["n"]) <= _RSA_BITS[1]:
            return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"], **public})
        if jwk.get("kty") == "EC" and jwk["crv"] == "P-256":
            return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"], **public})
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return None


def _bits(number: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(number + "=" * (-len(number) % 4)), "big").bit_length()
