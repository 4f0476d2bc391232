"""The pinned requirements are complete, hashed, and name no registry."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
SETS = {"server": ["server", "sandbox"], "dev": list(EXTRAS)}


def entries(name: str) -> list[str]:
    """Return each requirement of a set on one line, its hashes included, comments left out."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins(name: str) -> dict[str, set[str]]:
    """Return the pinned versions by canonical name; a marker may give a name several."""
    found: dict[str, set[str]] = {}
    for entry in entries(name):
        requirement = Requirement(entry.split(" --hash=")[0].strip())
        versions = {spec.version for spec in requirement.specifier if spec.operator == "=="}
        found.setdefault(canonicalize_name(requirement.name), set()).update(versions)
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_file_is_pinned_and_hashed(name: str) -> None:
    """Each entry names one exact version and at least one SHA-256."""
    form = re.compile(r"^[\w.-]+(\[[\w,-]+\])?==[\w.+!]+( ; [^-]+?)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+$")
    assert [entry[:80] for entry in entries(name) if not form.match(entry)] == []


@pytest.mark.parametrize("name", SETS)
def test_no_registry_and_no_path_is_named(name: str) -> None:
    """The files say what to install and leave to the installer where from."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert re.findall(r"https?://|file:|--index|--extra-index|--find-links|^#.*\s/\w+", text, re.MULTILINE) == []


@pytest.mark.parametrize("name", SETS)
def test_what_the_project_asks_for_is_pinned(name: str) -> None:
    """Each dependency of the set's extras, and the build backend, is pinned to a version that satisfies it."""
    build = PROJECT["build-system"]["requires"]
    asked = [*PROJECT["project"]["dependencies"], *build, *(r for extra in SETS[name] for r in EXTRAS[extra])]
    have = pins(name)
    wanted = [Requirement(text) for text in asked]
    unmet = [r for r in wanted if not any(r.specifier.contains(v) for v in have.get(canonicalize_name(r.name), ()))]
    assert unmet == []


def test_one_environment_can_serve_both_sets() -> None:
    """The smaller set's versions are the larger one's."""
    larger = pins("dev")
    assert {n: v for n, v in pins("server").items() if larger.get(n) != v} == {}


# What is outside these is for the optional parts of the library, which say what they need when they are used.
ROOMS = (
    "access",
    "app",
    "audit",
    "cli",
    "demo",
    "gateway",
    "identity",
    "sandbox",
    "storage",
    "surfaces",
    "tools",
    "vault",
)


OPTIONAL = {"asyncpg"}
"""What an extra of its own brings, and `skipass.app.database` asks for before anything imports it."""


def imported(room: str) -> set[str]:
    """Return the top-level names of what a room imports and neither this project nor Python brings."""
    names: set[str] = set()
    for path in (ROOT / "src" / "skipass" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    # Fixtures for other people's tests are imported by their pytest.
    return names - set(sys.stdlib_module_names) - {"skipass", "pytest"}


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_imports_is_what_the_demo_installs(room: str) -> None:
    """Each module of another package comes with a pinned one: what development brings along is not there elsewhere."""
    known = packages_distributions()
    brought = {name: {canonicalize_name(one) for one in known.get(name, [])} for name in imported(room) - OPTIONAL}
    assert [name for name, packages in brought.items() if not packages & set(pins("server"))] == []


def test_a_lock_file_says_what_and_not_from_where() -> None:
    """Packages of npm are pinned by their hashes; no lock file records a registry's address."""
    found = [path for path in (ROOT / "tests").rglob("package-lock.json") if "node_modules" not in path.parts]
    assert found
    for path in found:
        text = path.read_text()
        assert '"integrity"' in text
        assert '"resolved"' not in text
