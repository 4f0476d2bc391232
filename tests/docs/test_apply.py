"""The page of `apply`, executed: its files as they stand there, its commands in their order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import serve
from docs.pages import commands, sections
from skipass.cli.keyfiles import private_pem

pytestmark = pytest.mark.slow

PAGE = "apply.md"


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with serve("--sandbox", "--home", tmp_path_factory.mktemp("gateway") / "home") as ready:
        ready["sandbox"].setdefault("account", "SKIPASS-SANDBOX")
        yield ready


@pytest.fixture
def folder(tmp_path: Path, sandboxed: dict[str, Any]) -> Path:
    """A directory with the page's files; the stand-in is found by its address, a real account by its identifier."""
    declaration, policy = [block for one in sections(f"how-to/{PAGE}") for block in one.blocks("toml")]
    found = f'account = "MYORG-MYACCOUNT"\nhost = "{sandboxed["sandbox"]["account_url"]}"'
    text = "\n".join(declaration).replace('account = "MYORG-MYACCOUNT"', found).replace('"sam"', '"sandra"')
    (tmp_path / "skipass.toml").write_text(text)
    (tmp_path / "policy.toml").write_text("\n".join(policy))
    key = tmp_path / "snowflake_key.p8"
    key.write_text(private_pem(Path(sandboxed["sandbox"]["users"][-1]["private_key_path"])).reveal())
    key.chmod(0o600)
    return tmp_path


def run(command: str, folder: Path, sandboxed: dict[str, Any]) -> list[str]:
    """Run one command of the page as the admin and return what each line begins with."""
    environment = {**os.environ, "SKIPASS_URL": sandboxed["url"], "OWN_SECRET": "of the integration"}
    environment |= {"SKIPASS_API_KEY": sandboxed["admin"]["api_key"]}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return re.findall(r"^([+~=]) ", ran.stdout, re.MULTILINE)


def test_the_page_s_file_is_applied_once(folder: Path, sandboxed: dict[str, Any]) -> None:
    """The dry run shows everything as new, the first run makes it, and the second finds all of it the same."""
    dry, first, second = commands(f"how-to/{PAGE}")
    for command in (dry, first):
        assert run(command, folder, sandboxed) == ["+"] * 6
    assert run(second, folder, sandboxed) == ["="] * 6
    assert (folder / "analyst.key").stat().st_mode & 0o077 == 0
