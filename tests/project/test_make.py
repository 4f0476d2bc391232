"""What `make` offers, and the order in which the whole check runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = ["setup", "demo", "run", "test", "test-all", "lint", "types", "docs", "bench", "check", "fmt", "wheel"]


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_alone_prints_help() -> None:
    """Without a target nothing is done, and each target is listed with what it does."""
    listed = dict(re.findall(r"^  (\S+) +(\S.*)$", make(), re.MULTILINE))
    assert set(TARGETS) <= set(listed)


def test_the_check_is_lint_types_docs_then_every_test() -> None:
    """`make check` ends with pytest over everything, after lint, types and docs; also with several jobs."""
    planned = [line for line in make("-n", "-j4", "check").splitlines() if ".venv/bin" in line]
    tools = [re.findall(r"\.venv/bin/(\S+(?: -m \S+)?)", line)[0] for line in planned]
    assert tools == ["ruff", "mypy", "python -m sphinx", "python -m pytest"]
    assert planned[-1].endswith("-m pytest -n auto --dist loadfile")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with the CI script and a PATH that has everything but git."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for tool in ("bash", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def command(checkout: Path, name: str, body: str) -> None:
    (checkout / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
    (checkout / "bin" / name).chmod(0o755)


@pytest.mark.parametrize("status", [0, 2])
def test_ci_installs_what_is_missing_and_answers_as_the_check(checkout: Path, status: int) -> None:
    """CI installs the system packages that are missing, and only those; then its exit status is the check's."""
    for there in ("python3", "chromium", "node", "npm", "sh"):
        command(checkout, there, "exit 0")
    command(checkout, "apt-get", 'echo "apt-get $@"')
    command(checkout, "make", f'[ "$1" = --version ] || {{ echo "make $@"; exit {status}; }}')
    environment = {"PATH": str(checkout / "bin")}
    result = subprocess.run(
        [str(checkout / ".ci" / "run")], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == status, result.stderr
    update, install, check = result.stdout.splitlines()
    assert update.startswith("apt-get update")
    assert install.endswith("--no-install-recommends git")
    assert check == "make check"
