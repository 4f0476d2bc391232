"""Sealing: AES-256-GCM under a data key of its own, which the key-encryption key wraps.

Associated data binds a sealed value to where it belongs (tenant, connection, user, generation, column), so that a value
moved to another row, tenant or column does not open. Layout: version byte, key fingerprint (8 bytes), nonce (12),
wrapped data key (48), nonce (12), ciphertext.
"""

from __future__ import annotations

import secrets
from dataclasses import astuple, dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skipass.errors import SkipassError
from skipass.vault.keys import KeyEncryptionKey

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = 48


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs; it opens nowhere else."""

    tenant_id: str
    column: str
    row: str
    connection_id: str = ""
    user_id: str = ""
    generation: int = 0

    def bound(self) -> bytes:
        """Return the associated data."""
        return orjson.dumps(astuple(self))


def seal(key: KeyEncryptionKey, plain: bytes, place: Place) -> bytes:
    """Return `plain` sealed under a fresh data key."""
    data_key, outer, inner = AESGCM.generate_key(256), secrets.token_bytes(_NONCE), secrets.token_bytes(_NONCE)
    header = _VERSION + bytes.fromhex(key.fingerprint)
    wrapped = AESGCM(key.reveal()).encrypt(outer, data_key, header + place.bound())
    return header + outer + wrapped + inner + AESGCM(data_key).encrypt(inner, plain, place.bound())


def unseal(key: KeyEncryptionKey, sealed: bytes, place: Place) -> bytes:
    """Return what was sealed, or raise `vault_key` if the key or the place is another."""
    header, rest = sealed[:9], sealed[9:]
    if header != _VERSION + bytes.fromhex(key.fingerprint):
        hint = "Start with the key file that sealed it."
        raise SkipassError("vault_key", "This was sealed under another key-encryption key.", hint)
    outer, wrapped, rest = rest[:_NONCE], rest[_NONCE : _NONCE + _WRAPPED], rest[_NONCE + _WRAPPED :]
    try:
        data_key = AESGCM(key.reveal()).decrypt(outer, wrapped, header + place.bound())
        return AESGCM(data_key).decrypt(rest[:_NONCE], rest[_NONCE:], place.bound())
    except (InvalidTag, ValueError):
        raise _spoilt("value") from None


class TextKey:
    """A tenant's own key for statement texts; destroying it erases them and leaves the chain valid."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, row: str, column: str) -> bytes:
        """Return `plain` sealed for one column of one row."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, f"{row}/{column}".encode())

    def unseal(self, sealed: bytes, row: str, column: str) -> bytes:
        """Return what was sealed, or raise `vault_key`."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{row}/{column}".encode())
        except (InvalidTag, ValueError):
            raise _spoilt("text") from None

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a TextKey is never pickled")


def _spoilt(what: str) -> SkipassError:
    hint = "Restore the database from a backup of the same time as its key."
    return SkipassError("vault_key", f"A sealed {what} does not open here: it was moved or changed.", hint)
