"""The labelled statements in the project are the ones that were agreed upon."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[2].parent / "shared" / "guard"


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared guard rows beside this checkout")
@pytest.mark.parametrize("name", ["README.md", "statements.jsonl"])
def test_the_copies_are_the_shared_files(name: str) -> None:
    """The rows and their explanation are byte for byte those that are shared beside the checkout."""
    assert (HERE / name).read_bytes() == (SHARED / name).read_bytes()


def test_there_are_531_rows() -> None:
    """No labelled row is missing."""
    assert len((HERE / "statements.jsonl").read_text(encoding="utf-8").splitlines()) == 531
