"""Refuse private keys in the repository: exits 1 and names each file that holds one, never its text.

Run without arguments it reads every file git tracks; with arguments, those files (as a commit hook does).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

# A header alone is what code that reads keys says; a header with a body is a key. A JSON text writes newlines as \n.
_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\r|\\n)*(?:[\w-]+: .*\s+)*[A-Za-z0-9+/]{40}")
_JWK_KIND = re.compile(rb'\\?"kty\\?"\s*:')
_JWK_SECRET = re.compile(rb'\\?"d\\?"\s*:\s*\\?"[A-Za-z0-9_-]{40}')
_SUFFIXES = {".p8", ".p12", ".pfx", ".jks"}


def holds_key(path: Path, content: bytes) -> bool:
    """Return whether the file is, or contains, a private key in PEM, DER, JWK or a key store."""
    jwk = _JWK_KIND.search(content) and _JWK_SECRET.search(content)
    return bool(_PEM.search(content) or jwk or _is_der(content) or path.suffix in _SUFFIXES)


def _is_der(content: bytes) -> bool:
    if content[:1] != b"0" or len(content) > 16_384:
        return False
    try:
        load_der_private_key(content, password=None)
    except TypeError:  # it is encrypted
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def tracked() -> list[Path]:
    """Return every file git tracks in the current directory that is still there."""
    listing = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True).stdout  # noqa: S607
    return [path for name in listing.decode().split("\0") if name and (path := Path(name)).is_file()]


def main(names: list[str]) -> int:
    """Return the exit status for these files, or for every tracked one."""
    paths = [Path(name) for name in names] or tracked()
    found = [path for path in paths if holds_key(path, path.read_bytes())]
    for path in found:
        sys.stderr.write(f"{path}: holds a private key; generate keys where they are used instead\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
