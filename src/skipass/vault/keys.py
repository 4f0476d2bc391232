"""Key files: owner-only, made once, never guessed at. The key-encryption key and the audit signing key live here."""

from __future__ import annotations

import base64
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skipass.errors import SkipassError
from skipass.ids import digest


def write_owner_only(path: Path, content: bytes) -> None:
    """Create `path` readable by its owner alone; raises `already_initialised` if it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SkipassError("already_initialised", f"{path.name} exists already; it is never overwritten.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_owner_only(path: Path) -> bytes:
    """Return the content of a key file, or raise `vault_key` if it is missing or others may read it."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        hint = "Restore the file from your backup; a new key cannot open what the old one sealed."
        raise SkipassError("vault_key", f"The key file {path.name} cannot be read ({error.strerror}).", hint) from None
    if stat.S_IMODE(mode) & 0o077:
        hint = f"Run: chmod 600 {path}"
        raise SkipassError("vault_key", f"The key file {path.name} is readable by others.", hint)
    return content


class KeyEncryptionKey:
    """The key that wraps every data key; `fingerprint` names it without giving it away."""

    __slots__ = ("_key", "fingerprint")

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise SkipassError("vault_key", "The key-encryption key is not 32 bytes.", "Restore the vault key file.")
        self._key = key
        self.fingerprint = digest(b"kek", key)[:16]

    def __repr__(self) -> str:
        return f"KeyEncryptionKey({self.fingerprint})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a KeyEncryptionKey is never pickled")

    def reveal(self) -> bytes:
        """Return the key itself, for `skipass.vault.seal` alone."""
        return self._key

    @property
    def current(self) -> KeyEncryptionKey:
        """The key that seals: this one."""
        return self

    def of(self, fingerprint: str) -> KeyEncryptionKey | None:
        """Return this key if that is its fingerprint."""
        return self if fingerprint == self.fingerprint else None


class KeyRing:
    """The key that seals, and others that still open; during a rotation there are two.

    Which one seals can change while the process runs: `turn_to` does it, and every use after that follows.
    """

    __slots__ = ("_keys", "current")

    def __init__(self, current: KeyEncryptionKey, *others: KeyEncryptionKey) -> None:
        self.current = current
        self._keys = {key.fingerprint: key for key in (current, *others)}

    def __repr__(self) -> str:
        return f"KeyRing({self.current.fingerprint}, {len(self._keys)} known)"

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that seals."""
        return self.current.fingerprint

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of every key it has."""
        return tuple(self._keys)

    def of(self, fingerprint: str) -> KeyEncryptionKey | None:
        """Return the key with that fingerprint, or None."""
        return self._keys.get(fingerprint)

    def add(self, key: KeyEncryptionKey) -> None:
        """Open with this key too from now on."""
        self._keys[key.fingerprint] = key

    def turn_to(self, fingerprint: str) -> None:
        """Seal with the key of that fingerprint from now on, or raise `vault_key` if it is not here."""
        key = self.of(fingerprint)
        if key is None:
            raise unknown_key(fingerprint)
        self.current = key


def unknown_key(fingerprint: str) -> SkipassError:
    """Return the refusal that names the key which is missing."""
    hint = f"Start with the key whose fingerprint is {fingerprint}; skipass vault status shows what a process has."
    return SkipassError("vault_key", "The vault key is not the one of this database.", hint)


def new_vault_key(path: Path) -> None:
    """Create a key file with 256 random bits in base 64."""
    write_owner_only(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")


def vault_key(path: Path) -> KeyEncryptionKey:
    """Return the key of a key file."""
    return key_from(read_owner_only(path), path.name)


def key_from(text: bytes, name: str) -> KeyEncryptionKey:
    """Return the key of a base 64 text, or raise `vault_key` naming where it came from, never what it was."""
    try:
        return KeyEncryptionKey(base64.b64decode(text.strip(), validate=True))
    except ValueError:
        hint = "Restore it from your backup: 32 bytes in base 64."
        raise SkipassError("vault_key", f"{name} is not a vault key.", hint) from None


def new_signing_key(path: Path, public: Path) -> None:
    """Create an Ed25519 key pair: the private half owner-only, the public half for whoever verifies."""
    key = Ed25519PrivateKey.generate()
    pem, raw = serialization.Encoding.PEM, serialization.NoEncryption()
    write_owner_only(path, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, raw))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the private half, or raise `vault_key`."""
    try:
        key = serialization.load_pem_private_key(read_owner_only(path), None)
    except ValueError:
        raise SkipassError("vault_key", f"{path.name} is not a signing key.", "Restore it from your backup.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SkipassError("vault_key", f"{path.name} is not an Ed25519 key.", "Restore it from your backup.")
    return key
