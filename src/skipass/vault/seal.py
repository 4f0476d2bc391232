"""Sealing: AES-256-GCM under a data key of its own, which the key-encryption key wraps.

Associated data binds a sealed value to where it belongs (tenant, connection, user, generation, column), so that a value
moved to another row, tenant or column does not open. Layout: version byte, key fingerprint (8 bytes), nonce (12),
wrapped data key (48), nonce (12), ciphertext.
"""

from __future__ import annotations

import secrets
from dataclasses import astuple, dataclass
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skipass.errors import SkipassError
from skipass.vault.keys import KeyEncryptionKey

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = 48
_HEADER = 9
_ENVELOPE = _HEADER + _NONCE + _WRAPPED


class Keys(Protocol):
    """Where keys come from: one that seals, and whichever has a fingerprint."""

    @property
    def current(self) -> KeyEncryptionKey:
        """The key that seals."""
        ...

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that seals."""
        ...

    def of(self, fingerprint: str) -> KeyEncryptionKey | None:
        """Return the key with that fingerprint, or None."""
        ...


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


def seal(keys: Keys, plain: bytes, place: Place) -> bytes:
    """Return `plain` sealed under a fresh data key, which the current key wraps."""
    data_key, inner = AESGCM.generate_key(256), secrets.token_bytes(_NONCE)
    return _wrap(keys.current, data_key, place) + inner + AESGCM(data_key).encrypt(inner, plain, place.bound())


def unseal(keys: Keys, sealed: bytes, place: Place) -> bytes:
    """Return what was sealed, or raise `vault_key` if the key is not here or the place is another."""
    data_key, rest = _unwrap(keys, sealed, place), sealed[_ENVELOPE:]
    try:
        return AESGCM(data_key).decrypt(rest[:_NONCE], rest[_NONCE:], place.bound())
    except (InvalidTag, ValueError):
        raise _spoilt("value") from None


def rewrap(keys: Keys, sealed: bytes, place: Place, to: KeyEncryptionKey) -> bytes:
    """Return the same value under another key: only its data key is wrapped anew, what it seals is not touched."""
    return _wrap(to, _unwrap(keys, sealed, place), place) + sealed[_ENVELOPE:]


def sealed_under(sealed: bytes) -> str:
    """Return the fingerprint of the key that a sealed value needs."""
    return sealed[1:_HEADER].hex()


def _wrap(key: KeyEncryptionKey, data_key: bytes, place: Place) -> bytes:
    header, outer = _VERSION + bytes.fromhex(key.fingerprint), secrets.token_bytes(_NONCE)
    return header + outer + AESGCM(key.reveal()).encrypt(outer, data_key, header + place.bound())


def _unwrap(keys: Keys, sealed: bytes, place: Place) -> bytes:
    header, outer, wrapped = sealed[:_HEADER], sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE : _ENVELOPE]
    key = keys.of(sealed_under(sealed)) if header[:1] == _VERSION else None
    if key is None:
        hint = "Start with the key file that sealed it."
        raise SkipassError("vault_key", "This was sealed under another key-encryption key.", hint)
    try:
        return AESGCM(key.reveal()).decrypt(outer, wrapped, header + place.bound())
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
