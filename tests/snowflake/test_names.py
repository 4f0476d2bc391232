"""What the package offers, each name imported at its first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skipass import snowflake


@pytest.mark.parametrize("name", snowflake.__all__)
def test_each_name_is_what_it_says(name: str) -> None:
    """A public name gives the thing of that name, and the same one each time."""
    found = getattr(snowflake, name)
    assert getattr(found, "__name__", name) == name
    assert getattr(snowflake, name) is found


def test_no_other_name_is_offered() -> None:
    """A name that is not public is missing, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = snowflake.Nothing


def test_one_part_does_not_bring_the_others() -> None:
    """Who imports how to wait does not get keys, tokens and clients with it."""
    code = "import sys, skipass.snowflake.pace; print(*sorted(m for m in sys.modules if m.startswith('skipass.snow')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["skipass.snowflake", "skipass.snowflake.errors", "skipass.snowflake.pace"]
