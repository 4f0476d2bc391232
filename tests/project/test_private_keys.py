"""The check that keeps private keys out of the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import RSAKey

SCRIPT = Path(__file__).parents[2] / "scripts" / "private_keys.py"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, PrivateKey] = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
FORMATS = [
    (serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    (serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"a passphrase")),
]


def check(*names: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *names], cwd=cwd, capture_output=True, text=True, check=False)


def private_bytes(name: str, encoding: serialization.Encoding, form: int) -> bytes:
    return KEYS[name].private_bytes(encoding, *FORMATS[form])


@pytest.mark.parametrize("form", [0, 1], ids=["plain", "encrypted"])
@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
@pytest.mark.parametrize("name", KEYS)
def test_a_private_key_is_refused(tmp_path: Path, name: str, encoding: serialization.Encoding, form: int) -> None:
    """A file that is a private key, PEM or DER, plain or encrypted, is refused under any name."""
    (tmp_path / "notes.txt").write_bytes(private_bytes(name, encoding, form))
    result = check("notes.txt", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("notes.txt: holds a private key")


def test_a_traditional_pem_is_refused(tmp_path: Path) -> None:
    """An RSA key in the older PEM form is refused as well."""
    pem = KEYS["rsa"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (tmp_path / "k").write_bytes(b"# a comment\n" + pem)
    assert check("k", cwd=tmp_path).returncode == 1


def test_a_key_inside_json_is_refused_and_not_shown(tmp_path: Path) -> None:
    """A key in a JSON text, as PEM or as JWK, is refused, and the message names the file without the key."""
    pem = private_bytes("rsa", serialization.Encoding.PEM, 0).decode()
    jwk = RSAKey.import_key(pem).as_dict(private=True)
    (tmp_path / "pem.json").write_text(json.dumps({"key": pem}))
    (tmp_path / "jwk.json").write_text(json.dumps(jwk))
    result = check("pem.json", "jwk.json", cwd=tmp_path)
    assert result.returncode == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["pem.json", "jwk.json"]
    assert str(jwk["d"])[:20] not in result.stderr


def test_code_and_public_keys_are_not_mistaken_for_keys(tmp_path: Path) -> None:
    """A public key, a certificate header and code that names the PEM header pass."""
    public = KEYS["rsa"].public_key()
    spki = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.txt").write_bytes(public.public_bytes(*spki))
    (tmp_path / "jwk.json").write_text(json.dumps(RSAKey.import_key(public.public_bytes(*spki)).as_dict()))
    (tmp_path / "code.py").write_text('if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    load(text)\n')
    result = check("public.txt", "jwk.json", "code.py", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_every_tracked_file_is_read(tmp_path: Path) -> None:
    """Without arguments the files that git tracks are read, and no others."""
    pem = private_bytes("ec", serialization.Encoding.PEM, 0)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    (tmp_path / "untracked").write_bytes(pem)
    assert check(cwd=tmp_path).returncode == 0
    (tmp_path / "a dir").mkdir()
    (tmp_path / "a dir" / "tracked").write_bytes(pem)
    subprocess.run(["git", "add", "a dir/tracked"], cwd=tmp_path, check=True)
    assert check(cwd=tmp_path).stderr.startswith("a dir/tracked: ")
