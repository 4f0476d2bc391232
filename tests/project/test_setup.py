"""The set-up script: which interpreter it takes, and what it says when it cannot go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts" / "setup"
TOOLS = ["bash", "cat", "chmod", "dirname", "grep", "id", "rm", "sha256sum"]
REAL = """#!/bin/sh
exec {python} "$@"
"""
# An interpreter as Debian ships it: it runs, but has no ensurepip.
BARE = """#!/bin/sh
case "$2" in *ensurepip*) exit 1 ;; esac
exec {python} "$@"
"""
BROKEN = """#!/bin/sh
echo "this version is not set up" >&2
exit 127
"""

# A package manager that makes the interpreter complete.
INSTALLER = """#!/bin/sh
echo "$@" >> calls
if [ "$1" = install ]; then rm bin/python3 && cat bin/python3-complete > bin/python3 && chmod +x bin/python3; fi
"""
PROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny"
version = "1"
"""
BACKEND = """
import zipfile


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project that needs nothing, with a PATH of its own in `bin`."""
    for folder in ("scripts", "requirements", "bin", "src/tiny"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "scripts" / "setup")
    (tmp_path / "requirements" / "server.txt").touch()
    (tmp_path / "requirements" / "dev.txt").touch()
    # The build backend lies in the project, since nothing is downloaded here.
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def command(project: Path, name: str, text: str) -> None:
    path = project / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(text.format(python=sys.executable))
    path.chmod(0o755)


def setup(project: Path, set_name: str) -> subprocess.CompletedProcess[str]:
    pip = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    environment = {"PATH": str(project / "bin"), "HOME": str(project), **pip}
    arguments = ["bash", "scripts/setup", set_name]
    return subprocess.run(arguments, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_a_version_that_only_looks_installed_is_passed_over(project: Path) -> None:
    """A newer interpreter that does not start is passed over for an older one that does."""
    command(project, "python3.14", BROKEN)
    command(project, "python3.11", REAL)
    result = setup(project, "server")
    assert result.returncode == 0, result.stderr
    assert (project / ".venv" / "bin" / "python").exists()
    assert f"making .venv with Python {sys.version.split()[0]}" in result.stdout


def test_setting_up_again_does_nothing(project: Path) -> None:
    """Nothing is installed while nothing changed, and a change of the pins installs again."""
    command(project, "python3.11", REAL)
    assert "installing" in setup(project, "server").stdout
    assert setup(project, "server").stdout == ""
    (project / "requirements" / "server.txt").write_text("# another pin\n")
    assert "installing requirements/server.txt" in setup(project, "server").stdout


def test_development_contains_the_server(project: Path) -> None:
    """An environment for development is good for running, not the other way round."""
    command(project, "python3.11", REAL)
    assert setup(project, "server").returncode == 0
    assert "installing requirements/dev.txt" in setup(project, "dev").stdout
    assert setup(project, "server").stdout == ""


def test_an_environment_that_was_moved_is_made_again(project: Path) -> None:
    """An environment whose commands name another place is replaced, since they would run what lies there."""
    command(project, "python3.11", REAL)
    assert setup(project, "server").returncode == 0
    moved = project.rename(project.with_name("moved"))
    assert "making .venv" in setup(moved, "server").stdout
    assert str(moved) in (moved / ".venv" / "bin" / "pip").read_text()


def test_no_python_is_said(project: Path) -> None:
    """Without a suitable interpreter the set-up fails and says what is needed."""
    result = setup(project, "server")
    assert result.returncode == 1
    assert result.stderr == "setup: Python 3.11 to 3.14 is needed, and none was found on PATH\n"


def test_without_root_the_one_command_is_named(project: Path) -> None:
    """Where environments cannot be made and the caller is not root, the command that changes it is printed."""
    command(project, "python3", BARE)
    command(project, "apt-get", BROKEN)
    command(project, "id", "#!/bin/sh\necho 1000\n")
    result = setup(project, "server")
    package = f"python3.{sys.version_info.minor}-venv"
    assert result.returncode == 1
    assert f"sudo apt-get install {package}" in result.stderr
    assert not (project / ".venv").exists()


def test_as_root_the_missing_package_is_installed(project: Path) -> None:
    """Where environments cannot be made and the caller is root, the package lists are renewed and it is installed."""
    command(project, "python3", BARE)
    command(project, "id", "#!/bin/sh\necho 0\n")
    command(project, "python3-complete", REAL)
    command(project, "apt-get", INSTALLER)
    result = setup(project, "server")
    assert result.returncode == 0, result.stderr
    update, install = (project / "calls").read_text().splitlines()
    assert update.split()[0] == "update"
    assert install.split()[0] == "install"
    assert install.split()[-1] == f"python3.{sys.version_info.minor}-venv"
