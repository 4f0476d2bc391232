"""Key files: owner-only, made once, and refused with a hint when anything about them is wrong."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from skipass.errors import SkipassError
from skipass.vault.keys import new_signing_key, new_vault_key, signing_key, vault_key, write_owner_only


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vault.key"
    new_vault_key(path)
    return path


def test_a_new_key_is_its_owners_alone_and_new(file: Path, tmp_path: Path) -> None:
    """A key file is made with mode 0600 whatever the umask, holds 256 bits, and no two are alike."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    new_vault_key(tmp_path / "other.key")
    one, two = vault_key(file), vault_key(tmp_path / "other.key")
    assert len(one.reveal()) == 32
    assert one.fingerprint != two.fingerprint
    assert one.fingerprint == vault_key(file).fingerprint


def test_a_key_is_never_overwritten(file: Path) -> None:
    """Making a key where one is leaves the old one, which alone opens what it sealed."""
    before = file.read_bytes()
    with pytest.raises(SkipassError) as refused:
        new_vault_key(file)
    assert refused.value.code == "already_initialised"
    assert file.read_bytes() == before


def spoil(file: Path, how: str) -> None:
    """Do to a key file what happens to key files."""
    match how:
        case "missing":
            file.unlink()
        case "readable by the group":
            file.chmod(0o640)
        case "readable by everybody":
            file.chmod(0o604)
        case "a directory":
            file.unlink()
            file.mkdir(mode=0o700)
        case "empty":
            file.write_bytes(b"")
        case "too short":
            file.write_bytes(base64.b64encode(b"x" * 16))
        case "too long":
            file.write_bytes(base64.b64encode(b"x" * 33))
        case "not base 64":
            file.write_bytes(b"\xff\xfe!")
        case "cut short":
            file.write_bytes(file.read_bytes()[:-10])


WAYS = [
    "missing", "readable by the group", "readable by everybody", "a directory", "empty", "too short", "too long",
    "not base 64", "cut short",
]  # fmt: skip


@pytest.mark.parametrize("how", WAYS)
def test_a_spoilt_key_file_is_refused_with_a_hint(file: Path, how: str) -> None:
    """Missing, open to others, of another size, no key at all: `vault_key`, what to do, and nothing of the key."""
    text = file.read_text().strip()
    spoil(file, how)
    with pytest.raises(SkipassError) as refused:
        vault_key(file)
    assert refused.value.code == "vault_key"
    assert refused.value.hint
    assert text[:12] not in str(refused.value.as_dict())


def test_a_file_that_others_may_read_says_how_to_close_it(file: Path) -> None:
    """The hint is the command that makes the file its owner's again, and then it is accepted."""
    file.chmod(0o644)
    with pytest.raises(SkipassError, match="readable by others") as refused:
        vault_key(file)
    assert f"chmod 600 {file}" in refused.value.hint
    file.chmod(0o600)
    assert vault_key(file)


def test_the_signing_key_signs_for_its_public_half(tmp_path: Path) -> None:
    """What the private half signs, the public file verifies; the private file is its owner's alone."""
    private, public = tmp_path / "audit.key", tmp_path / "audit.pub"
    new_signing_key(private, public)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = serialization.load_pem_public_key(public.read_bytes())
    key.verify(signing_key(private).sign(b"x"), b"x")


@pytest.mark.parametrize("content", [b"", b"not a key", None])
def test_what_is_no_signing_key_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Nonsense and a key of another algorithm are `vault_key`."""
    if content is None:
        pem, raw = serialization.Encoding.PEM, serialization.NoEncryption()
        content = generate_private_key(SECP256R1()).private_bytes(pem, serialization.PrivateFormat.PKCS8, raw)
    write_owner_only(tmp_path / "audit.key", content)
    with pytest.raises(SkipassError) as refused:
        signing_key(tmp_path / "audit.key")
    assert refused.value.code == "vault_key"
