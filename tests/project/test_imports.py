"""The import contracts hold, and each of them notices the import it is there for."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

# One import each contract must refuse: contract, the module that does it, what it imports.
VIOLATIONS = [
    ("rooms", "skipass/nouns/planted.py", "skipass.gateway"),
    ("rooms", "skipass/gateway/planted_storage.py", "skipass.storage"),
    ("surfaces", "skipass/surfaces/edge/planted.py", "skipass.surfaces.mcp"),
    ("storage", "skipass/surfaces/edge/planted_storage.py", "skipass.storage"),
    ("storage-below", "skipass/storage/planted.py", "skipass.access.planted"),
    ("sandbox", "skipass/gateway/planted_sandbox.py", "skipass.sandbox.planted"),
    ("parser", "skipass/gateway/planted_parser.py", "sqlglot"),
    ("database", "skipass/audit/planted.py", "sqlalchemy"),
    ("rest-framework", "skipass/surfaces/edge/planted_rest.py", "fastapi"),
    ("engine", "skipass/gateway/planted_engine.py", "duckdb"),
    ("mcp-sdk", "skipass/gateway/planted_sdk.py", "mcp"),
    ("sdk", "skipass/sdk/planted.py", "skipass.nouns"),
    ("frameworks", "skipass/sdk/planted_framework.py", "langchain_core"),
    ("base", "skipass/nouns/planted_base.py", "pydantic"),
]


def contract_names() -> dict[str, str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return {s.rsplit(":", 1)[1]: parser[s]["name"] for s in parser.sections() if ":contract:" in s}


def lint(source: Path) -> str:
    command = [*LINT, "--config", str(ROOT / ".importlinter")]
    environment = {"PYTHONPATH": str(source), "PATH": "", "COLUMNS": "200"}
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src" / "skipass", source / "skipass", ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("surfaces/mcp", "access", "sandbox"):
        (source / "skipass" / room).mkdir(exist_ok=True)
        (source / "skipass" / room / "__init__.py").touch()
    for target in ("access", "sandbox"):
        (source / "skipass" / target / "planted.py").write_text('"""Something to import."""\n')
    for _, module, target in VIOLATIONS:
        (source / module).write_text(f"import {target}\n")
    return lint(source)


def test_the_source_keeps_every_contract() -> None:
    """Nothing in the source imports across a wall."""
    assert f"Contracts: {len(contract_names())} kept, 0 broken." in lint(ROOT / "src")


@pytest.mark.parametrize(("contract", "module", "target"), VIOLATIONS, ids=[f"{c}-{t}" for c, _, t in VIOLATIONS])
def test_a_contract_notices_its_violation(planted: str, contract: str, module: str, target: str) -> None:
    """An import that a contract forbids breaks that contract, and the report names the module."""
    report = planted.split("Broken contracts")[1]
    assert f"{contract_names()[contract]} BROKEN" in planted
    assert module.removesuffix(".py").replace("/", ".") in report
    assert target in report


def test_every_contract_has_a_violation_to_notice() -> None:
    """No contract goes unproven."""
    assert {contract for contract, _, _ in VIOLATIONS} == set(contract_names())
