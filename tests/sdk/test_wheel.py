"""The wheel by itself: an environment with it and its own dependencies, and nothing of the server's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sdk.conftest import Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from skipass import Skipass
with Skipass() as client:
    scope = {"schemas": ["OPS_DB.OPS"]}
    with client.sessions.open(connection="jit", scope=scope, ttl=60, reason="wheel") as session:
        print(session.query("SELECT order_id FROM ops.orders WHERE order_id = ?", [1003]).rows())
    print(len(client.tools.list()) > 14)
assert not {"pydantic", "starlette", "sqlalchemy", "sqlglot"} & set(sys.modules)
import skipass
print(skipass.__file__)
"""


def base_distributions() -> set[str]:
    """Return the names of what the base install brings along, to the last."""
    found: set[str] = set()
    waiting = ["skipass"]
    while waiting:
        for text in requires(waiting.pop()) or ():
            needed = Requirement(text)
            if needed.name not in found and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
                found.add(needed.name)
                waiting.append(needed.name)
    return found


def make(directory: Path) -> Path:
    """Build the wheel, put it into an environment of its own beside the base install, and return its Python."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", directory / "dist", ROOT], check=True, capture_output=True)
    (wheel,) = (directory / "dist").glob("skipass-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory / "env"], check=True)
    python = directory / "env" / "bin" / "python"
    (site,) = (directory / "env" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in base_distributions():
        link(name, site)
    return python


def link(name: str, site: Path) -> None:
    """Make an installed distribution's top-level files visible in another environment."""
    from importlib.metadata import files

    for file in files(name) or ():
        top = Path(file.parts[0])
        source = Path(str(file.locate())).parents[len(file.parts) - 1] / top
        if top.name not in ("..", "__pycache__") and not (site / top).exists():
            (site / top).symlink_to(source)


async def test_the_wheel_runs_queries_without_the_server(at: Served, tmp_path: Path) -> None:
    """With the wheel and the base dependencies alone, a program opens a session, reads rows and lists tools."""
    python = await asyncio.to_thread(make, tmp_path)
    environment = {"SKIPASS_URL": at.url, "SKIPASS_API_KEY": at.key, "PATH": ""}
    command = [str(python), "-c", PROGRAM]
    run = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    rows, listed, where = run.stdout.splitlines()
    assert (rows, listed) == ("[(1003,)]", "True")
    assert where.startswith(str(tmp_path))
