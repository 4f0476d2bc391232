"""The commands of the page about the record, executed where a gateway keeps its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import commands
from skipass.demo.stage import gateway

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_an_export_verifies_without_the_gateway(tmp_path: Path) -> None:
    """The page's commands write an export and verify it against the signed checkpoints; a changed line is found."""
    home = tmp_path / "home"
    async with gateway(home):
        pass
    environment = os.environ | {
        "SKIPASS_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    export, verify = commands("explanation/record.md")
    subprocess.run(["bash", "-c", export], cwd=home, env=environment, check=True)
    said = subprocess.check_output(["bash", "-c", verify], cwd=home, env=environment, text=True)
    assert "records in" in said
    lines = (home / "record.jsonl").read_text()
    assert '\\"by\\"' in lines
    (home / "record.jsonl").write_text(lines.replace('\\"by\\"', '\\"bye\\"', 1))
    changed = subprocess.run(
        ["bash", "-c", verify], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert changed.returncode == 1
    assert "chain_broken: record " in changed.stderr
