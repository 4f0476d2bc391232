"""The vault's key through its commands, against a gateway that serves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import serve

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


def test_the_key_is_shown_and_turned(run: Run, tmp_path: Path) -> None:
    """Status names fingerprints and counts; rotate ends with everything under a new key; only admins turn it."""
    with serve("--sandbox", "--home", tmp_path / "home") as ready:
        admin = {"SKIPASS_URL": ready["url"], "SKIPASS_API_KEY": ready["admin"]["api_key"]}
        before = run("vault", "status", "--format", "json", **admin).json
        assert set(before["sealed"]) == {before["in_use"]}
        assert before["where"] == "the file vault.key"
        after = run("vault", "rotate", "--format", "json", **admin).json
        assert after["in_use"] != before["in_use"]
        assert (after["turning_to"], set(after["sealed"])) == (None, {after["in_use"]})
        assert sum(after["sealed"].values()) == sum(before["sealed"].values())
        shown = run("vault", "rotate", **admin)
        assert shown.status == 0
        assert "Back up the new key now" in shown.out
        refused = run("vault", "rotate", **admin | {"SKIPASS_API_KEY": ready["agent"]["api_key"]})
        assert refused.status != 0
        assert "forbidden" in refused.err
        key = (tmp_path / "home" / "vault.key").read_text().strip()
        assert key not in shown.out + str(after)
    with serve("--sandbox", "--home", tmp_path / "home") as again:
        assert again["url"]
