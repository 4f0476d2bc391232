"""RSA keys for key-pair sign-in: load, make, fingerprint.

Knows files and key formats, no tokens. `cryptography` is imported at first use: importing the client stays cheap.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_MINIMUM_BITS = 2048
_FORMAT_HINT = "Expected an RSA private key of at least 2048 bits: PKCS#8 (encrypted or not) or PKCS#1, PEM or DER."


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key pair: the private key as PKCS#8 PEM, the public key as `ALTER USER … SET RSA_PUBLIC_KEY` takes it."""

    private_pem: Secret[bytes]
    public_key: str
    fingerprint: str


def read_private_key(path: str | Path, passphrase: str | Secret[str] | None = None) -> RSAPrivateKey:
    """Return the key in a file; every failure is a `SnowflakeConfigError` that names the file, never its content."""
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise SnowflakeConfigError(f"The private key {path} cannot be read: {error.strerror}.") from None
    return load_private_key(content, passphrase)


def load_private_key(content: bytes | str, passphrase: str | Secret[str] | None = None) -> RSAPrivateKey:
    """Return the RSA key in PEM or DER bytes, or raise `SnowflakeConfigError` saying what is wrong with it.

    Source: https://docs.snowflake.com/en/user-guide/key-pair-auth
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    raw = content.encode() if isinstance(content, str) else content
    key = _parse(raw, _passphrase(passphrase))
    if not isinstance(key, RSAPrivateKey) or key.key_size < _MINIMUM_BITS:
        raise SnowflakeConfigError("The private key is not an RSA key of at least 2048 bits.", hint=_FORMAT_HINT)
    return key


def _parse(raw: bytes, passphrase: bytes | None) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_pem_private_key if b"-----BEGIN" in raw else serialization.load_der_private_key
    try:
        return load(raw.strip() if b"-----BEGIN" in raw else raw, password=passphrase)
    except TypeError:
        problem = (
            "is encrypted and no passphrase was given" if passphrase is None else "takes no passphrase, one was given"
        )
    except (ValueError, UnsupportedAlgorithm):
        wrong = "cannot be decrypted with this passphrase" if passphrase else "cannot be read"
        problem = f"{wrong}, or it is not a private key"
    raise SnowflakeConfigError(f"The private key {problem}.", hint=_FORMAT_HINT)


def _passphrase(given: str | Secret[str] | None) -> bytes | None:
    text = given.reveal() if isinstance(given, Secret) else given
    return text.encode() if text else None


def generate_key_pair(passphrase: str | Secret[str] | None = None) -> KeyPair:
    """Return a new 2048-bit RSA key pair, the private key encrypted when a passphrase is given."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=_MINIMUM_BITS)
    secret = _passphrase(passphrase)
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if secret:
        protection = serialization.BestAvailableEncryption(secret)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    der = public_der(key)
    return KeyPair(Secret(pem), base64.b64encode(der).decode(), fingerprint(der))


def public_der(key: RSAPrivateKey) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a key's public half."""
    from cryptography.hazmat.primitives import serialization

    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(der: bytes) -> str:
    """Return `SHA256:` and the base64 SHA-256 of a DER SubjectPublicKeyInfo, as `DESCRIBE USER` shows it.

    Source: https://docs.snowflake.com/en/user-guide/key-pair-auth
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
