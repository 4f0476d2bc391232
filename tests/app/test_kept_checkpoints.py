"""The file of signed checkpoints, read from its end: every whole line once, whatever its length and that of a block."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from skipass.app import checkpoints
from skipass.app.checkpoints import KeptCheckpoints

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32).public_key()
LINES = st.lists(st.binary(max_size=9).map(lambda text: text.replace(b"\n", b".")), max_size=12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "checkpoints.jsonl"


@given(lines=LINES, unfinished=st.sampled_from([b"", b"half"]), block=st.integers(1, 20), limit=st.integers(1, 5))
def test_lines_are_read_from_the_end(path: Path, lines: list[bytes], unfinished: bytes, block: int, limit: int) -> None:
    """Page after page gives each line once, the last first, and never one that is still being written."""
    path.write_bytes(b"".join(line + b"\n" for line in lines) + unfinished)
    kept, found, before = KeptCheckpoints(path, KEY), list[bytes](), None
    with patch.object(checkpoints, "BLOCK", block):
        while page := kept.newest(before=before, limit=limit):
            assert len(page) <= limit
            assert [kept.at(one.begins) for one in page] == page
            found += [one.text for one in page]
            before = page[-1].begins
    assert found == lines[::-1]


def test_a_place_within_a_line_is_none(path: Path, tmp_path: Path) -> None:
    """Nothing begins in the middle of a line, before the file, behind it, or where there is none."""
    path.write_bytes(b"abc\ndef\n")
    kept = KeptCheckpoints(path, KEY)
    assert [kept.at(begins) for begins in (-1, 1, 3, 8, 99)] == [None] * 5
    nowhere = KeptCheckpoints(tmp_path / "nowhere", KEY)
    assert (nowhere.at(0), nowhere.newest(before=None, limit=5)) == (None, [])
