"""What the base install must do without the extras, and what the other commands say there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXTRAS = [
    "alembic",
    "fastapi",
    "httptools",
    "prometheus_client",
    "pydantic_settings",
    "sqlalchemy",
    "sqlglot",
    "sqlglotc",
    "starlette",
    "structlog",
    "uvicorn",
    "uvloop",
    "duckdb",
    "mcp",
    "tpchgen_cli",
    "asyncpg",
    "pyarrow",
    "opentelemetry",
]
CODE = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))
from skipass.cli.main import main
sys.argv[0] = "skipass"
main()
"""


def base(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command where none of the extras' modules can be imported."""
    command = [sys.executable, "-c", CODE, *arguments]
    environment = {"SKIPASS_HOME": str(home), "PATH": ""}
    return subprocess.run(command, capture_output=True, text=True, input=stdin, env=environment, check=False)


def test_keys_scripts_and_snippets_need_no_extra(tmp_path: Path) -> None:
    """A key pair, the admin's script and a client's configuration are made by the base install."""
    key = str(tmp_path / "key.p8")
    assert base(tmp_path, "key", "new", "--out", key).returncode == 0
    options = ("--login", "a", "--role", "r", "--schema", "d.s", "--private-key", key)
    assert "RSA_PUBLIC_KEY" in base(tmp_path, "connection", "setup-sql", *options).stdout
    assert "mcpServers" in base(tmp_path, "agent", "config", "--slug", "s", "--client", "cursor").stdout


def test_calling_a_gateway_and_verifying_need_no_extra(tmp_path: Path) -> None:
    """Client commands get as far as the network, and verification as far as the file."""
    (tmp_path / "record.jsonl").write_text("")
    assert base(tmp_path, "audit", "verify", str(tmp_path / "record.jsonl")).returncode == 0
    asked = base(tmp_path, "login", "token")
    assert asked.stderr.startswith(("gateway_unreachable: ", "link_used: ")), asked.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("init", "--admin", "ana"), "server"),
        (("serve",), "server"),
        (("serve", "--sandbox"), "sandbox"),
        (("demo",), "sandbox"),
        (("sandbox", "serve"), "sandbox"),
        (("guard", "check", "--scope", "scope.json"), "server"),
    ],
)
def test_what_needs_an_extra_says_which(tmp_path: Path, arguments: tuple[str, ...], extra: str) -> None:
    """The commands that run something name the extra to install, and leave nothing behind."""
    found = base(tmp_path / "home", *arguments)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("extra_required: "), found.stderr
    assert f"pip install 'skipass[{extra}]'" in found.stderr
    assert not (tmp_path / "home").exists()
