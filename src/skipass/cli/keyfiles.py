"""Key files as commands take them: a private key ready to send, or the public half of either. Knows no gateway."""

from __future__ import annotations

import base64
import binascii
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from skipass.cli.output import note
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_MINIMUM_BITS = 2048


def private_pem(path: Path, passphrase: str | None = None, *, private: bool = False) -> Secret[str]:
    """Return the RSA key in a file as unencrypted PKCS#8 PEM; asks for a missing passphrase on a terminal only.

    With `private` a file that others can read is refused, else it is warned of.

    Every failure is a `SnowflakeConfigError` that names the file, never its content.
    """
    if private and _open_to_others(path):
        raise SnowflakeConfigError(f"Others can read {path}.", hint=f"chmod 600 {path}")
    return pem_of(_private(path, passphrase))


def pem_of(key: RSAPrivateKey) -> Secret[str]:
    """Return an RSA key as unencrypted PKCS#8 PEM."""
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(encoding, form, serialization.NoEncryption()).decode())


def public_key_of(path: Path, passphrase: str | None = None) -> str:
    """Return the public key in a file, or the public half of the private key in it, as one line of base 64 DER."""
    from skipass.snowflake.auth.keys import public_der

    content = _content(path)
    if b"PRIVATE KEY" in content or (b"-----BEGIN" not in content and not _is_base64(content)):
        return base64.b64encode(public_der(_private(path, passphrase))).decode()
    return base64.b64encode(_public(path, content)).decode()


def fingerprint_of(public_key: str) -> str:
    """Return the fingerprint of a public key in base 64 DER, as `DESCRIBE USER` shows it."""
    from skipass.snowflake.auth.keys import fingerprint

    return fingerprint(base64.b64decode(public_key))


def _private(path: Path, passphrase: str | None) -> RSAPrivateKey:
    from skipass.snowflake.auth.keys import read_private_key

    content = _content(path)
    if _open_to_others(path):
        note(f"{path} can be read by others: chmod 600 {path}")
    if passphrase is None and b"ENCRYPTED" in content and sys.stdin.isatty():
        passphrase = str(typer.prompt(f"Passphrase of {path}", hide_input=True))
    return read_private_key(path, passphrase)


def _public(path: Path, content: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        if b"-----BEGIN" in content:
            key = serialization.load_pem_public_key(content.strip())
        else:
            key = serialization.load_der_public_key(base64.b64decode(b"".join(content.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        raise SnowflakeConfigError(f"{path} holds no public key.", hint="PEM, or one line of base 64.") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MINIMUM_BITS:
        raise SnowflakeConfigError(f"The key in {path} is not an RSA key of at least {_MINIMUM_BITS} bits.")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _open_to_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


def _is_base64(content: bytes) -> bool:
    try:
        return bool(base64.b64decode(b"".join(content.split()), validate=True))
    except binascii.Error:
        return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SnowflakeConfigError(
            f"The key file {path} cannot be read: {error.strerror}.", hint="skipass key new makes one."
        ) from None
