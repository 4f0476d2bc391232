"""Passwords of people who sign in with a browser: kept as salted scrypt digests, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

# Small on purpose: this guards a stand-in on loopback, and tests sign in often.
_COST, _BLOCK, _LANES = 2**10, 8, 1


def sealed(password: str) -> str:
    """Return what to keep of a password."""
    salt = secrets.token_bytes(16)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(_derived(password, salt)).decode()}"


def fits(password: str, kept: str) -> bool:
    """Tell whether this is the password that was sealed; False for anything unreadable."""
    salt, _, wanted = kept.partition("$")
    try:
        return hmac.compare_digest(_derived(password, base64.b64decode(salt)), base64.b64decode(wanted))
    except (ValueError, binascii.Error):
        return False


def _derived(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES)
