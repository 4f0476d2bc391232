"""Programs from PyPI that cannot live beside ours: installed once from pinned hashes into a folder of their own."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from program import Program


@dataclass(frozen=True, slots=True)
class Installed:
    """The packages of one file of pins."""

    site: Path

    def program(self, script: Path, *arguments: str) -> Program:
        """Return a script that sees these packages and none of ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SKIPASS_"))}
        paths = {"PYTHONPATH": str(self.site), "NO_PROXY": "127.0.0.1,localhost"}
        return Program([sys.executable, "-S", str(script), *arguments], self.site, kept | paths)


def installed(pins: Path, cache: Path) -> Installed:
    """Return the packages that a file pins, installing them if this is the first time."""
    place = cache / f"{pins.stem}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"
    with (cache / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the workers of one run share the cache
        if not (place / "done").exists():
            shutil.rmtree(place, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes"]
            only = ["--only-binary", ":all:", "--disable-pip-version-check"]
            subprocess.run([*command, *only, "--target", str(place / "site"), "-r", str(pins)], check=True, timeout=400)
            (place / "done").touch()
    return Installed(place / "site")
