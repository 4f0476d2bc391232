"""The file of tokens belongs to one person alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from skipass.cli.credentials import Credentials, write_owner_only
from skipass.errors import SkipassError
from skipass.secret import Secret

URL = "http://127.0.0.1:8787"


def kept(path: Path) -> Credentials:
    """Return a file with one token in it."""
    credentials = Credentials(path / "new" / "credentials.json")
    credentials.keep(URL, Secret("skp_token"), "ana", "2026-01-01T00:00:00Z")
    return credentials


def test_only_the_owner_may_read_file_and_directory(tmp_path: Path) -> None:
    """The file is made 0600 in a directory made 0700, and nothing else is left beside it."""
    path = kept(tmp_path).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_token_is_found_by_its_gateway(tmp_path: Path) -> None:
    """A token comes back for the address it was kept for, and for no other."""
    credentials = kept(tmp_path)
    token = credentials.token(URL)
    assert token is not None
    assert token.reveal() == "skp_token"
    assert credentials.token("http://127.0.0.1:9999") is None
    assert credentials.default_url() == URL


def test_a_forgotten_token_is_gone_from_the_file(tmp_path: Path) -> None:
    """After forgetting, the text of the token is nowhere in the file and the address is no default any more."""
    credentials = kept(tmp_path)
    assert credentials.forget(URL)
    assert b"skp_token" not in credentials.path.read_bytes()
    assert credentials.default_url() is None
    assert not credentials.forget(URL)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A token that others could read is not used; the refusal says what to do and not what it is."""
    credentials = kept(tmp_path)
    credentials.path.chmod(0o640)
    with pytest.raises(SkipassError) as refused:
        credentials.token(URL)
    assert refused.value.code == "unauthenticated"
    assert "chmod 600" in refused.value.hint
    assert "skp_token" not in f"{refused.value}{refused.value.hint}"


OTHER_SHAPES = [
    b"not json",
    b"[]",
    b"{}",
    b'{"default": 1, "gateways": {}}',
    b'{"default": null, "gateways": {"u": "t"}}',
]


@pytest.mark.parametrize("content", OTHER_SHAPES)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is not such a file is not taken for an empty one, so nothing is overwritten."""
    path = tmp_path / "credentials.json"
    write_owner_only(path, (content,))
    with pytest.raises(SkipassError, match="unauthenticated"):
        Credentials(path).keep(URL, Secret("t"), "ana", "never")
    assert path.read_bytes() == content


def test_an_existing_file_is_never_written(tmp_path: Path) -> None:
    """Making an owner-only file fails where one exists, and never follows a link."""
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"before")
    link.symlink_to(tmp_path / "elsewhere")
    for target in (path, link):
        with pytest.raises(FileExistsError):
            write_owner_only(target, (b"after",))
    assert path.read_bytes() == b"before"
    assert not (tmp_path / "elsewhere").exists()
