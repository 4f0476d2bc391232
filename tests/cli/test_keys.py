"""Key pairs for Snowflake: made safely, and read in every form people have them in."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from skipass.cli.keyfiles import fingerprint_of, private_pem, public_key_of
from skipass.snowflake.auth.keys import read_private_key
from skipass.snowflake.errors import SnowflakeConfigError

SPKI = s.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """One key for the module: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def der(key: rsa.RSAPrivateKey) -> str:
    """Return the public half as base 64 DER."""
    return base64.b64encode(key.public_key().public_bytes(s.Encoding.DER, SPKI)).decode()


def test_a_new_key_is_its_owners_alone(run, tmp_path: Path) -> None:
    """The private key lands in a file of its owner, the output holds only the public half and its fingerprint."""
    path = tmp_path / "key.p8"
    made = run("key", "new", "--out", path, "--login", "svc_agent", "--format", "json")
    assert made.status == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in made.out
    assert made.json["public_key"] == der(read_private_key(path))
    assert made.json["fingerprint"] == fingerprint_of(made.json["public_key"])
    assert made.json["sql"] == f"ALTER USER \"SVC_AGENT\" SET RSA_PUBLIC_KEY = '{made.json['public_key']}';"


def test_a_new_key_is_told_to_people(run, tmp_path: Path) -> None:
    """Without JSON the same statement and fingerprint are printed to paste and compare."""
    path = tmp_path / "key.p8"
    made = run("key", "new", "--out", path)
    assert f"SET RSA_PUBLIC_KEY = '{public_key_of(path)}';" in made.out
    assert fingerprint_of(public_key_of(path)) in made.out


def test_no_file_is_overwritten(run, tmp_path: Path) -> None:
    """A file that exists is left as it is."""
    path = tmp_path / "key.p8"
    path.write_text("mine")
    refused = run("key", "new", "--out", path)
    assert (refused.status, refused.out, path.read_text()) == (1, "", "mine")
    assert refused.err.startswith("conflict: ")


def test_an_encrypted_key_needs_its_passphrase(run, tmp_path: Path) -> None:
    """With --encrypt the file cannot be read without the passphrase that was typed."""
    path = tmp_path / "key.p8"
    assert run("key", "new", "--out", path, "--encrypt", stdin="a pass phrase\na pass phrase\n").status == 0
    assert b"ENCRYPTED" in path.read_bytes()
    with pytest.raises(SnowflakeConfigError):
        read_private_key(path)
    assert public_key_of(path, "a pass phrase") == der(read_private_key(path, "a pass phrase"))


@pytest.mark.parametrize(
    ("encoding", "form", "protection"),
    [
        (s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()),
        (s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption()),
        (s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption()),
        (s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"secret")),
    ],
)
def test_every_private_form_gives_the_same_key(
    tmp_path: Path, key: rsa.RSAPrivateKey, encoding, form, protection
) -> None:
    """PKCS#8 and PKCS#1, PEM and DER, encrypted or not: one PEM to send, one public half."""
    path = tmp_path / "key"
    path.write_bytes(key.private_bytes(encoding, form, protection))
    path.chmod(0o600)
    passphrase = None if isinstance(protection, s.NoEncryption) else "secret"
    sent = private_pem(path, passphrase)
    assert s.load_pem_private_key(sent.reveal().encode(), None).private_numbers() == key.private_numbers()
    assert "PRIVATE" not in repr(sent)
    assert public_key_of(path, passphrase) == der(key)


@pytest.mark.parametrize("form", ["pem", "line", "lines"])
def test_every_public_form_gives_the_same_line(tmp_path: Path, key: rsa.RSAPrivateKey, form: str) -> None:
    """A public key is read from PEM and from bare base 64, broken into lines or not."""
    line = der(key)
    pem = key.public_key().public_bytes(s.Encoding.PEM, SPKI).decode()
    lines = "\n".join(line[at : at + 64] for at in range(0, len(line), 64)) + "\n"
    path = tmp_path / "key.pub"
    path.write_text({"pem": pem, "line": line, "lines": lines}[form])
    assert public_key_of(path) == line


def test_what_is_no_rsa_key_is_refused(tmp_path: Path) -> None:
    """Another algorithm, garbage and a missing file are refused by name, without their content."""
    other = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(s.Encoding.PEM, SPKI)
    for name, content in (
        ("ec.pub", other),
        ("junk", b"-----BEGIN PUBLIC KEY-----\nsecretsecret"),
        ("der", b"\x30\x01"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(SnowflakeConfigError) as refused:
            public_key_of(path)
        assert "secret" not in str(refused.value)
    with pytest.raises(SnowflakeConfigError, match="missing"):
        public_key_of(tmp_path / "missing")


def test_a_key_that_others_can_read_is_remarked_on(tmp_path: Path, key: rsa.RSAPrivateKey, capsys) -> None:
    """A private key with a loose mode is used, and its owner told."""
    path = tmp_path / "key.p8"
    path.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    path.chmod(0o644)
    private_pem(path)
    assert f"chmod 600 {path}" in capsys.readouterr().err
