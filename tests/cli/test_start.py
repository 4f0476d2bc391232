"""Starting is cheap, and the parts are found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skipass import __version__

HEAVY = {"fastapi", "sqlalchemy", "sqlglot", "duckdb", "aiohttp", "pydantic", "uvicorn", "starlette", "cryptography"}
NOUNS = {
    "init": [],
    "serve": [],
    "demo": [],
    "login": [],
    "logout": [],
    "whoami": [],
    "sandbox": ["serve"],
    "user": ["create", "list", "link", "unbind", "disable"],
    "connection": ["add", "list", "show", "test", "setup-sql", "disable"],
    "key": ["new"],
    "agent": ["create", "list", "rotate", "disable", "config"],
    "mcp-server": ["add", "list", "disable"],
    "session": ["request", "list", "show", "close", "revoke", "record"],
    "approval": ["list", "show", "approve", "deny", "wait"],
    "guard": ["check"],
    "audit": ["verify", "export"],
}


def test_importing_the_commands_imports_no_server() -> None:
    """Neither the server's nor the client's heavy libraries are loaded before a command needs them."""
    code = "import sys, skipass.cli.main; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(found.stdout.split())


@pytest.mark.parametrize("noun", NOUNS)
def test_help_names_every_verb(run, noun: str) -> None:
    """`--help` after a noun lists its verbs, and after each verb describes it."""
    shown = run(noun, "--help")
    assert shown.status == 0
    for verb in NOUNS[noun]:
        assert f"  {verb} " in shown.out
        assert run(noun, verb, "--help").status == 0


def test_the_version_is_printed(run) -> None:
    """`--version` prints the package's version."""
    assert run("--version").out == f"skipass {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["session", "show"], ["approval", "approve"], ["user", "create", "x"]]
)
def test_wrong_usage_ends_with_two(run, arguments: list[str]) -> None:
    """An unknown command or a missing argument is wrong usage, with nothing on standard output."""
    found = run(*arguments)
    assert found.status == 2
    assert found.out == ""
    assert found.err
