"""The golden exchanges in this repository are the shared ones, untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "tests" / "wire"
SHARED = ROOT.parent / "shared" / "wire"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared golden exchanges are not beside this checkout")
def test_golden_files_equal_the_shared_ones() -> None:
    """Every golden file here is byte for byte the shared file of that name, and none is missing."""
    ours = {path.name: path.read_bytes() for path in OURS.iterdir() if path.is_file()}
    shared = {path.name: path.read_bytes() for path in SHARED.iterdir() if path.is_file()}
    assert ours == shared
